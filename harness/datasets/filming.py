"""Filming recorded motion: from joints in the world to clips before borrowed cameras.

Place. Each trial is moved as a whole along the floor, so that the middle of its root's path lies
where the optical axes of its cameras meet best; heights are kept. Where a joint would come nearer
to a camera than 1.5 m, the trial is cut into the smallest number of equal pieces that can each be
placed so. Joints may leave the image; the notes say how many do.

Cameras are those of `borrowed_cameras`, detections are simulated (`detector`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from harness.body.camera import project, world_to_camera
from harness.body.skeleton import H36M_17
from harness.datasets.borrowed_cameras import CameraChoice, cameras_of
from harness.datasets.detector import DetectorSettings, detect
from harness.datasets.prepared import Source2D, Split
from harness.datasets.prepared_writer import PreparedWriter
from harness.datasets.staging import place_before
from harness.foundation.errors import HarnessError
from harness.foundation.seeds import derive_seed

NEAREST_METRES = 1.5
SHORTEST_SECONDS = 1.0
_NAMED = 3

_SOURCES = {
    "gt": Source2D(layout=H36M_17.name, exact=True, confidence=False),
    "detected": Source2D(layout=H36M_17.name, exact=False, confidence=True),
}

Array = NDArray[np.float64]


class FilmingSettings(BaseModel):
    """Options of every importer that films recorded motion.

    Attributes:
        fps: frames a second of the prepared set.
        cameras: "shared", or "unseen" for test clips seen by cameras that training never saw;
            clips to train and validate on are the same with both.
        seed: base seed of the simulated detections.
        detector: sizes of the simulated detections' errors.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fps: float = Field(default=50.0, ge=1, le=1000)
    cameras: CameraChoice = "shared"
    seed: int = Field(default=0, ge=0)
    detector: DetectorSettings = DetectorSettings()

    @model_serializer(mode="wrap")
    def _without_the_usual_cameras(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out a choice that was not made: manifests stay, byte for byte, as they were."""
        values = handler(self)
        if values["cameras"] == "shared":
            del values["cameras"]
        return values


@dataclass(frozen=True)
class Trial:
    """One motion file and what becomes of it."""

    name: str
    subject: str
    path: Path
    action: str
    split: Split


def film(
    writer: PreparedWriter, trial: Trial, pieces: Sequence[Array], settings: FilmingSettings
) -> list[str]:
    """Add the views of a trial by every camera of its subject.

    Args:
        writer: of the prepared set.
        trial: the trial.
        pieces: its sound pieces, (frames, 17, 3) world metres, z up, at the settings' rate.
        settings: rate, cameras and detections.

    Returns:
        Notes on what was left out or not seen.
    """
    cameras = cameras_of(trial.subject, trial.split, settings.cameras)
    shortest = round(SHORTEST_SECONDS * settings.fps)
    notes: list[str] = []
    placed: list[Array] = []
    for piece in pieces:
        staged = place_before(piece, H36M_17.root, cameras, NEAREST_METRES, shortest)
        if len(piece) < shortest or not staged:
            reason = "shorter than a second" if staged else "cannot be placed before the cameras"
            notes.append(f"{trial.name}: left out {len(piece)} frames ({reason})")
        else:
            placed += staged
    outside = []
    for number, world in enumerate(placed, start=1):
        subaction = trial.name if len(placed) == 1 else f"{trial.name} part {number}"
        for camera in cameras:
            positions = world_to_camera(world, camera)
            exact = project(positions, camera)
            seed = derive_seed(settings.seed, "detect", subaction, camera.name)
            detected, confidence = detect(
                exact, positions, settings.fps, seed, settings.detector, H36M_17
            )
            outside.append(np.any((exact < 0) | (exact > (camera.width, camera.height)), axis=-1))
            writer.add_clip(
                origin=f"{trial.path} seen by camera {camera.name}",
                subject=trial.subject,
                action=trial.action,
                subaction=subaction,
                split=trial.split,
                fps=settings.fps,
                camera=camera,
                camera_key=f"{trial.subject}/{camera.name}",
                positions_3d=positions,
                keypoints_2d={"gt": exact, "detected": detected},
                layouts=_SOURCES,
                confidence={"detected": confidence},
            )
    share = 100 * np.concatenate(outside).mean() if outside else 0.0
    if share >= 0.05:
        notes.append(f"{trial.name}: {share:.1f} % of joints lie outside the image")
    return notes


def check_splits_left(writer: PreparedWriter, trials: Sequence[Trial]) -> None:
    """Raise HarnessError where trials of a split were to be filmed and no clip of it is left."""
    for split in get_args(Split):
        names = [trial.name for trial in trials if trial.split == split]
        if names and split not in writer.splits:
            why = [note for note in writer.notes if note.partition(":")[0] in names]
            some = ", ".join(names[:_NAMED]) + (" ..." if len(names) > _NAMED else "")
            raise HarnessError(
                f"nothing is left of the {len(names)} {split} trials ({some}): "
                f"{'; '.join(why[:_NAMED])}; correct the split or the files"
            )


def camera_notes(settings: FilmingSettings) -> list[str]:
    """Return what a set's notes say of its cameras: nothing where they are the usual ones."""
    if settings.cameras == "shared":
        return []
    return ["test clips are seen by cameras that no other clip has (option cameras: unseen)"]
