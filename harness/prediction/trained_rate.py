"""Bringing 2D to the frame rate that a lifter was trained at, and its 3D back to the video's."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from harness.datasets.resample import resample
from harness.prediction.rate_difference import nearest_rate

Floats = NDArray[np.float64]

_MOST_STEPS = 60
"""Rates are brought to a ratio of whole numbers up to this one: within 1 % of the one wanted."""
_FAR = 2.0


def rate_to_lift_at(trained: Sequence[float] | None, fps: float, frames: int) -> float:
    """Return the frame rate at which a video of `fps` is lifted.

    Args:
        trained: rates trained at; None where that is not known.
        fps: of the video.
        frames: length of the lifter's window; one frame has no rate.
    """
    if frames == 1 or not trained:
        return fps
    times = Fraction(nearest_rate(trained, fps) / fps).limit_denominator(_MOST_STEPS)
    return fps * float(times)


def rate_warning(rate: float, fps: float) -> str | None:
    """Say so where the video's rate is far from that trained at; None where it is not."""
    if 1 / _FAR <= rate / fps <= _FAR:
        return None
    what = "what lies between its frames is made up" if rate > fps else "fast motion is smoothed"
    return f"the video has {fps:g} frames a second, the lifter was trained at {rate:.4g}: {what}"


def at_rate(values: Floats, fps: float, rate: float) -> Floats:
    """Return values (frames, ...) at another rate, long enough for `back_at_rate` to undo it."""
    if rate == fps:
        return values
    beyond = math.ceil(fps / rate) + 1
    around = [(0, beyond)] + [(0, 0)] * (values.ndim - 1)
    return resample(np.pad(values, around, "reflect", reflect_type="odd"), fps, rate)


def back_at_rate(values: Floats, rate: float, fps: float, frames: int) -> Floats:
    """Return what `at_rate` resampled at the video's rate again, its `frames` frames."""
    return values if rate == fps else resample(values, rate, fps)[:frames]
