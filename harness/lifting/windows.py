"""Windows of consecutive frames, read from a prepared set's mapped arrays a batch at a time.

A window index is a few integers a window; a batch is one gather. Frames that a window needs beyond
either end of its clip repeat the clip's first or last frame (as VideoPose3D pads).
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from harness.body.skeleton import Skeleton
from harness.datasets.prepared import PreparedSet
from harness.lifting.clip_rows import ClipRows, Integers
from harness.lifting.contract import Batch, Lifter, LifterInput, Predicts, first_predicted
from harness.lifting.screen import ScreenKeypoints

Item = TypeVar("Item")
Made = TypeVar("Made")


@dataclass(frozen=True)
class WindowIndex:
    """Which windows: where each one begins and which of its frames are to be kept.

    Attributes:
        clip: (windows,) position of the window's clip in the table of clips.
        start: (windows,) row of its first frame; rows outside the clip stand for its ends.
        keep_from: (windows,) first row whose prediction is kept.
        keep_to: (windows,) one past the last row whose prediction is kept.
    """

    clip: Integers
    start: Integers
    keep_from: Integers
    keep_to: Integers

    def __len__(self) -> int:
        return len(self.clip)

    def __getitem__(self, chosen: Integers | slice) -> "WindowIndex":
        return WindowIndex(
            self.clip[chosen], self.start[chosen], self.keep_from[chosen], self.keep_to[chosen]
        )


class TrainingWindows:
    """The windows to train on: one every `stride` frames, numbered clip after clip.

    Where all frames are predicted, windows lie inside their clip, and frames left over at its end
    are in none; or, `centred`, they are as many as it takes to hold every frame, and reach equally
    far beyond both ends. A clip shorter than a window gives one, padded evenly on both sides. Where
    one frame is predicted, every `stride`-th frame of the clip is that frame of a window, so that a
    clip's ends are trained on as they are tested.

    Windows are worked out from their numbers when asked for, so that millions take no memory.
    """

    def __init__(
        self,
        clips: pd.DataFrame,
        frames: int,
        predicts: Predicts,
        stride: int = 1,
        *,
        centred: bool = False,
    ) -> None:
        first, length = _rows_of(clips)
        if predicts != "all":
            count, self._begin = -(-length // stride), first - first_predicted(frames, predicts)
        else:
            count = np.maximum(length - frames, 0) // stride + 1
            if centred:
                count = -(-np.maximum(length - frames, 0) // stride) + 1
            beyond = (count - 1) * stride + frames - length
            self._begin = first - np.maximum(beyond, 0) // 2
        self._frames, self._stride = frames, stride
        self._end = np.cumsum(count)
        self._before = self._end - count

    def __len__(self) -> int:
        return int(self._end[-1])

    def __getitem__(self, numbers: Integers | slice) -> WindowIndex:
        if isinstance(numbers, slice):
            numbers = np.arange(*numbers.indices(len(self)))
        clip = np.searchsorted(self._end, numbers, side="right")
        start = self._begin[clip] + self._stride * (numbers - self._before[clip])
        return WindowIndex(clip, start, start, start + self._frames)

    def of_clips(self, chosen: NDArray[np.bool_]) -> Integers:
        """Return the numbers of the windows of the clips that `chosen`, (clips,), picks."""
        return np.flatnonzero(np.repeat(chosen, self._end - self._before))


def covering_windows(clips: pd.DataFrame, frames: int, predicts: Predicts) -> WindowIndex:
    """Return windows that together keep each frame of each clip exactly once, in order.

    Where all frames are predicted, windows follow one another without overlap, but for the last,
    which is moved back to end with its clip and keeps only the frames that are new; so it sees
    real frames instead of repeated ones. Where one frame is, each frame gets its own window.
    """
    first, length = _rows_of(clips)
    kept = frames if predicts == "all" else 1
    count = -(-length // kept)
    clip = np.repeat(np.arange(len(clips)), count)
    keep_from = first[clip] + kept * _positions_within(count)
    if predicts != "all":
        start = keep_from - first_predicted(frames, predicts)
        return WindowIndex(clip, start, keep_from, keep_from + 1)
    end = (first + length)[clip]
    padding = np.maximum(frames - length, 0)[clip]
    start = np.where(padding > 0, first[clip] - padding // 2, np.minimum(keep_from, end - frames))
    return WindowIndex(clip, start, keep_from, np.minimum(keep_from + frames, end))


class WindowReader:
    """Reads windows of some clips of a prepared set as a lifter takes them.

    A set may be larger than memory: poses are copied for the windows asked for only, and so are
    keypoints that take much memory.

    Attributes:
        clips: the clips.
        frames: length of a window.
        predicts: which of its frames the lifter predicts.
        labelled: (clips,) bool: whose poses batches show; None for all.
    """

    def __init__(
        self,
        prepared: PreparedSet,
        clips: pd.DataFrame,
        input_2d: str,
        lifter: Lifter,
        *,
        keypoints: NDArray[np.float32] | None = None,
        confidence: NDArray[np.float32] | None = None,
    ) -> None:
        """Prepare reading `clips` of `prepared`.

        Args:
            prepared: the data set.
            clips: rows of its table of clips; window indices count these.
            input_2d: the 2D source to read.
            lifter: says how long windows are, which joints it takes and predicts (picked by name
                from the source's and the set's), whether it sees the depth of the root and how
                sure the 2D is, and whose poses its loss may see.
            keypoints: pixels to read in place of the source's, of the same shape.
            confidence: to read in place of the source's, of the same shape.

        Raises:
            HarnessError: there is no such 2D source, or a joint is missing.
        """
        self.clips, self.frames, self.predicts = clips, lifter.frames, lifter.predicts
        everything = lifter.predicts == "all" or lifter.supervised == "all"
        self._target_frames = lifter.frames if everything else 1
        self._target_offset = 0 if everything else first_predicted(lifter.frames, lifter.predicts)
        self._root_depth = lifter.uses_root_depth
        self.labelled: NDArray[np.bool_] | None = None
        if lifter.labelled_subjects is not None:
            self.labelled = clips["subject"].isin(lifter.labelled_subjects).to_numpy(np.bool_)
        source = prepared.keypoints_2d(input_2d) if keypoints is None else keypoints
        self._prepared = prepared
        self._columns_3d = _selection(lifter.skeleton, prepared.skeleton)
        self._root = prepared.skeleton.index(_root_name(lifter.skeleton))
        self._first, self._length = _rows_of(clips)
        cameras = [prepared.camera(key) for key in clips["camera"]]
        self._intrinsics = np.stack([camera.normalized_intrinsics() for camera in cameras])
        columns = _selection(lifter.layout, prepared.layout(input_2d))
        self._keypoints = ScreenKeypoints(
            ClipRows(np.ascontiguousarray(source), self._first, self._length), cameras, columns
        )
        self._columns_2d = columns
        self._uses_confidence = lifter.uses_confidence
        if confidence is None and lifter.uses_confidence:
            confidence = prepared.confidence(input_2d)
        self._confidence: ClipRows | None = None
        if confidence is not None:
            self._confidence = ClipRows(np.ascontiguousarray(confidence), self._first, self._length)

    def inputs(self, index: WindowIndex) -> LifterInput:
        """Read what a lifter sees of the windows; see `LifterInput` for shapes and units."""
        start = self._within(index)
        keypoints = self._keypoints.runs(index.clip, start, self.frames)
        depth = None
        if self._root_depth:
            positions = self._positions
            rows = positions.rows(index.clip, start, self.frames)
            depth = positions.array[rows, self._root, 2]
        sure = None
        if self._confidence is not None:
            sure = self._confidence.runs(index.clip, start, self.frames)
        return self._lifter_input(keypoints, index.clip, depth, sure)

    def batch(self, index: WindowIndex) -> Batch:
        """Read windows with their targets; see `Batch` for shapes and units."""
        start = self._within(index) + self._target_offset
        positions = self._positions.runs(index.clip, start, self._target_frames)
        relative, root = self._relative(positions)
        poses = torch.from_numpy(relative), torch.from_numpy(root)
        if self.labelled is None:
            return Batch(self.inputs(index), *poses)
        labelled = self.labelled[index.clip]
        # Not a number: a loss that looked at these poses all the same would end the training.
        relative[~labelled] = np.nan
        return Batch(self.inputs(index), *poses, torch.from_numpy(labelled))

    def clip_inputs(self, clip: int) -> LifterInput:
        """Read what a lifter sees of a whole clip, as one window of the clip's length."""
        depth = self._positions.clip(clip)[None, :, self._root, 2] if self._root_depth else None
        sure = None if self._confidence is None else self._confidence.clip(clip)[None]
        keypoints = self._keypoints.clip(clip)[None]
        return self._lifter_input(keypoints, np.array([clip]), depth, sure)

    def clip_target(self, clip: int) -> NDArray[np.float32]:
        """Return the true (frames, joints, 3) root-relative metres of a whole clip."""
        return self._relative(self._positions.clip(clip)[None].copy())[0][0]

    def clip_scale(self, clip: int) -> NDArray[np.float32]:
        """Return (frames,) metres that a unit of the normalised screen is at the root's depth."""
        return self._positions.clip(clip)[:, self._root, 2] / self._intrinsics[clip, :2].mean()

    @property
    def _positions(self) -> ClipRows:
        # Only what needs 3D asks for it, so that a set of 2D alone can be predicted.
        return ClipRows(np.asarray(self._prepared.positions_3d), self._first, self._length)

    def _within(self, index: WindowIndex) -> Integers:
        """Return where the windows begin, counted from the first row of their clip."""
        return index.start - self._first[index.clip]

    def _relative(
        self, positions: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return root-relative positions, in place where all joints are wanted, and the root's."""
        root = positions[:, :, self._root].copy()
        relative = _picked(positions, self._columns_3d)
        for axis in range(3):  # faster than with x, y, z as the innermost loop
            relative[..., axis] -= root[..., None, axis]
        return relative, root

    def _lifter_input(
        self,
        keypoints: NDArray[np.float32],
        clip: Integers,
        depth: NDArray[np.float32] | None,
        confidence: NDArray[np.float32] | None,
    ) -> LifterInput:
        sure = None
        if self._uses_confidence and confidence is None:
            sure = torch.ones(keypoints.shape[:-1])
        elif self._uses_confidence and confidence is not None:
            sure = torch.from_numpy(_picked(np.array(confidence), self._columns_2d))
        return LifterInput(
            torch.from_numpy(keypoints),
            torch.from_numpy(self._intrinsics[clip]),
            None if depth is None else torch.from_numpy(np.array(depth)),
            sure,
        )


def prefetched(make: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[Made]:
    """Yield make(item) for each item, in order, making the next one while the last is used."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        upcoming = None
        for item in items:
            ready, upcoming = upcoming, thread.submit(make, item)
            if ready is not None:
                yield ready.result()
        if upcoming is not None:
            yield upcoming.result()


def _rows_of(clips: pd.DataFrame) -> tuple[Integers, Integers]:
    return clips["first_row"].to_numpy(np.int64), clips["frames"].to_numpy(np.int64)


def _positions_within(count: Integers) -> Integers:
    """Return 0, 1, ..., count[0] - 1, 0, 1, ..., count[1] - 1 and so on."""
    return np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)


def _root_name(skeleton: Skeleton) -> str:
    return skeleton.joints[skeleton.root]


def _selection(wanted: Skeleton, given: Skeleton) -> list[int] | None:
    """Return where `wanted`'s joints stand in `given`, or None where all do in that order."""
    columns = wanted.columns_in(given)
    return None if columns == tuple(range(len(given))) else list(columns)


def _picked(points: NDArray[np.float32], columns: list[int] | None) -> NDArray[np.float32]:
    """Return the joints of (windows, frames, joints, ...) that `columns` picks."""
    return points if columns is None else np.take(points, columns, axis=2)
