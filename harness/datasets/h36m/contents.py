"""What a copy of Human3.6M holds: its subjects, actions and takes."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.body.skeleton import H36M_17
from harness.datasets.files.keypoints_npz import KeypointsFile
from harness.datasets.h36m.motion import Motion
from harness.foundation.errors import HarnessError
from harness.foundation.suggest import unknown_name

ACTIONS = (
    "Directions",
    "Discussion",
    "Eating",
    "Greeting",
    "Phoning",
    "Photo",
    "Posing",
    "Purchases",
    "Sitting",
    "SittingDown",
    "Smoking",
    "Waiting",
    "WalkDog",
    "Walking",
    "WalkTogether",
)
"""The 15 actions by their canonical names (SemGCN, common/data_utils.py, define_actions)."""

SUBJECTS = ("S1", "S5", "S6", "S7", "S8", "S9", "S11")
"""The subjects whose 3D is published."""

SHIFTED_TAKES = (
    ("S9", "Greeting"),
    ("S9", "SittingDown 1"),
    ("S9", "Waiting 1"),
    ("S9", "act_05_subact_02"),
    ("S9", "act_10_subact_02"),
    ("S9", "act_13_subact_01"),
)
"""Takes whose ground truth is shifted sideways by some 20 cm: by the names of Human3.6M's files
(Vegetebird/MHFormer#92) and, the same takes, by those of MotionBERT's file (its block list)."""

_UNLABELLED = ("S2", "S3", "S4", "S10")  # published detections cover them, their 3D is withheld
_CORRUPT = ("S11", "Directions")  # the video is damaged; "Directions 1" is sound
_TAKES = 2
_PROJECTION_TOLERANCE_PX = 1.0


def action_of(recording: str) -> str:
    """Return the action of a recording, its name up to the first space: "Photo 1" is Photo."""
    return recording.partition(" ")[0]


def check_motion_subjects(motion: Motion, wanted: Iterable[str]) -> None:
    """Refuse 3D data that lacks a wanted subject or holds one that Human3.6M has not."""
    _check_subjects(str(motion.source_files[0]), motion.subjects(), wanted, SUBJECTS)


def recordings_of(motion: Motion, subject: str, actions: Sequence[str]) -> list[str]:
    """Return a subject's recordings of the wanted actions, without the one that is corrupt.

    Raises:
        HarnessError: one is of no known action, or a wanted action is missing.
    """
    origins = motion.recordings(subject)
    for recording, origin in origins.items():
        if action_of(recording) not in ACTIONS:
            raise unknown_name(f"action in {origin}", action_of(recording), ACTIONS)
    chosen = [
        recording
        for recording in origins
        if action_of(recording) in actions and (subject, recording) != _CORRUPT
    ]
    missing = [action for action in actions if action not in map(action_of, chosen)]
    if missing:
        raise HarnessError(
            f"{motion.source_files[0]}: the 3D data has no {', '.join(missing)} of {subject}; "
            "complete it, or name the actions to import in the option 'actions'"
        )
    return chosen


def check_keypoints(file: KeypointsFile, wanted: Iterable[str]) -> None:
    """Refuse a 2D file that lacks a wanted subject, or holds an unknown subject or action."""
    _check_subjects(str(file.path), file.subjects(), wanted, SUBJECTS + _UNLABELLED)
    for subject in wanted:
        for recording in file.recordings(subject):
            if action_of(recording) not in ACTIONS:
                where = f"action in {file.path}: {subject}"
                raise unknown_name(where, action_of(recording), ACTIONS)


def shifted_takes_note(takes: Iterable[tuple[str, str]]) -> list[str]:
    """Return a line on the takes (subject, take) whose ground truth is shifted; none without."""
    known = set(takes)
    found = [f"{subject} {take}" for subject, take in SHIFTED_TAKES if (subject, take) in known]
    if not found:
        return []
    return [
        f"the ground truth of {', '.join(found)} is shifted sideways by some 20 cm (known since "
        "2019); protocol h36m17-actionwise-no-s9drift leaves these takes out"
    ]


def oddities(motion: Motion, files: Iterable[KeypointsFile], subjects: Iterable[str]) -> list[str]:
    """Return a line on each thing that is left out or looks incomplete."""
    notes = []
    for subject in subjects:
        held = [motion.recordings(subject), *(file.recordings(subject) for file in files)]
        if subject == _CORRUPT[0] and any(_CORRUPT[1] in recordings for recordings in held):
            notes.append("S11 'Directions' is left out: its video is corrupt")
        takes = Counter(action_of(name) for name in held[0] if (subject, name) != _CORRUPT)
        for action, count in sorted(takes.items()):
            expected = _TAKES - ((subject, action) == _CORRUPT)
            if count != expected:
                notes.append(f"{subject} has {count} takes of {action}, Human3.6M has {expected}")
    recordings = [(subject, name) for subject in subjects for name in motion.recordings(subject)]
    return notes + shifted_takes_note(recordings)


class ProjectionComparison:
    """How far the ground-truth 2D of a file is from the projection of 3D.

    Far means that cameras, subjects or frames do not belong together, or that the file was made
    with another camera model; results on it would compare with nobody's.
    """

    def __init__(self, file: KeypointsFile) -> None:
        """Compare with `file`, whose joints must be among the 17."""
        self.file = file
        self.farthest = 0.0
        self._columns = list(file.layout.skeleton.columns_in(H36M_17))

    def add(
        self, subject: str, recording: str, camera: int, projected: NDArray[np.floating]
    ) -> None:
        """Compare the file's clip with the projection: (frames, 17, 2) pixels.

        Raises:
            HarnessError: their mean distance is more than a pixel.
        """
        found = self.file.clip(subject, recording, camera, len(projected))
        distance = np.linalg.norm(found - projected[:, self._columns], axis=-1)
        if distance.mean() > _PROJECTION_TOLERANCE_PX:
            raise HarnessError(
                f"{self.file.origin(subject, recording, camera)}: ground-truth 2D is "
                f"{distance.mean():.1f} pixels from the projection of 3D on average, expected "
                "less than 1; correct the order of cameras, subjects or frames, or remove the "
                "file: ground truth is then projected from 3D"
            )
        self.farthest = max(self.farthest, float(distance.max()))


def _check_subjects(
    where: str, found: set[str], wanted: Iterable[str], known: Sequence[str]
) -> None:
    for subject in sorted(found - set(known)):
        raise unknown_name(f"subject in {where}:", subject, known)
    missing = [subject for subject in wanted if subject not in found]
    if missing:
        raise HarnessError(
            f"{where}: has no subject {', '.join(missing)} (it has {', '.join(sorted(found))}); "
            "add the data, or take them out of the options train_subjects, "
            "validation_subjects and test_subjects"
        )
