"""HumanEva-I: 5 actions by 3 subjects before 3 cameras; its validation part is what is reported."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from harness.body.camera import world_to_camera
from harness.body.skeleton import COCO_17, HUMANEVA_15
from harness.datasets.derived_joints import mean_weights
from harness.datasets.files.keypoints_npz import KeypointsFile, find_keypoint_files
from harness.datasets.humaneva.cameras import FoundCameras, find_cameras
from harness.datasets.humaneva.recordings import (
    ACTIONS,
    CAMERAS,
    PARTS,
    SUBJECTS,
    Chunk,
    read_recordings,
)
from harness.datasets.importers import Importer
from harness.datasets.options import among, recorded_at
from harness.datasets.prepared import Manifest, Source2D, Split
from harness.datasets.prepared_writer import PreparedWriter, write_prepared_set
from harness.foundation.errors import HarnessError
from harness.foundation.files import sha256_of_file

FPS = 60.0

_GT = "gt"
_IN_15 = "_15"
_CITATION = (
    "Sigal, Balan, Black: HumanEva: Synchronized Video and Motion Capture Dataset and Baseline "
    "Algorithm for Evaluation of Articulated Human Motion, IJCV 87(1), 2010"
)

_FROM_COCO = {
    "Hip": {"LHip": 1 / 2, "RHip": 1 / 2},
    "Thorax": {"LShoulder": 1 / 2, "RShoulder": 1 / 2},
    "Head": {"LEar": 1 / 2, "REar": 1 / 2},
}
"""The joints of HUMANEVA_15 that COCO lacks: middle of the hips, the shoulders, the ears."""


class HumanEvaSettings(BaseModel):
    """Options of the humaneva importer.

    Attributes:
        subjects: subjects to import; the Train part of each trains, its Validate part tests.
        actions: import only these of the 5 actions, matched exactly.
        sources_2d: import only these 2D sources beside "gt"; all that are found otherwise.
        coco_in_15: add every source of COCO's 17 keypoints a second time, called NAME_15, told in
            the 15 joints: graph networks take and predict the same joints.
        validation_share: the end of each training chunk that is held out to choose the best epoch
            on, as a share of its frames; 0 for the published recipe, which keeps the last epoch.
        fps: frame rate of the files, which do not say it; only 60 is HumanEva-I.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    subjects: Annotated[tuple[str, ...], among(SUBJECTS, "subjects"), Field(min_length=1)] = (
        SUBJECTS
    )
    actions: Annotated[tuple[str, ...], among(ACTIONS, "actions"), Field(min_length=1)] = ACTIONS
    sources_2d: tuple[str, ...] | None = None
    coco_in_15: bool = False
    validation_share: float = Field(default=0.1, ge=0, le=0.5)
    fps: Annotated[float, recorded_at(FPS, "HumanEva-I")] = FPS


def prepare(raw: Path | None, out: Path, settings: HumanEvaSettings) -> Manifest:
    """Import HumanEva-I from the folder `raw` into the prepared set `out`.

    Raises:
        HarnessError: files are missing, damaged, unsafe or do not fit together.
    """
    if raw is None:
        raise HarnessError("humaneva is made from your own files: give their folder with --raw")
    recordings = read_recordings(raw)
    chunks = [chunk for chunk in recordings.chunks if chunk.subject in settings.subjects]
    _check_complete(raw, chunks, settings)
    detections = {
        source: KeypointsFile(path, source, CAMERAS)
        for source, path in find_keypoint_files(
            raw, "data_2d_humaneva15_", settings.sources_2d
        ).items()
        if source != _GT
    }
    with write_prepared_set(out, HUMANEVA_15) as writer:
        for subject in settings.subjects:
            own = [chunk for chunk in chunks if chunk.subject == subject]
            found = find_cameras(subject, own)
            for camera, residual in zip(found.cameras, found.residual_px, strict=True):
                writer.notes.append(
                    f"{subject} {camera.name}: focal length and centre are found from 2D and 3D, "
                    f"which they fit within {residual:.2f} pixels on average"
                )
            for chunk in own:
                if chunk.action in settings.actions:
                    _add_chunk(writer, chunk, found, detections, settings)
        for file in detections.values():
            writer.notes += file.notes()
        for path in (*recordings.source_files, *(file.path for file in detections.values())):
            writer.source_files[path.relative_to(raw).as_posix()] = sha256_of_file(path)
        return writer.finish(
            name=IMPORTER.name,
            title=IMPORTER.title,
            licence=IMPORTER.licence,
            citation=_CITATION,
            importer_version=IMPORTER.version,
            settings=settings.model_dump(mode="json"),
        )


