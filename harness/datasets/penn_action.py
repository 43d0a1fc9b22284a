"""Penn Action: 2,326 videos of sports with 13 joints marked by hand; 2D only, so for prediction.

Labels: labels/0001.mat and so on, each x, y and visibility (frames, 13), dimensions (height, width,
frames), action and the side that is seen (the README of the data set).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from harness.body.camera import Camera
from harness.body.skeleton import H36M_17
from harness.datasets.derived_joints import mean_weights
from harness.datasets.files.keypoints_npz import check_finite
from harness.datasets.files.matlab import read_matlab
from harness.datasets.importers import Importer
from harness.datasets.prepared import Manifest, Source2D
from harness.datasets.prepared_writer import PreparedWriter, write_prepared_set
from harness.foundation.errors import HarnessError
from harness.foundation.files import sha256_of_file
from harness.foundation.progress import track
from harness.foundation.suggest import unknown_name

SOURCE = "annotated"
_LAYOUTS = {SOURCE: Source2D(layout=H36M_17.name, exact=False, confidence=True)}
_CITATION = (
    "Zhang, Zhu, Derpanis: From Actemes to Action: A Strongly-supervised Representation for "
    "Detailed Action Understanding, ICCV 2013"
)

# The marked joints in the files' order.
MARKED = (
    *("Head", "LShoulder", "RShoulder", "LElbow", "RElbow", "LWrist", "RWrist"),
    *("LHip", "RHip", "LKnee", "RKnee", "LFoot", "RFoot"),
)
_SHOULDERS, _HIPS = ("LShoulder", "RShoulder"), ("LHip", "RHip")
DERIVED = {
    "Hip": dict.fromkeys(_HIPS, 1 / 2),
    "Thorax": dict.fromkeys(_SHOULDERS, 1 / 2),
    "Spine": dict.fromkeys((*_HIPS, *_SHOULDERS), 1 / 4),
    "Neck/Nose": {"Head": 1 / 2, **dict.fromkeys(_SHOULDERS, 1 / 4)},
}
"""The joints of H36M_17 that are not marked, as weighted means of those that are: the middle of the
hips, of the shoulders, of both, and of thorax and head."""


class PennActionSettings(BaseModel):
    """Options of the penn_action importer.

    Attributes:
        videos: import only these, such as "0001"; all otherwise.
        actions: import only videos of these actions.
        fps: frame rate of the videos, which the labels do not say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    videos: tuple[str, ...] | None = None
    actions: tuple[str, ...] | None = None
    fps: float = Field(default=30.0, gt=0)


@dataclass(frozen=True)
class _Video:
    """The labels of one video: (frames, 13, 2) pixels, (frames, 13) whether a joint is visible."""

    path: Path
    action: str
    side: str
    size: tuple[int, int]
    points: NDArray[Any]
    visible: NDArray[Any]


def prepare(raw: Path | None, out: Path, settings: PennActionSettings) -> Manifest:
    """Import the labels of Penn Action in `raw` into the prepared set `out`; it has no 3D.

    Raises:
        HarnessError: files are missing, damaged or do not fit together.
    """
    if raw is None:
        raise HarnessError("penn_action is made from your own files: give their folder with --raw")
    paths = _label_files(raw, settings.videos)
    held = set()
    with write_prepared_set(out, H36M_17) as writer:
        for path in track(paths, "importing Penn Action"):
            video = _read(path)
            held.add(video.action)
            if settings.actions is None or video.action in settings.actions:
                _add(writer, video, settings.fps)
                writer.source_files[path.relative_to(raw).as_posix()] = sha256_of_file(path)
        for action in settings.actions or ():
            if action not in held:
                raise unknown_name(f"action in {raw}", action, held)
        writer.notes = [
            "Hip, Spine, Thorax and Neck/Nose are means of marked joints, see docs/data.md",
            "focal lengths are not known and taken to be the longer side of the image",
            f"the frame rate is not known and taken to be {settings.fps:g}",
        ]
        return writer.finish(
            name=IMPORTER.name,
            title=IMPORTER.title,
            licence=IMPORTER.licence,
            citation=_CITATION,
            importer_version=IMPORTER.version,
            settings=settings.model_dump(mode="json"),
        )


