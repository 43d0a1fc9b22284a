"""The CMU Graphics Lab Motion Capture Database: Acclaim files to Human3.6M's joints and cameras.

Motion. `motion` says how joints and world are made of the files and what is mended.

Place. Each trial is moved as a whole along the floor, so that the middle of its root's path lies
where the optical axes of its cameras meet best; heights are kept. Where a joint would come nearer
to a camera than 1.5 m, the trial is cut into the smallest number of equal pieces that can each be
placed so. Joints may leave the image; the notes say how many do.

Cameras. The database's own views are not calibrated, so each subject borrows the four cameras of
one subject of Human3.6M, in turn. Detections are simulated (`detector`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from harness.body.camera import Camera, h36m_cameras, project, world_to_camera
from harness.body.skeleton import H36M_17
from harness.datasets.cmu.acclaim import AcclaimSkeleton, read_asf
from harness.datasets.cmu.motion import motion_pieces
from harness.datasets.cmu.trials import ACTIONS, UNLABELLED
from harness.datasets.detector import DetectorSettings, detect
from harness.datasets.importers import Importer
from harness.datasets.prepared import Manifest, Source2D, Split
from harness.datasets.prepared_writer import PreparedWriter, write_prepared_set
from harness.datasets.staging import place_before
from harness.runs.errors import HarnessError
from harness.runs.files import sha256_of_file
from harness.runs.progress import track
from harness.runs.seeds import derive_seed
from harness.runs.suggest import unknown_name

RATE = 120.0
NEAREST_METRES = 1.5
SHORTEST_SECONDS = 1.0

_SOURCES = {
    "gt": Source2D(layout=H36M_17.name, exact=True, confidence=False),
    "detected": Source2D(layout=H36M_17.name, exact=False, confidence=True),
}

Array = NDArray[np.float64]


class CmuSettings(BaseModel):
    """Options of the importer.

    Subjects are two digits ("02"), trials subject and number ("02_04"); in YAML both need their
    quotes. A trial named by itself goes where it is named, whatever list its subject is in. What
    is in no list is left out.

    Attributes:
        train: subjects or trials to train on.
        validation: subjects or trials to choose epochs and settings on. By default one trial of
            each training subject: climbing and jumping down, walking over blocks.
        test: subjects or trials to test on.
        fps: frames a second of the prepared set.
        actions: action name by trial, before the built-in table.
        frame_rates: frames a second of the files, by subject or trial, where it is not 120; the
            files do not say.
        seed: base seed of the simulated detections.
        detector: sizes of the simulated detections' errors.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: list[str] = ["01", "03"]
    validation: list[str] = ["01_14", "03_01"]
    test: list[str] = ["02"]
    fps: float = Field(default=50.0, gt=0)
    actions: dict[str, str] = Field(default_factory=dict)
    frame_rates: dict[str, float] = Field(default_factory=dict)
    seed: int = Field(default=0, ge=0)
    detector: DetectorSettings = DetectorSettings()


@dataclass(frozen=True)
class Trial:
    """One motion file and what becomes of it."""

    name: str
    subject: str
    path: Path
    action: str
    split: Split
    rate: float


def find_trials(raw: Path, settings: CmuSettings) -> list[Trial]:
    """Return the trials that the settings use, by name.

    Args:
        raw: the folder that holds `subjects`, or that folder itself.
        settings: the importer's options.

    Raises:
        HarnessError: no motion files, a listed subject or trial that is not there, a trial in two
            lists, a rate below the prepared set's.
    """
    folder = raw / "subjects" if (raw / "subjects").is_dir() else raw
    paths = {path.stem: path for path in sorted(folder.glob("*/*_*.amc"))}
    if not paths:
        raise HarnessError(
            f"{raw}: holds no motions; expected subjects/NN/NN_MM.amc with subjects/NN/NN.asf "
            f"({IMPORTER.how_to_get})"
        )
    known = set(paths) | {path.parent.name for path in paths.values()}
    for name in [*settings.actions, *settings.frame_rates]:
        if name not in known:
            raise unknown_name(f"subject or trial in {raw}", name, known)
    splits = _splits(raw, known, settings)
    trials = []
    for name, path in paths.items():
        subject = path.parent.name
        split = splits.get(name, splits.get(subject))
        rate = settings.frame_rates.get(name, settings.frame_rates.get(subject, RATE))
        if split is None:
            continue
        if rate < settings.fps:
            raise HarnessError(
                f"{path}: has {rate:g} frames a second, fewer than the {settings.fps:g} to be "
                "made of them; lower the option fps"
            )
        action = settings.actions.get(name, ACTIONS.get(name, UNLABELLED))
        trials.append(Trial(name, subject, path, action, split, rate))
    return trials


def _splits(raw: Path, known: set[str], settings: CmuSettings) -> dict[str, Split]:
    splits: dict[str, Split] = {}
    for split in get_args(Split):
        for name in getattr(settings, split):
            if name not in known:
                raise unknown_name(f"subject or trial in {raw}, listed as {split},", name, known)
            if splits.setdefault(name, split) != split:
                raise HarnessError(
                    f"options of data set cmu: {name} is listed as {splits[name]} and as {split}; "
                    "list it once"
                )
    return splits


def _add_trial(
    writer: PreparedWriter,
    trial: Trial,
    skeleton: AcclaimSkeleton,
    cameras: Sequence[Camera],
    settings: CmuSettings,
) -> None:
    """Add the views of a trial by every camera, and note what was mended, left out or not seen."""
    pieces, notes = motion_pieces(trial.path, skeleton, trial.rate, settings.fps)
    shortest = round(SHORTEST_SECONDS * settings.fps)
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
    writer.notes.extend(notes)


def _placements(trials: Sequence[Trial]) -> Mapping[str, Sequence[Camera]]:
    """Return each subject's borrowed cameras, Human3.6M's subjects in turn by subject number."""
    lent = list(h36m_cameras().values())
    return {trial.subject: lent[(int(trial.subject) - 1) % len(lent)] for trial in trials}


def _prepare(raw: Path | None, out: Path, settings: CmuSettings) -> Manifest:
    if raw is None:
        raise HarnessError(f"data set cmu needs the folder of its files ({IMPORTER.how_to_get})")
    trials = find_trials(raw, settings)
    skeletons = {
        trial.subject: read_asf(trial.path.parent / f"{trial.subject}.asf") for trial in trials
    }
    cameras = _placements(trials)
    with write_prepared_set(out, H36M_17) as writer:
        for trial in track(trials, "Importing cmu"):
            skeleton = skeletons[trial.subject]
            for path in (skeleton.path, trial.path):
                writer.source_files[path.relative_to(raw).as_posix()] = sha256_of_file(path)
            _add_trial(writer, trial, skeleton, cameras[trial.subject], settings)
        return writer.finish(
            name=IMPORTER.name,
            title=IMPORTER.title,
            licence=IMPORTER.licence,
            citation=(
                "The data used in this project was obtained from mocap.cs.cmu.edu. The database "
                "was created with funding from NSF EIA-0196217."
            ),
            importer_version=IMPORTER.version,
            settings=settings.model_dump(mode="json"),
        )


IMPORTER = Importer(
    name="cmu",
    title="CMU mocap",
    needs_raw=True,
    settings=CmuSettings,
    prepare=_prepare,
    licence="free for all uses; the files may not be resold, even converted (mocap.cs.cmu.edu)",
    how_to_get="'harness data fetch cmu --subjects 01,02,03' or mocap.cs.cmu.edu",
    version=1,
)