def _check_complete(raw: Path, chunks: list[Chunk], settings: HumanEvaSettings) -> None:
    for subject in settings.subjects:
        for part in PARTS:
            held = {
                chunk.action for chunk in chunks if (chunk.subject, chunk.part) == (subject, part)
            }
            missing = [
                action
                for action in settings.actions
                if action not in held and (subject, action) != ("S3", "ThrowCatch")
            ]
            if missing:
                raise HarnessError(
                    f"{raw}: the 3D data has no {', '.join(missing)} in {part}/{subject}; "
                    "complete it, or name what to import in the options subjects and actions"
                )


def _add_chunk(
    writer: PreparedWriter,
    chunk: Chunk,
    found: FoundCameras,
    detections: Mapping[str, KeypointsFile],
    settings: HumanEvaSettings,
) -> None:
    """Add a chunk as each of the three cameras saw it; its end goes to validation."""
    layouts = {_GT: Source2D(layout=HUMANEVA_15.name, exact=True, confidence=False)}
    for source, file in detections.items():
        layout = file.layout.skeleton.name
        layouts[source] = Source2D(layout=layout, exact=False, confidence=False)
        if settings.coco_in_15 and layout == COCO_17.name:
            layouts[source + _IN_15] = Source2D(
                layout=HUMANEVA_15.name, exact=False, confidence=False
            )
    frames = len(chunk.positions)
    for index, camera in enumerate(found.cameras):
        positions = world_to_camera(chunk.positions, camera)
        keypoints = {_GT: chunk.ground_truth[index]}
        for source, file in detections.items():
            key = f"{chunk.part}/{chunk.subject}"
            keypoints[source] = file.clip(key, chunk.name, index, frames)
            if source + _IN_15 in layouts:
                keypoints[source + _IN_15] = in_humaneva_joints(keypoints[source])
        for split, name, rows in _pieces(chunk, settings.validation_share):
            writer.add_clip(
                origin=f"{chunk.origin} camera {camera.name}",
                subject=chunk.subject,
                action=chunk.action,
                subaction=name,
                split=split,
                fps=FPS,
                camera=camera,
                camera_key=f"{chunk.subject}/{camera.name}",
                positions_3d=positions[rows],
                keypoints_2d={source: points[rows] for source, points in keypoints.items()},
                layouts=layouts,
            )


def in_humaneva_joints(keypoints: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (frames, 17, 2) keypoints of COCO in the joints of HUMANEVA_15, (frames, 15, 2)."""
    weights = mean_weights(HUMANEVA_15.joints, COCO_17.joints, _FROM_COCO)
    return np.einsum("jm,fma->fja", weights, keypoints).astype(np.float32)


def _pieces(chunk: Chunk, validation_share: float) -> Iterator[tuple[Split, str, slice]]:
    """Yield the split, the name and the rows of the one or two clips that a chunk becomes.

    Train and Validate number their chunks apart, so both may have a "Walking 1 chunk0"; the name
    of the part tells them apart.
    """
    name = f"{chunk.part} {chunk.name}"
    frames = len(chunk.positions)
    if chunk.part == "Validate":
        yield "test", name, slice(0, frames)
        return
    kept = frames - round(validation_share * frames)
    yield "train", name, slice(0, kept)
    if kept < frames:
        yield "validation", f"{name} end", slice(kept, frames)


IMPORTER = Importer(
    name="humaneva",
    title="HumanEva-I",
    needs_raw=True,
    settings=HumanEvaSettings,
    prepare=prepare,
    licence="Academic research only, after registration at humaneva.is.tue.mpg.de; "
    "no redistribution",
    how_to_get="register at humaneva.is.tue.mpg.de, see docs/data.md",
    version=2,
    # Frames of the official parts times 3 cameras; where motion capture failed, some are missing.
    expected_counts={"frames": (1, 38_238), "test frames": (1, 18_906)},
)