def in_h36m_joints(
    points: NDArray[np.floating], visible: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return marked joints in the joints of H36M_17.

    Args:
        points: (frames, 13, 2) pixels, in the order of MARKED.
        visible: (frames, 13) whether a joint is visible.

    Returns:
        (frames, 17, 2) pixels, and (frames, 17) confidence: 1 where all joints that one is made of
        are visible, else 0.
    """
    weights = mean_weights(H36M_17.joints, MARKED, DERIVED)
    hidden = (~visible).astype(np.float64) @ (weights > 0).T
    return np.einsum("jm,fma->fja", weights, points), (hidden == 0).astype(np.float64)


def _label_files(raw: Path, videos: tuple[str, ...] | None) -> list[Path]:
    folders = [raw / "labels", raw / "Penn_Action" / "labels"]
    paths = [path for folder in folders for path in sorted(folder.glob("*.mat"))]
    if not paths:
        raise HarnessError(
            f"{raw}: holds no labels/*.mat; unpack Penn_Action.tar.gz there (docs/data.md)"
        )
    if videos is None:
        return paths
    by_name = {path.stem: path for path in paths}
    for name in videos:
        if name not in by_name:
            raise unknown_name(f"video in {raw}", name, by_name)
    return [by_name[name] for name in videos]


def _read(path: Path) -> _Video:
    content = read_matlab(path, ("action", "pose", "x", "y", "visibility", "dimensions"))
    dimensions = content["dimensions"].ravel()
    numbers = dimensions.dtype.kind in "fiu" and np.isfinite(dimensions).all()
    if len(dimensions) != 3 or not numbers or min(dimensions) < 1:
        raise HarnessError(
            f"{path}: dimensions are {dimensions.tolist()}, expected height, width and frames"
        )
    height, width, frames = (int(value) for value in dimensions)
    expected = (frames, len(MARKED))
    for name in ("x", "y", "visibility"):
        values = content[name]
        if values.shape != expected or values.dtype.kind not in "fiub":
            raise HarnessError(
                f"{path}: {name} has shape {values.shape}, expected {expected}: the "
                f"{frames} frames that dimensions tell of, {len(MARKED)} joints"
            )
    visible = content["visibility"]
    if not np.isin(visible, (0, 1)).all():
        raise HarnessError(f"{path}: visibility must be 0 or 1 everywhere; download it again")
    points = np.stack([content["x"], content["y"]], axis=-1)
    check_finite(str(path), "x and y", points)
    action, side = (_text(path, name, content[name]) for name in ("action", "pose"))
    return _Video(path, action, side, (width, height), points, visible.astype(bool))


def _text(path: Path, name: str, value: NDArray[Any]) -> str:
    if value.dtype.kind != "U" or value.size != 1:
        raise HarnessError(f"{path}: {name} is no text; is this a label file of Penn Action?")
    return str(value.item())


def _add(writer: PreparedWriter, video: _Video, fps: float) -> None:
    points, confidence = in_h36m_joints(video.points, video.visible)
    width, height = video.size
    name = video.path.stem
    side = float(max(width, height))
    writer.add_clip(
        origin=str(video.path),
        subject=name,
        action=video.action,
        subaction=video.side,
        split="test",
        fps=fps,
        camera=Camera(
            name=name,
            width=width,
            height=height,
            focal_length=(side, side),
            center=(width / 2, height / 2),
        ),
        camera_key=name,
        positions_3d=None,
        keypoints_2d={SOURCE: points},
        layouts=_LAYOUTS,
        confidence={SOURCE: confidence},
    )


IMPORTER = Importer(
    name="penn_action",
    title="Penn Action",
    needs_raw=True,
    settings=PennActionSettings,
    prepare=prepare,
    licence="No licence is stated; research use with citation, as its authors ask",
    how_to_get="download from dreamdragon.github.io/PennAction, see docs/data.md",
    version=1,
    expected_counts={"clips": (2326, 2326)},
)
