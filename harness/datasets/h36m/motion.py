"""The 3D motion of Human3.6M, from VideoPose3D's npz file or from the original CDF files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from harness.datasets.files.cdf import read_cdf
from harness.datasets.files.keypoints_npz import check_finite, recordings_by_subject
from harness.foundation.errors import HarnessError

NPZ_NAME = "data_3d_h36m.npz"
CDF_FOLDER = "MyPoseFeatures/D3_Positions"

_JOINTS = 32
_RENAMED = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog"}


class Motion(Protocol):
    """Recordings of subjects, by canonical name."""

    @property
    def source_files(self) -> list[Path]:
        """The files that it is read from."""

    def subjects(self) -> set[str]:
        """Return the subjects it holds."""

    def recordings(self, subject: str) -> Mapping[str, str]:
        """Return where each recording of a subject comes from, by its canonical name."""

    def positions(self, subject: str, recording: str) -> NDArray[np.float32]:
        """Return (frames, 32, 3) world positions in metres.

        Raises:
            HarnessError: the recording is unusable.
        """


def find_motion(raw: Path) -> Motion:
    """Open the 3D motion in a raw folder; the npz file is preferred where both are there.

    Raises:
        HarnessError: there is none, or it cannot be read.
    """
    if (raw / NPZ_NAME).exists():
        return NpzMotion(raw / NPZ_NAME)
    files = sorted(raw.glob(f"*/{CDF_FOLDER}/*.cdf"))
    if not files:
        raise HarnessError(
            f"{raw}: holds neither {NPZ_NAME} (VideoPose3D) nor S1/{CDF_FOLDER}/*.cdf (the "
            "original files); docs/data.md says how to get either"
        )
    return CdfMotion(files)


def canonical_name(recording: str) -> str:
    """Return the name the field uses: "TakingPhoto 1" is "Photo 1", "WalkingDog" is "WalkDog"."""
    action, space, take = recording.partition(" ")
    return _RENAMED.get(action, action) + space + take


class NpzMotion:
    """VideoPose3D's data_3d_h36m.npz: world metres."""

    def __init__(self, path: Path) -> None:
        """Read `path`.

        Raises:
            HarnessError: the file is damaged, unsafe or of another form.
        """
        self._path = path
        self._data = recordings_by_subject(path, "positions_3d", canonical_name)
        self.source_files = [path]

    def subjects(self) -> set[str]:
        """Return the subjects it holds."""
        return set(self._data)

    def recordings(self, subject: str) -> Mapping[str, str]:
        """Return where each recording of a subject comes from, by its canonical name."""
        return {name: f"{self._path}: {subject} '{name}'" for name in sorted(self._data[subject])}

    def positions(self, subject: str, recording: str) -> NDArray[np.float32]:
        """Return (frames, 32, 3) world positions in metres."""
        origin = self.recordings(subject)[recording]
        positions = np.asarray(self._data[subject][recording])
        return _checked(origin, positions).astype(np.float32, copy=False)


class CdfMotion:
    """The original files S1/MyPoseFeatures/D3_Positions/Directions 1.cdf: world millimetres."""

    def __init__(self, files: list[Path]) -> None:
        """Take the list of files; each is read when it is asked for."""
        self._files: dict[str, dict[str, Path]] = {}
        for path in files:
            recordings = self._files.setdefault(path.parents[2].name, {})
            recordings[canonical_name(path.stem)] = path
        self.source_files = files

    def subjects(self) -> set[str]:
        """Return the subjects it holds."""
        return set(self._files)

    def recordings(self, subject: str) -> Mapping[str, str]:
        """Return where each recording of a subject comes from, by its canonical name."""
        return {name: str(path) for name, path in sorted(self._files[subject].items())}

    def positions(self, subject: str, recording: str) -> NDArray[np.float32]:
        """Return (frames, 32, 3) world positions in metres."""
        path = self._files[subject][recording]
        pose = read_cdf(path, "Pose")
        if pose.ndim != 3 or pose.shape[0] != 1 or pose.shape[2] != 3 * _JOINTS:
            raise HarnessError(
                f"{path}: variable Pose has shape {pose.shape}, expected (1, frames, "
                f"{3 * _JOINTS}); is this a D3_Positions file?"
            )
        # Divided in the file's own precision, then rounded: VideoPose3D's order, to the same bits.
        metres = (pose.reshape(-1, _JOINTS, 3) / 1000).astype(np.float32)
        return _checked(str(path), metres)


def _checked(origin: str, positions: NDArray[Any]) -> NDArray[Any]:
    if positions.shape[1:] != (_JOINTS, 3) or positions.dtype.kind not in "fiu":
        raise HarnessError(
            f"{origin}: has shape {positions.shape}, expected (frames, {_JOINTS}, 3): all "
            f"{_JOINTS} joints of Human3.6M"
        )
    if len(positions) == 0:
        raise HarnessError(f"{origin}: has no frames; export or download it again")
    check_finite(origin, "3D positions", positions)
    return positions
