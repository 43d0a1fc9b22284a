"""The CMU Graphics Lab Motion Capture Database: Acclaim files to Human3.6M's joints and cameras.

Joints. A joint is the end of a bone; where the two skeletons differ, the nearest place is taken:

    Human3.6M             CMU                           remark
    Hip                   middle of lhipjoint and       the file's own root lies about 10 cm
                          rhipjoint                     above it and is not used
    LHip, LKnee, LFoot    lhipjoint, lfemur, ltibia     LFoot is the ankle, as in Human3.6M
    RHip, RKnee, RFoot    rhipjoint, rfemur, rtibia
    Spine                 lowerback                     about halfway from Hip to Thorax
    Thorax                thorax                        where neck and clavicles begin
    Neck/Nose             middle of lowerneck and       about 14 cm above Thorax
                          upperneck                     (Human3.6M: 12 cm)
    Head                  head                          a few cm below the crown
    LShoulder, RShoulder  lclavicle, rclavicle
    LElbow, RElbow        lhumerus, rhumerus
    LWrist, RWrist        lwrist, rwrist                lradius and lwrist make one forearm

World. The files have y up and a person at rest facing +z; (x, y, z) -> (x, -z, y) makes z up
without mirroring. Each trial is moved as a whole along the floor, so that the middle of its root's
path lies where the optical axes of the borrowed cameras meet best; heights are kept. Where a joint
would come nearer to a camera than 1.5 m, the trial is cut into the smallest number of equal pieces
that can each be placed so. Joints may leave the image; the notes say how many do.

Cameras. The database's own views are not calibrated, so each subject borrows the four cameras of
one subject of Human3.6M, in turn.

Damage. Frames listed in `cmu_trials.DEFECTS` are left out and cut the trial. A frame in which a
joint stands more than 2 cm off the middle of its place before and after, which at 120 frames a
second takes 600 m/s^2, is replaced by the middle of its neighbours: one frame is too short to hide
motion, and cutting there would leave clips of a second. Both are listed in the manifest's notes.
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
from harness.datasets.acclaim import AcclaimSkeleton, read_amc, read_asf
from harness.datasets.cmu_trials import ACTIONS, DEFECTS, UNLABELLED
from harness.datasets.importers import Importer
from harness.datasets.prepared import Manifest, PreparedWriter, Source2D, Split, write_prepared_set
from harness.datasets.resample import resample
from harness.datasets.staging import place_before
from harness.runs.errors import HarnessError
from harness.runs.files import sha256_of_file
from harness.runs.progress import track
from harness.runs.suggest import unknown_name

RATE = 120.0
NEAREST_METRES = 1.5
SPIKE_METRES = 0.02
SHORTEST_SECONDS = 1.0

_BONES_OF_JOINT = {
    "Hip": ("lhipjoint", "rhipjoint"),
    "RHip": ("rhipjoint",),
    "RKnee": ("rfemur",),
    "RFoot": ("rtibia",),
    "LHip": ("lhipjoint",),
    "LKnee": ("lfemur",),
    "LFoot": ("ltibia",),
    "Spine": ("lowerback",),
    "Thorax": ("thorax",),
    "Neck/Nose": ("lowerneck", "upperneck"),
    "Head": ("head",),
    "LShoulder": ("lclavicle",),
    "LElbow": ("lhumerus",),
    "LWrist": ("lwrist",),
    "RShoulder": ("rclavicle",),
    "RElbow": ("rhumerus",),
    "RWrist": ("rwrist",),
}

_LAYOUTS = {"gt": Source2D(layout=H36M_17.name, exact=True, confidence=False)}

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
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: list[str] = ["01", "03"]
    validation: list[str] = ["01_14", "03_01"]
    test: list[str] = ["02"]
    fps: float = Field(default=50.0, gt=0)
    actions: dict[str, str] = Field(default_factory=dict)
    frame_rates: dict[str, float] = Field(default_factory=dict)
    seed: int = Field(default=0, ge=0)


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


def joint_positions(skeleton: AcclaimSkeleton, motion: Array) -> Array:
    """Return (frames, 17, 3) world metres, z up, in the order of H36M_17.

    Raises:
        HarnessError: the skeleton lacks a bone that a joint is made from.
    """
    needed = {bone for bones in _BONES_OF_JOINT.values() for bone in bones}
    missing = sorted(needed - skeleton.index.keys())
    if missing:
        raise HarnessError(
            f"{skeleton.path}: lacks the bones {', '.join(missing)}, which Human3.6M's joints are "
            "made from; is it a skeleton of the CMU database?"
        )
    ends = skeleton.joint_ends(motion)
    joints = [
        np.mean([ends[:, skeleton.index[bone]] for bone in _BONES_OF_JOINT[joint]], axis=0)
        for joint in H36M_17.joints
    ]
    x, y, z = np.moveaxis(np.stack(joints, axis=1), -1, 0)
    return np.stack([x, -z, y], axis=-1)


def repair_spikes(positions: Array) -> tuple[Array, list[int]]:
    """Replace single frames that stand out from both neighbours by the middle of the two.

    A spike also moves the middles of its neighbours, by half as much, so of adjacent frames only
    the one that stands out most is a spike.

    Args:
        positions: (frames, joints, 3) metres.

    Returns:
        The repaired positions and the indices of the replaced frames.
    """
    middles = (positions[:-2] + positions[2:]) / 2
    off = np.zeros(len(positions))
    off[1:-1] = np.linalg.norm(positions[1:-1] - middles, axis=-1).max(axis=-1)
    before, after = np.roll(off, 1), np.roll(off, -1)
    spikes = np.flatnonzero((off > SPIKE_METRES) & (off > before) & (off >= after))
    repaired = positions.copy()
    repaired[spikes] = middles[spikes - 1]
    return repaired, spikes.tolist()


def _sound_pieces(trial: Trial, positions: Array, notes: list[str]) -> list[Array]:
    """Cut out known defects, repair spikes, and note both (frames counted from 1)."""
    keep = np.ones(len(positions), dtype=bool)
    for defect in DEFECTS.get(trial.name, ()):
        keep[defect.first - 1 : defect.last] = False
        notes.append(f"{trial.name}: left out {defect.first}-{defect.last} ({defect.what})")
    pieces, repaired = [], []
    for frames in np.split(np.arange(len(positions)), np.flatnonzero(np.diff(keep)) + 1):
        if keep[frames[0]]:
            piece, spikes = repair_spikes(positions[frames])
            pieces.append(piece)
            repaired += [int(frames[spike]) + 1 for spike in spikes]
    if repaired:
        listed = ", ".join(map(str, repaired))
        notes.append(f"{trial.name}: replaced by the middle of their neighbours: {listed}")
    return pieces


def _add_trial(
    writer: PreparedWriter,
    trial: Trial,
    skeleton: AcclaimSkeleton,
    cameras: Sequence[Camera],
    settings: CmuSettings,
) -> None:
    recorded = joint_positions(skeleton, read_amc(trial.path, skeleton))
    shortest = round(SHORTEST_SECONDS * settings.fps)
    placed: list[Array] = []
    for piece in _sound_pieces(trial, recorded, writer.notes):
        motion = resample(piece, trial.rate, settings.fps)
        staged = place_before(motion, H36M_17.root, cameras, NEAREST_METRES, shortest)
        if len(motion) < shortest or not staged:
            reason = "shorter than a second" if staged else "cannot be placed before the cameras"
            writer.notes.append(f"{trial.name}: left out {len(motion)} frames ({reason})")
            continue
        placed += staged
    outside = []
    for number, world in enumerate(placed, start=1):
        subaction = trial.name if len(placed) == 1 else f"{trial.name} part {number}"
        for camera in cameras:
            positions = world_to_camera(world, camera)
            exact = project(positions, camera)
            size = (camera.width, camera.height)
            outside.append(np.any((exact < 0) | (exact > size), axis=-1).ravel())
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
                keypoints_2d={"gt": exact},
                layouts=_LAYOUTS,
            )
    share = 100 * np.concatenate(outside).mean() if outside else 0.0
    if share >= 0.05:
        writer.notes.append(f"{trial.name}: {share:.1f} % of joints lie outside the image")


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
                writer.source_files[str(path.relative_to(raw))] = sha256_of_file(path)
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
