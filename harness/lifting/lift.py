"""Lifting whole clips, each frame predicted exactly once; validation and prediction both do it."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.foundation.memory import keep_freed_memory
from harness.lifting.augmentation import mirrored_inputs, mirrored_points
from harness.lifting.contract import Lifter, LifterInput, first_predicted
from harness.lifting.windows import (
    Integers,
    WindowIndex,
    WindowReader,
    covering_windows,
    prefetched,
)

Predict = Callable[[LifterInput], Tensor]


def lift(
    lifter: Lifter,
    reader: WindowReader,
    *,
    flip_test: bool,
    batch_size: int | None = None,
) -> NDArray[np.float32]:
    """Predict every frame of the reader's clips.

    Args:
        lifter: on the device to use; it is put into evaluation mode and left in it.
        reader: gives windows of the lifter's length, joints and 2D layout.
        flip_test: average each prediction with that on the mirrored input, mirrored back.
        batch_size: windows at a time; by default what the lifter says. No number depends on it
            beyond rounding.

    Returns:
        (rows, joints, 3), clip after clip in the reader's order, in the lifter's `space`; with
        hypotheses as second axis where the lifter predicts several.
    """
    predict: Predict = lifter.lift_clip if lifter.lifts_clips else lifter
    if flip_test:
        mirrored = lifter.forward_mirrored if lifter.mirrors_itself else None
        predict = mirrored or _with_mirror_image(predict, lifter)
    return _every_frame(lifter, reader, predict, lifter.hypotheses, batch_size)


def mpjpe_mm(lifter: Lifter, reader: WindowReader) -> float:
    """Return the mean over all frames and joints of the reader's clips of the error in mm.

    Mean per-joint position error of predictions as they are against root-relative truth (protocol
    1), weighted by frames and without flip, as the field validates while it trains. Predictions in
    the image's units are brought to metres by the true depth of the root.
    """
    predict = lifter.lift_clip if lifter.lifts_clips else lifter.validated
    positions = _every_frame(lifter, reader, predict, 1, None)
    total, row = 0.0, 0
    for clip, frames in enumerate(reader.clips["frames"]):
        predicted = positions[row : row + frames]
        if lifter.space == "image25d":
            predicted = predicted * reader.clip_scale(clip)[:, None, None]
        difference = predicted - reader.clip_target(clip)
        total += float(np.linalg.norm(difference, axis=-1).sum(dtype=np.float64))
        row += frames
    return 1000.0 * total / (row * len(lifter.skeleton))


def _every_frame(
    lifter: Lifter,
    reader: WindowReader,
    predict: Predict,
    hypotheses: int,
    batch_size: int | None,
) -> NDArray[np.float32]:
    """Return the predictions of all frames; hypotheses as second axis where there are several."""
    lifter.eval()
    keep_freed_memory()  # what a batch frees is what the next one needs
    lengths = reader.clips["frames"].to_numpy(np.int64)
    first = np.cumsum(lengths) - lengths
    poses = () if hypotheses == 1 else (hypotheses,)
    positions = np.empty((lengths.sum(), *poses, len(lifter.skeleton), 3), np.float32)
    with torch.inference_mode():
        if lifter.lifts_clips:
            for clip, predicted in enumerate(_lifted_clips(lifter, reader, predict)):
                positions[first[clip] : first[clip] + lengths[clip]] = predicted
            return positions
        # Rows of the set become rows of `positions` by this shift.
        shift = first - reader.clips["first_row"].to_numpy(np.int64)
        offset = first_predicted(lifter.frames, lifter.predicts)
        size = batch_size or lifter.windows_at_a_time
        for index, predicted in _lifted_windows(lifter, reader, predict, size):
            if poses:
                predicted = predicted.swapaxes(1, 2)
            rows, kept = _kept(index, offset, predicted.shape[1])
            positions[(rows + shift[index.clip, None])[kept]] = predicted[kept]
    return positions


def _kept(index: WindowIndex, offset: int, frames: int) -> tuple[Integers, NDArray[np.bool_]]:
    """Return the rows that windows predict, (windows, frames), and which of them are kept."""
    rows = index.start[:, None] + offset + np.arange(frames)
    return rows, (rows >= index.keep_from[:, None]) & (rows < index.keep_to[:, None])


def _lifted_windows(
    lifter: Lifter, reader: WindowReader, predict: Predict, batch_size: int
) -> Iterator[tuple[WindowIndex, NDArray[np.float32]]]:
    """Yield batches of windows with their predictions, (windows, ..., joints, 3)."""
    windows = covering_windows(reader.clips, lifter.frames, lifter.predicts)

    def read(begin: int) -> tuple[WindowIndex, LifterInput]:
        index = windows[begin : begin + batch_size]
        return index, reader.inputs(index)

    for index, inputs in prefetched(read, range(0, len(windows), batch_size)):
        yield index, _predicted(lifter, predict, inputs)


def _lifted_clips(
    lifter: Lifter, reader: WindowReader, predict: Predict
) -> Iterator[NDArray[np.float32]]:
    """Yield the (frames, joints, 3) of each clip, by the lifter's own way to lift one."""
    for inputs in prefetched(reader.clip_inputs, range(len(reader.clips))):
        yield _predicted(lifter, predict, inputs)[0]


def _with_mirror_image(predict: Predict, lifter: Lifter) -> Predict:
    """Return the mean of a prediction and of that on the mirrored input, mirrored back."""

    def both(inputs: LifterInput) -> Tensor:
        image = predict(mirrored_inputs(inputs, lifter.layout))
        return (predict(inputs) + mirrored_points(image, lifter.skeleton)) / 2

    return both


def _predicted(lifter: Lifter, predict: Predict, inputs: LifterInput) -> NDArray[np.float32]:
    weight = next(lifter.parameters())
    return predict(inputs.to(weight.device, weight.dtype)).float().cpu().numpy()
