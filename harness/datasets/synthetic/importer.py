"""The synthetic data set: people who move by rule and chance, seen by Human3.6M's cameras."""

from itertools import product
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from harness.body.camera import h36m_cameras, project, world_to_camera
from harness.body.skeleton import H36M_17
from harness.datasets.detector import DetectorSettings, detect
from harness.datasets.importers import Importer
from harness.datasets.prepared import Manifest, Source2D, Split
from harness.datasets.prepared_writer import PreparedWriter, write_prepared_set
from harness.datasets.staging import meeting_point
from harness.datasets.synthetic.actions import ACTIONS
from harness.datasets.synthetic.subjects import Body, draw_body
from harness.datasets.synthetic.take import Take
from harness.foundation.errors import HarnessError
from harness.foundation.progress import track
from harness.foundation.seeds import derive_seed
from harness.foundation.suggest import unknown_name

Array = NDArray[np.float64]

_LAYOUTS = {
    "gt": Source2D(layout=H36M_17.name, exact=True, confidence=False),
    "detected": Source2D(layout=H36M_17.name, exact=False, confidence=True),
}


class SyntheticSettings(BaseModel):
    """Options of the importer.

    A subject is called after the subject of Human3.6M whose camera placement it borrows.

    Attributes:
        seed: base of all chance; people, takes and errors have seeds of their own derived from it,
            so more subjects, actions or takes leave the others as they were.
        train: subjects to train on.
        validation: subjects to choose epochs and settings on.
        test: subjects to test on.
        actions: which of the fifteen actions; all by default.
        takes: takes of each action by each subject.
        seconds: length of a take.
        fps: frames a second.
        detector: size and behaviour of the 2D errors.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=0, ge=0)
    train: list[str] = ["S1", "S5", "S6", "S7"]
    validation: list[str] = ["S8"]
    test: list[str] = ["S9", "S11"]
    actions: list[str] = list(ACTIONS)
    takes: int = Field(default=2, ge=1)
    seconds: float = Field(default=5.0, gt=0)
    fps: float = Field(default=50.0, gt=0)
    detector: DetectorSettings = DetectorSettings()


def splits_of(settings: SyntheticSettings) -> dict[str, Split]:
    """Return the split of each subject.

    Raises:
        HarnessError: an unknown subject or action, or one that is listed twice.
    """
    splits: dict[str, Split] = {}
    for split in get_args(Split):
        for subject in getattr(settings, split):
            if subject not in h36m_cameras():
                raise unknown_name("subject of data set synthetic", subject, h36m_cameras())
            if subject in splits:
                raise HarnessError(
                    f"options of data set synthetic: subject {subject} is listed as "
                    f"{splits[subject]} and as {split}; list it once"
                )
            splits[subject] = split
    for action in settings.actions:
        if action not in ACTIONS:
            raise unknown_name("action of data set synthetic", action, ACTIONS)
        if settings.actions.count(action) > 1:
            raise HarnessError(
                f"options of data set synthetic: action {action} is listed more than once"
            )
    return splits


def body_of(subject: str, seed: int) -> Body:
    """Return the body of a subject, the same in all its takes."""
    return draw_body(derive_seed(seed, "body", subject))


def perform(subject: str, action: str, number: int, settings: SyntheticSettings) -> Array:
    """Return the joints (frames, 17, 3) of one take, number 1 or more, in world metres."""
    centre = meeting_point(h36m_cameras()[subject])[:2]
    seed = derive_seed(settings.seed, "take", subject, action, number)
    body = body_of(subject, settings.seed)
    return ACTIONS[action](Take(body, settings.seconds, settings.fps, centre, seed)).joints()


def _add_take(
    writer: PreparedWriter,
    subject: str,
    action: str,
    number: int,
    split: Split,
    settings: SyntheticSettings,
) -> None:
    world = perform(subject, action, number, settings)
    subaction = f"{action} {number}"
    for camera in h36m_cameras()[subject]:
        positions = world_to_camera(world, camera)
        exact = project(positions, camera)
        seed = derive_seed(settings.seed, "detector", subject, action, number, camera.name)
        found, confidence = detect(exact, positions, settings.fps, seed, settings.detector, H36M_17)
        writer.add_clip(
            origin=f"synthetic {subject} {subaction} seen by camera {camera.name}",
            subject=subject,
            action=action,
            subaction=subaction,
            split=split,
            fps=settings.fps,
            camera=camera,
            camera_key=f"{subject}/{camera.name}",
            positions_3d=positions,
            keypoints_2d={"gt": exact, "detected": found},
            confidence={"detected": confidence},
            layouts=_LAYOUTS,
        )


def _prepare(raw: Path | None, out: Path, settings: SyntheticSettings) -> Manifest:
    splits = splits_of(settings)
    takes = list(product(splits, settings.actions, range(1, settings.takes + 1)))
    with write_prepared_set(out, H36M_17) as writer:
        for subject, action, number in track(takes, "Making synthetic"):
            _add_take(writer, subject, action, number, splits[subject], settings)
        return writer.finish(
            name=IMPORTER.name,
            title=IMPORTER.title,
            licence=IMPORTER.licence,
            citation="Synthetic motion of this project's own generator; not recorded from people.",
            importer_version=IMPORTER.version,
            settings=settings.model_dump(mode="json"),
        )


IMPORTER = Importer(
    name="synthetic",
    title="Synthetic",
    needs_raw=False,
    settings=SyntheticSettings,
    prepare=_prepare,
    licence="Apache-2.0, as this project",
    how_to_get="nothing to get: it is made on the spot",
    version=1,
)
