"""2D keypoints as VideoPose3D stores them, whatever data set and detector they are of.

`positions_2d`: dict subject -> dict recording -> one (frames, joints, 2) array a camera, pixels;
`metadata`: dict num_joints, keypoints_symmetry and, in newer files, layout_name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.body.skeleton import COCO_17, H36M_16, H36M_17, HUMANEVA_15, Skeleton
from harness.datasets.files.safe_npz import read_npz
from harness.foundation.errors import HarnessError
from harness.foundation.suggest import unknown_name


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


# Detectors ran on a few frames more than motion capture; half or twice as many is another rate. Of
# a few frames, nothing can be said.
_SAME_RATE = 2 / 3
_ODD_FRAMES = 20

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

    def __init__(
        self,
        path: Path,
        source: str,
        cameras: Sequence[str],
        canonical: Callable[[str], str] = str,
    ) -> None:
        """Read `path`.

        Args:
            path: the .npz file.
            source: the name of the 2D source.
            cameras: names of the cameras, in the order of the file's lists.
            canonical: the name that a recording goes by, of the one in the file.

        Raises:
            HarnessError: the file is missing, damaged, unsafe or of another form.
        """
        self.path, self.source, self._cameras = path, source, cameras
        self.layout = _layout_of(path, read_npz(path, "metadata"))
        self._positions = recordings_by_subject(path, "positions_2d", canonical)
        self._cut: dict[tuple[str, str], int] = {}

    def recordings(self, subject: str) -> Mapping[str, Any]:
        """Return the recordings of a subject by name; none where the file lacks the subject."""
        return self._positions.get(subject, {})

    def subjects(self) -> set[str]:
        """Return the subjects that the file holds."""
        return set(self._positions)

    def notes(self) -> list[str]:
        """Return what was cut off of the recordings that were read, a line."""
        if not self._cut:
            return []
        (subject, recording), most = max(self._cut.items(), key=lambda item: item[1])
        return [
            f"2D source {self.source} is longer than 3D in {len(self._cut)} recordings; its ends "
            f"are cut, at most {most} frames ({subject} '{recording}')"
        ]

    def origin(self, subject: str, recording: str, camera: int) -> str:
        """Return how errors name a clip of this file."""
        return f"{self.path}: {subject} '{recording}' camera {self._cameras[camera]}"

    def clip(self, subject: str, recording: str, camera: int, frames: int) -> NDArray[np.float32]:
        """Return (frames, layout joints, 2) pixels of one recording seen by one camera.

        Detectors ran on every frame of the video, motion capture often ended earlier: what lies
        beyond `frames` is dropped, as VideoPose3D does (run.py), and told by `notes`.

        Args:
            subject: a subject of the file.
            recording: one of its recordings, by the file's name for it.
            camera: index of the camera.
            frames: length of the 3D recording.

        Raises:
            HarnessError: subject, recording or camera is missing; the shape is wrong; there are
                fewer than `frames` frames, or so many more that the frame rate is another; a
                coordinate is NaN or infinite.
        """
        origin = self.origin(subject, recording, camera)
        if recording not in self.recordings(subject):
            held = sorted({name.partition(" ")[0] for name in self.recordings(subject)})
            raise HarnessError(
                f"{self.path}: has no {subject} '{recording}', which the 3D data has; every 2D "
                f"file must cover all recordings, so complete it, leave '{self.source}' out by the "
                "option sources_2d, or import only what it has by the option "
                f"actions=[{', '.join(held)}]"
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
        found = len(keypoints)
        told = f"{origin}: has {found} frames of 2D but {frames} of 3D"
        if found > _ODD_FRAMES and not _SAME_RATE < found / frames < 1 / _SAME_RATE:
            raise HarnessError(
                f"{told}, {found / frames:.2g} times as many: one of them has another frame rate; "
                "bring both to the rate of the recordings"
            )
        if found < frames:
            raise HarnessError(
                f"{told}; 2D may be longer (the end is cut), never shorter, so detect the missing "
                "frames"
            )
        if found > frames:
            self._cut[subject, recording] = found - frames
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


def recordings_by_subject(
    path: Path, key: str, canonical: Callable[[str], str] = str
) -> dict[str, dict[str, Any]]:
    """Read a dict subject -> dict recording -> data from an .npz file.

    Args:
        path: the file.
        key: its entry.
        canonical: the name that a recording goes by, of the one in the file.

    Raises:
        HarnessError: the file is unusable, the entry has another form, or two recordings go by one
            name.
    """
    data = read_npz(path, key)
    if not isinstance(data, dict) or not all(isinstance(item, dict) for item in data.values()):
        raise HarnessError(
            f"{path}: entry '{key}' is no dict of subjects that hold recordings; "
            "expected the form that VideoPose3D writes"
        )
    return {
        str(subject): _renamed(path, str(subject), held, canonical)
        for subject, held in data.items()
    }


def _renamed(
    path: Path, subject: str, held: Mapping[Any, Any], canonical: Callable[[str], str]
) -> dict[str, Any]:
    renamed: dict[str, Any] = {}
    for name, recording in held.items():
        known = canonical(str(name))
        if known in renamed:
            raise HarnessError(
                f"{path}: {subject} '{name}' and another recording are both '{known}'; remove one"
            )
        renamed[known] = recording
    return renamed


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
