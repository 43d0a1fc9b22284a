"""Human3.6M's test part from MotionBERT's file: what its family's published numbers rest on.

Truth is 2.5D there, so lifters that predict metres in camera space are scored on it only in so far
as their units are the image's; see `h36m17-motionbert25d` in docs/protocols.md. The training part
is not read: its labels are pixels without the factor that makes them millimetres.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from harness.body.camera import Camera, h36m_cameras
from harness.body.skeleton import H36M_17
from harness.datasets.h36m.contents import shifted_takes_note
from harness.datasets.h36m_motionbert.pickled import PickledSet, Video, read_pickled
from harness.datasets.importers import Importer
from harness.datasets.prepared import Manifest, Source2D
from harness.datasets.prepared_writer import PreparedWriter, write_prepared_set
from harness.foundation.errors import HarnessError
from harness.foundation.files import sha256_of_file
from harness.foundation.progress import track
from harness.foundation.suggest import unknown_name

FPS = 50.0
DETECTED, LABEL = "sh_finetuned", "label_xy"
_CITATION = (
    "Ionescu, Papava, Olaru, Sminchisescu: Human3.6M, IEEE TPAMI 36(7), 2014; Zhu, Ma, Liu, Liu, "
    "Wu, Wang: MotionBERT: A Unified Perspective on Learning Human Motion Representations, ICCV "
    "2023"
)


class H36mMotionbertSettings(BaseModel):
    """Options of the h36m_motionbert importer.

    Attributes:
        file: name of the file in the raw folder.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = "h36m_sh_conf_cam_source_final.pkl"


def prepare(raw: Path | None, out: Path, settings: H36mMotionbertSettings) -> Manifest:
    """Import the test part of the file in the folder `raw` into the prepared set `out`.

    2D sources: "sh_finetuned", the detector's with its confidence, and "label_xy", the x and y of
    the truth itself, which the family calls ground-truth 2D.

    Raises:
        HarnessError: the file is missing, damaged, unsafe or inconsistent.
    """
    if raw is None:
        raise HarnessError("h36m_motionbert is made from your own file: give its folder with --raw")
    path = raw / settings.file
    if not path.is_file():
        raise HarnessError(f"{path}: no such file; {IMPORTER.how_to_get}")
    pickled = read_pickled(path)
    videos = list(pickled.videos())
    with write_prepared_set(out, H36M_17) as writer:
        for video in track(videos, "importing MotionBERT's Human3.6M"):
            _add(writer, pickled, video)
        writer.notes = _notes(pickled, videos)
        writer.source_files[settings.file] = sha256_of_file(path)
        return writer.finish(
            name=IMPORTER.name,
            title=IMPORTER.title,
            licence=IMPORTER.licence,
            citation=_CITATION,
            importer_version=IMPORTER.version,
            settings=settings.model_dump(mode="json"),
        )


def _add(writer: PreparedWriter, pickled: PickledSet, video: Video) -> None:
    rows, sure = video.rows, pickled.confidence
    writer.add_clip(
        origin=f"{pickled.path}: {video.source}",
        subject=video.subject,
        action=video.action,
        subaction=video.take,
        split="test",
        fps=FPS,
        camera=_camera(pickled.path, video),
        camera_key=f"{video.subject}/{video.camera}",
        positions_3d=None,
        image_25d=pickled.truth[rows],
        factor=pickled.factor[rows],
        keypoints_2d={DETECTED: pickled.keypoints[rows], LABEL: pickled.image[rows, :, :2]},
        layouts={
            DETECTED: Source2D(layout=H36M_17.name, exact=False, confidence=sure is not None),
            LABEL: Source2D(layout=H36M_17.name, exact=True, confidence=False),
        },
        confidence=None if sure is None else {DETECTED: sure[rows]},
    )


def _camera(path: Path, video: Video) -> Camera:
    """Return the camera, whose image size the normalisation of 2D needs."""
    cameras = h36m_cameras()
    if video.subject not in cameras:
        raise unknown_name(f"subject of {video.source} in {path}", video.subject, cameras)
    of_subject = {camera.name: camera for camera in cameras[video.subject]}
    if video.camera not in of_subject:
        raise unknown_name(f"camera of {video.source} in {path}", video.camera, of_subject)
    return of_subject[video.camera]


def _notes(pickled: PickledSet, videos: Sequence[Video]) -> list[str]:
    made = pickled.image * pickled.factor[:, None, None].astype(np.float64)
    farthest = float(np.abs(made - pickled.truth).max())
    notes = [
        "the training part is not imported: its labels are pixels without a factor",
        f"joints_2.5d_image is joint3d_image times 2.5d_factor within {farthest:.3g} mm",
    ]
    if pickled.confidence is None:
        notes.append("the file has no confidence")
    return notes + shifted_takes_note((video.subject, video.take) for video in videos)


IMPORTER = Importer(
    name="h36m_motionbert",
    title="Human3.6M (MotionBERT's 2.5D file)",
    needs_raw=True,
    settings=H36mMotionbertSettings,
    prepare=prepare,
    licence="Academic research only, after registration at vision.imar.ro/human3.6m; "
    "no redistribution",
    how_to_get="get h36m_sh_conf_cam_source_final.pkl as MotionBERT's docs/pose3d.md says",
    version=1,
    expected_counts={"test frames": (566_920, 566_920)},
)
