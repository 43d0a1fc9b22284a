"""What a 2D detector wrote, as a set to predict: without dataset.json, without 3D."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from harness.body.skeleton import H36M_17
from harness.body.unknown_lens import camera_of
from harness.datasets.keypoints.detections import Detections
from harness.datasets.keypoints.mapping import lifter_keypoints
from harness.datasets.keypoints.people import choose_people, confident, people_of
from harness.datasets.keypoints.read import FORMATS, read_keypoints
from harness.datasets.prepared import Manifest, Source2D
from harness.datasets.prepared_writer import PreparedWriter, write_prepared_set
from harness.foundation.errors import HarnessError
from harness.foundation.files import sha256_of_file
from harness.foundation.shown import shown

SOURCE = "detected"
"""The only 2D source of such a set."""

_USUAL_FPS = 50.0
_ENDINGS = frozenset((".json", ".txt", ".csv", ".npz", ".h5"))


class CustomSettings(BaseModel):
    """What detectors' files do not say; with dataset.json, which says everything, none is given.

    Attributes:
        image_size: width and height of the picture in pixels.
        fps: frames a second.
        confidence: joints that the detector is less sure of count as not found.
        input_format: name of the files' format; found by its content unless given.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    image_size: tuple[int, int] | None = None
    fps: float | None = Field(default=None, ge=1, le=1000)
    confidence: float = Field(default=0.3, ge=0)
    input_format: str | None = None


def written_by_detector(raw: Path) -> bool:
    """Return whether a folder holds files of kinds that detectors write, by their endings."""
    return any(file.suffix.lower() in _ENDINGS for file in raw.iterdir() if file.is_file())


def prepare_detections(raw: Path, out: Path, settings: CustomSettings, version: int) -> Manifest:
    """Import what a detector wrote: a test clip for each person, in the joints of H36M_17.

    Joints are derived and gaps filled as `harness lift` does it (docs/lift.md).

    Args:
        raw: folder with the one file that it wrote, or with a file a frame.
        out: folder of the prepared set.
        settings: what the file does not say.
        version: of the importer.

    Raises:
        HarnessError: the file is damaged, of no known format or without anybody, or its picture's
            size is not known.
    """
    path = _only_file(raw)
    name, detections = read_keypoints(path, settings.input_format)
    size = detections.size or settings.image_size
    if size is None:
        raise HarnessError(
            f"{path}: does not say its image size; tell it with --set 'image_size=[1920, 1080]'"
        )
    if detections.shares:
        detections = replace(detections, points=detections.points * np.array(size))
    fps = detections.fps or settings.fps
    with write_prepared_set(out, H36M_17) as writer:
        _add_people(writer, path, detections, settings, size, fps or _USUAL_FPS)
        files = [path] if path.is_file() else sorted(file for file in path.iterdir())
        writer.source_files = {file.name: sha256_of_file(file) for file in files if file.is_file()}
        writer.notes = [
            f"made of {FORMATS[name].title}: joints derived, gaps filled (docs/lift.md)"
        ]
        if fps is None:
            writer.notes.append(
                f"its frame rate is not told and taken to be {_USUAL_FPS:g} a second, Human3.6M's; "
                "if it is another, tell it with --set fps=RATE"
            )
        return writer.finish(
            name=_as_name(raw.resolve().name),
            title=f"People in {raw.resolve().name}",
            licence="yours",
            citation="",
            importer_version=version,
            settings=settings.model_dump(mode="json"),
        )


def _add_people(
    writer: PreparedWriter,
    path: Path,
    detections: Detections,
    settings: CustomSettings,
    size: tuple[int, int],
    fps: float,
) -> None:
    people = people_of(detections)
    for number, person in enumerate(choose_people(people, "all", str(path)), start=1):
        sure = confident(person, settings.confidence, str(path))
        points, confidence, _, _ = lifter_keypoints(sure, H36M_17.joints, str(path))
        writer.add_clip(
            origin=f"{path}: person {shown(person.name)}",
            subject=_as_name(person.name),
            action=_as_name(path.stem),
            subaction=str(number),
            split="test",
            fps=fps,
            camera=camera_of(size),
            camera_key="video",
            positions_3d=None,
            keypoints_2d={SOURCE: points},
            layouts={SOURCE: Source2D(layout=H36M_17.name, exact=False, confidence=True)},
            confidence={SOURCE: confidence},
        )


def _only_file(raw: Path) -> Path:
    """Return the file that a folder holds alone, or the folder, which then holds a file a frame."""
    files = [file for file in raw.iterdir() if not file.name.startswith(".")]
    return files[0] if len(files) == 1 else raw


def _as_name(text: str) -> str:
    """Return text as a part of paths may be called."""
    return re.sub(r"[^A-Za-z0-9_.-]+|^[_.-]+", "-", text).strip("-") or "unnamed"
