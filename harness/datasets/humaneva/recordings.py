"""The recordings of HumanEva-I, from VideoPose3D's npz files or from converted MATLAB files.

Only trial 1 of each action has both 3D and 2D. Motion capture fails now and then; a recording is
cut there into chunks, numbered with the failures counted, so "Walking 1 chunk2" follows a failure.
Facts: VideoPose3D, data/prepare_data_humaneva.py and data/ConvertHumanEva.m.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.body.skeleton import HUMANEVA_15
from harness.datasets.files.keypoints_npz import KeypointsFile, check_finite, recordings_by_subject
from harness.datasets.files.matlab import read_matlab
from harness.datasets.plausible_3d import check_body
from harness.foundation.errors import HarnessError
from harness.foundation.suggest import unknown_name

PARTS = ("Train", "Validate")
SUBJECTS = ("S1", "S2", "S3")
ACTIONS = ("Walking", "Jog", "ThrowCatch", "Gestures", "Box")
CAMERAS = ("C1", "C2", "C3")
NPZ_NAME = "data_3d_humaneva15.npz"
GT_NAME = "data_2d_humaneva15_gt.npz"

# Where the official training part of each recording begins and ends, in frames: validation is
# [5, begin), training [begin, end).
_FIRST_FRAME = 5
_TRAINING_FRAMES = {
    "S1": {
        "Walking": (590, 1203),
        "Jog": (367, 740),
        "ThrowCatch": (473, 945),
        "Gestures": (395, 801),
        "Box": (385, 789),
    },
    "S2": {
        "Walking": (438, 876),
        "Jog": (398, 795),
        "ThrowCatch": (550, 1128),
        "Gestures": (500, 901),
        "Box": (382, 734),
    },
    "S3": {
        "Walking": (448, 939),
        "Jog": (401, 842),
        "ThrowCatch": (493, 1027),
        "Gestures": (533, 1102),
        "Box": (512, 1021),
    },
}


@dataclass(frozen=True)
class Chunk:
    """An unbroken piece of a recording.

    Attributes:
        origin: the file and entry that it comes from.
        part: "Train" or "Validate", the data set's own parts.
        subject: "S1", "S2" or "S3".
        name: such as "Walking 1 chunk0".
        positions: (frames, 15, 3) world metres.
        ground_truth: (cameras, frames, 15, 2) pixels, projected by the data set's own tools.
    """

    origin: str
    part: str
    subject: str
    name: str
    positions: NDArray[np.float32]
    ground_truth: NDArray[np.float32]

    @property
    def action(self) -> str:
        """The action, its name up to the first space."""
        return self.name.partition(" ")[0]


@dataclass(frozen=True)
class Recordings:
    """All chunks of a raw folder and the files they come from."""

    chunks: list[Chunk]
    source_files: list[Path]


def read_recordings(raw: Path) -> Recordings:
    """Read all labelled recordings in a raw folder; the npz files are preferred.

    Raises:
        HarnessError: there are none, or they cannot be read or do not fit together.
    """
    if (raw / NPZ_NAME).exists():
        motion, keypoints = raw / NPZ_NAME, raw / GT_NAME
        return Recordings(_ordered(_npz_chunks(motion, keypoints)), [motion, keypoints])
    files = sorted(path for part in PARTS for path in raw.glob(f"{part}/*/*.mat"))
    if not files:
        raise HarnessError(
            f"{raw}: holds neither {NPZ_NAME} with {GT_NAME} (VideoPose3D) nor "
            "Train/S1/Walking_1.mat and so on (ConvertHumanEva.m); docs/data.md says how to get "
            "either"
        )
    return Recordings(_ordered(chunk for path in files for chunk in _mat_chunks(path)), files)


def _ordered(chunks: Iterable[Chunk]) -> list[Chunk]:
    """Return chunks in one order whatever the form, so that both forms give one data hash."""
    return sorted(chunks, key=lambda chunk: (chunk.part, chunk.subject, chunk.name))


def _npz_chunks(motion: Path, keypoints: Path) -> Iterator[Chunk]:
    exact = KeypointsFile(keypoints, "gt", CAMERAS)
    if exact.layout.skeleton is not HUMANEVA_15:
        raise HarnessError(
            f"{keypoints}: has layout {exact.layout.name}, expected humaneva15 as in the 3D file"
        )
    for key, recordings in recordings_by_subject(motion, "positions_3d").items():
        part, _, subject = key.partition("/")
        if part not in PARTS or subject not in SUBJECTS:
            known = [f"{part}/{subject}" for part in PARTS for subject in SUBJECTS]
            raise unknown_name(f"subject in {motion}:", key, known)
        for name, data in recordings.items():
            origin = f"{motion}: {key} '{name}'"
            positions = _checked(origin, np.asarray(data))
            frames = len(positions)
            views = [exact.clip(key, name, camera, frames) for camera in range(len(CAMERAS))]
            yield _chunk(origin, part, subject, name, positions, np.stack(views))


def _mat_chunks(path: Path) -> Iterator[Chunk]:
    part, subject = path.parts[-3:-1]
    name = path.stem.replace("_", " ")
    millimetres, pixels = _read_mat(path)
    if subject not in SUBJECTS:
        raise unknown_name(f"subject in {path}:", subject, SUBJECTS)
    _check_action(str(path), name)
    begin, end = _TRAINING_FRAMES[subject][name.partition(" ")[0]]
    expected = end - begin if part == "Train" else begin - _FIRST_FRAME
    if len(millimetres) != expected:
        raise HarnessError(
            f"{path}: has {len(millimetres)} frames, expected the {expected} of the {part} part; "
            "was it converted from trial 1 of this action?"
        )
    sound = np.isfinite(millimetres).all(axis=(1, 2))
    differing = np.flatnonzero(sound != np.isfinite(pixels).all(axis=(0, 2, 3)))
    if len(differing):
        raise HarnessError(
            f"{path}: 2D and 3D are missing in different frames, first in frame {differing[0]}; "
            "convert it again"
        )
    changes = np.flatnonzero(np.diff(sound)) + 1
    for number, (first, last) in enumerate(pairwise([0, *changes, len(sound)])):
        if sound[first]:
            positions = millimetres[first:last].astype(np.float32) / np.float32(1000)
            views = pixels[:, first:last].astype(np.float32)
            yield _chunk(str(path), part, subject, f"{name} chunk{number}", positions, views)


def _chunk(
    origin: str,
    part: str,
    subject: str,
    name: str,
    positions: NDArray[np.float32],
    views: NDArray[np.float32],
) -> Chunk:
    _check_action(origin, name)
    check_body(origin, positions, HUMANEVA_15)  # before cameras are found from it
    return Chunk(origin, part, subject, name, positions, views)


def _check_action(origin: str, name: str) -> None:
    if name.partition(" ")[0] not in ACTIONS:
        raise unknown_name(f"action in {origin}:", name.partition(" ")[0], ACTIONS)


def _read_mat(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    content = read_matlab(path, ("poses_3d", "poses_2d"))
    positions, pixels = content["poses_3d"], content["poses_2d"]
    joints = len(HUMANEVA_15)
    frames = positions.shape[:1]
    expected = ((*frames, joints, 3), (len(CAMERAS), *frames, joints, 2))
    numbers = all(values.dtype.kind in "fiu" for values in (positions, pixels))
    if not numbers or (positions.shape, pixels.shape) != expected:
        raise HarnessError(
            f"{path}: poses_3d and poses_2d have shapes {positions.shape} and {pixels.shape}, "
            f"expected numbers in (frames, {joints}, 3) and ({len(CAMERAS)}, frames, {joints}, 2)"
        )
    return positions, pixels


def _checked(origin: str, positions: NDArray[Any]) -> NDArray[np.float32]:
    joints = len(HUMANEVA_15)
    if positions.shape[1:] != (joints, 3) or positions.dtype.kind not in "fiu":
        raise HarnessError(f"{origin}: has shape {positions.shape}, expected (frames, {joints}, 3)")
    if len(positions) == 0:
        raise HarnessError(f"{origin}: has no frames; convert it again")
    check_finite(origin, "3D positions", positions)
    return positions.astype(np.float32, copy=False)
