"""Lifting whole clips, each frame predicted exactly once; validation and prediction both do it."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.lifting.augmentation import mirrored_inputs, mirrored_points
from harness.lifting.contract import Lifter, LifterInput, first_predicted
from harness.lifting.windows import WindowIndex, WindowReader, covering_windows, prefetched

WINDOWS_AT_A_TIME = 256
"""How many windows are predicted together; no number depends on it beyond rounding."""


def lift(
    lifter: Lifter,
    reader: WindowReader,
    *,
    flip_test: bool,
    batch_size: int = WINDOWS_AT_A_TIME,
) -> NDArray[np.float32]:
    """Predict every frame of the reader's clips.

    Args:
        lifter: on the device to use; it is put into evaluation mode and left in it.
        reader: gives windows of the lifter's length, joints and 2D layout.
        flip_test: average each prediction with that on the mirrored input, mirrored back.
        batch_size: windows at a time.

    Returns:
        (rows, joints, 3) root-relative metres, clip after clip in the reader's order.
    """
    lifter.eval()
    lengths = reader.clips["frames"].to_numpy(np.int64)
    first = np.cumsum(lengths) - lengths
    positions = np.empty((lengths.sum(), len(lifter.skeleton), 3), np.float32)
    with torch.inference_mode():
        if lifter.lifts_clips:
            for clip, predicted in enumerate(_lifted_clips(lifter, reader, flip_test)):
                positions[first[clip] : first[clip] + lengths[clip]] = predicted
            return positions
        # Rows of the set become rows of `positions` by this shift.
        shift = first - reader.clips["first_row"].to_numpy(np.int64)
        offset = first_predicted(lifter.frames, lifter.predicts)
        for index, predicted in _lifted_windows(lifter, reader, flip_test, batch_size):
            rows = index.start[:, None] + offset + np.arange(predicted.shape[1])
            kept = (rows >= index.keep_from[:, None]) & (rows < index.keep_to[:, None])
            positions[(rows + shift[index.clip, None])[kept]] = predicted[kept]
    return positions


def mpjpe_mm(lifter: Lifter, reader: WindowReader) -> float:
    """Return the mean over all frames and joints of the reader's clips of the error in mm.

    Mean per-joint position error of predictions as they are against root-relative truth (protocol
    1), weighted by frames and without flip, as the field validates while it trains.
    """
    positions = lift(lifter, reader, flip_test=False)
    total, row = 0.0, 0
    for clip, frames in enumerate(reader.clips["frames"]):
        difference = positions[row : row + frames] - reader.clip_target(clip)
        total += float(np.linalg.norm(difference, axis=-1).sum(dtype=np.float64))
        row += frames
    return 1000.0 * total / (row * len(lifter.skeleton))


def _lifted_windows(
    lifter: Lifter, reader: WindowReader, flip_test: bool, batch_size: int
) -> Iterator[tuple[WindowIndex, NDArray[np.float32]]]:
    """Yield batches of windows with their predictions, (windows, frames or 1, joints, 3)."""
    windows = covering_windows(reader.clips, lifter.frames, lifter.predicts)

    def read(begin: int) -> tuple[WindowIndex, LifterInput]:
        index = windows[begin : begin + batch_size]
        return index, reader.inputs(index)

    for index, inputs in prefetched(read, range(0, len(windows), batch_size)):
        yield index, _predicted(lifter, lifter, inputs, flip_test)


def _lifted_clips(
    lifter: Lifter, reader: WindowReader, flip_test: bool
) -> Iterator[NDArray[np.float32]]:
    """Yield the (frames, joints, 3) of each clip, by the lifter's own way to lift one."""
    for inputs in prefetched(reader.clip_inputs, range(len(reader.clips))):
        yield _predicted(lifter, lifter.lift_clip, inputs, flip_test)[0]


def _predicted(
    lifter: Lifter, predict: Callable[[LifterInput], Tensor], inputs: LifterInput, flip_test: bool
) -> NDArray[np.float32]:
    weight = next(lifter.parameters())
    inputs = inputs.to(weight.device, weight.dtype)
    positions = predict(inputs)
    if flip_test:
        image = predict(mirrored_inputs(inputs, lifter.layout))
        positions = (positions + mirrored_points(image, lifter.skeleton)) / 2
    return positions.float().cpu().numpy()
