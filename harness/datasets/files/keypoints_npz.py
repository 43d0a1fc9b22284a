"""2D keypoints as VideoPose3D stores them, whatever data set and detector they are of.

`positions_2d`: dict subject -> dict recording -> one (frames, joints, 2) array a camera, pixels;
`metadata`: dict num_joints, keypoints_symmetry and, in newer files, layout_name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.body.skeleton import COCO_17, H36M_16, H36M_17, HUMANEVA_15, Skeleton
from harness.datasets.files.safe_npz import read_npz
from harness.runs.errors import HarnessError
from harness.runs.suggest import unknown_name


@dataclass(frozen=True)
class FileLayout:
    """An order of joints found in files, and how it is stored.

    Attributes:
        name: what `layout_name` calls it.
        left: the file's columns of the left side; with `right` they tell layouts apart.
        right: the file's columns of the right side.
        skeleton: the layout the keypoints are stored in.
        columns: the file's column of each joint of `skeleton`.
    """

    name: str
    left: frozenset[int]
    right: frozenset[int]
    skeleton: Skeleton
    columns: tuple[int, ...]

    @staticmethod
    def of(name: str, skeleton: Skeleton) -> "FileLayout":
        """Return the layout of a file whose joints stand in the order of `skeleton`."""
        left, right = frozenset(skeleton.left), frozenset(skeleton.right)
        return FileLayout(name, left, right, skeleton, tuple(range(len(skeleton))))


_LAYOUTS = (
    FileLayout.of("h36m", H36M_17),
    FileLayout.of("h36m", H36M_16),
    FileLayout.of("coco", COCO_17),
    FileLayout.of("humaneva15", HUMANEVA_15),
    FileLayout(
        # Stacked hourglass: RFoot RKnee RHip LHip LKnee LFoot Hip Spine Thorax Head RWrist RElbow
        # RShoulder LShoulder LElbow LWrist. These are the names Martinez and SemGCN give the
        # joints (SemGCN, data/prepare_data_2d_h36m_sh.py, SH_NAMES); MPII itself calls the 8th
        # and 9th thorax and upper neck.
        name="mpii",
        left=frozenset((3, 4, 5, 13, 14, 15)),
        right=frozenset((0, 1, 2, 10, 11, 12)),
        skeleton=H36M_16,
        columns=(6, 2, 1, 0, 3, 4, 5, 7, 8, 9, 13, 14, 15, 12, 11, 10),
    ),
)


class KeypointsFile:
    """One 2D file, read whole; its keypoints come out clip by clip, checked and in known order."""

    def __init__(self, path: Path, source: str, cameras: Sequence[str]) -> None:
        """Read `path`.

        Args:
            path: the .npz file.
            source: the name of the 2D source.
            cameras: names of the cameras, in the order of the file's lists.

        Raises:
            HarnessError: the file is missing, damaged, unsafe or of another form.
        """
        self.path, self.source, self._cameras = path, source, cameras
        self.layout = _layout_of(path, read_npz(path, "metadata"))
        self._positions = recordings_by_subject(path, "positions_2d")

    def recordings(self, subject: str) -> Mapping[str, Any]:
        """Return the recordings of a subject by name; none where the file lacks the subject."""
        return self._positions.get(subject, {})

    def subjects(self) -> set[str]:
        """Return the subjects that the file holds."""
        return set(self._positions)

    def origin(self, subject: str, recording: str, camera: int) -> str:
        """Return how errors name a clip of this file."""
        return f"{self.path}: {subject} '{recording}' camera {self._cameras[camera]}"

    def clip(self, subject: str, recording: str, camera: int, frames: int) -> NDArray[np.float32]:
        """Return (frames, layout joints, 2) pixels of one recording seen by one camera.

        Detectors ran on every frame of the video, motion capture often ended earlier: what lies
        beyond `frames` is dropped, as VideoPose3D does (run.py).

        Args:
            subject: a subject of the file.
            recording: one of its recordings, by the file's name for it.
            camera: index of the camera.
            frames: length of the 3D recording.

        Raises:
            HarnessError: subject, recording or camera is missing; the shape is wrong; there are
                fewer than `frames` frames; a coordinate is NaN or infinite.
        """
        origin = self.origin(subject, recording, camera)
        if recording not in self.recordings(subject):
            raise HarnessError(
                f"{self.path}: has no {subject} '{recording}', which the 3D data has; every "
                f"2D file must cover all recordings, so complete it or leave '{self.source}' out"
            )
        views = self._positions[subject][recording]
        found = len(views) if isinstance(views, list | tuple | np.ndarray) else 0
        if found != len(self._cameras):
            raise HarnessError(
                f"{self.path}: {subject} '{recording}' has {found} cameras, expected "
                f"{len(self._cameras)} ({', '.join(self._cameras)})"
            )
        if views[camera] is None:
            raise HarnessError(f"{origin}: is missing; every camera must be there")
        keypoints = np.asarray(views[camera])
        expected = len(self.layout.columns)
        if (
            keypoints.ndim != 3
            or keypoints.shape[1] != expected
            or keypoints.shape[2] not in (2, 3)
            or keypoints.dtype.kind not in "fiu"
        ):
            raise HarnessError(
                f"{origin}: has shape {keypoints.shape}, expected (frames, {expected}, 2) as its "
                "metadata says; is it made for another layout?"
            )
        if len(keypoints) < frames:
            raise HarnessError(
                f"{origin}: has {len(keypoints)} frames of 2D but {frames} of 3D; 2D may be "
                "longer (the end is cut), never shorter, so detect the missing frames"
            )
        chosen = keypoints[:frames, list(self.layout.columns), :2].astype(np.float32)
        check_finite(origin, "2D keypoints", chosen)
        return chosen


def find_keypoint_files(raw: Path, prefix: str, wanted: Sequence[str] | None) -> dict[str, Path]:
    """Return the 2D files in a raw folder by the name of their source.

    Args:
        raw: the folder.
        prefix: what their names begin with; the source's name follows.
        wanted: only these sources; all where it is None. "gt" may be named without being there.

    Raises:
        HarnessError: a wanted source is not there.
    """
    found = {path.stem.removeprefix(prefix): path for path in sorted(raw.glob(f"{prefix}*.npz"))}
    if wanted is None:
        return found
    for source in wanted:
        if source not in found and source != "gt":
            raise unknown_name(f"2D source in {raw} ({prefix}NAME.npz)", source, found)
    return {source: path for source, path in found.items() if source in wanted}


def recordings_by_subject(path: Path, key: str) -> dict[str, dict[str, Any]]:
    """Read a dict subject -> dict recording -> data from an .npz file.

    Raises:
        HarnessError: the file is unusable, or the entry has another form.
    """
    data = read_npz(path, key)
    if not isinstance(data, dict) or not all(isinstance(item, dict) for item in data.values()):
        raise HarnessError(
            f"{path}: entry '{key}' is no dict of subjects that hold recordings; "
            "expected the form that VideoPose3D writes"
        )
    return data


def check_finite(origin: str, what: str, points: NDArray[np.floating]) -> None:
    """Refuse (frames, joints, coordinates) with a NaN or infinite coordinate, naming the first."""
    finite = np.isfinite(points)
    if not finite.all():
        frame, joint, _ = np.argwhere(~finite)[0]
        raise HarnessError(
            f"{origin}: {what} hold NaN or infinity, first at frame {frame}, joint {joint}; "
            "every coordinate must be finite, so repair or drop those frames"
        )


def _layout_of(path: Path, metadata: Any) -> FileLayout:
    try:
        joints = int(metadata["num_joints"])
        left, right = (frozenset(map(int, side)) for side in metadata["keypoints_symmetry"])
        name = metadata.get("layout_name")
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise HarnessError(
            f"{path}: entry 'metadata' is no dict with num_joints and keypoints_symmetry; "
            "expected the form that VideoPose3D writes"
        ) from error
    for layout in _LAYOUTS:
        if (len(layout.columns), layout.left, layout.right) == (joints, left, right):
            if name is not None and name != layout.name:
                raise HarnessError(
                    f"{path}: metadata names layout '{name}', but its symmetry is that of "
                    f"'{layout.name}'; correct whichever is wrong"
                )
            return layout
    known = "; ".join(
        f"{item.name}: {len(item.columns)} joints, left {sorted(item.left)}" for item in _LAYOUTS
    )
    raise HarnessError(
        f"{path}: metadata describes an unknown layout (name {name}, {joints} joints, left "
        f"{sorted(left)}, right {sorted(right)}); known are {known}"
    )
