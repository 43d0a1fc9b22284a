"""Errors of acceleration: second differences of predicted and true motion.

A frame's value belongs to it and the two frames before. As with MPJVE, a frame without both
neighbours is credited with the clip's average, and differences never cross a gap. Mocap at 50
frames a second has second differences of about a millimetre, so jitter shows here first.
"""

import numpy as np
from numpy.typing import NDArray

from harness.scoring.metric_kinds import ClipPoses, PoseMetric

Floats = NDArray[np.float64]


def acceleration_error(poses: ClipPoses) -> Floats:
    """Return the length of the error of each joint's second difference, in mm/frame^2.

    (frames, joints); a clip without three neighbouring frames has none: NaN.
    """
    errors = poses.undefined()
    if len(poses.third_of_three):
        errors[:] = poses.second_differences.mean(axis=0)
        errors[poses.third_of_three] = poses.second_differences
    return errors


def acceleration_error_in_seconds(poses: ClipPoses) -> Floats:
    """Return `acceleration_error` in mm/s^2, by the clip's rate."""
    return acceleration_error(poses) * poses.fps**2


def acceleration_error_n_minus_2(poses: ClipPoses) -> Floats:
    """Return the error as MotionAGFormer's evaluation averages it, in mm/frame^2.

    Second differences are taken within windows laid end to end from the clip's start; the n - 2 of
    a window of n frames stand in its first slots, and its last two slots count as 0. So the number
    is low by (n - 2) / n: 0.8 % at 243 frames, 7.4 % at 27 (loss/pose3d.py and train.py, which
    prints it as mm/s^2). A window of fewer than three frames holds zeros alone; where the lifter's
    window is that short, the whole clip is one window.
    """
    length = poses.window if poses.window > 2 else int(poses.frames[-1:].sum()) + 1
    _, places = poses.windows(length)
    inside = places[poses.third_of_three] >= 2
    errors = np.zeros(poses.predicted.shape[1::-1]).T
    errors[poses.third_of_three[inside] - 2] = poses.second_differences[inside]
    return errors if inside.any() else np.full_like(errors, np.nan)


ACCELERATION_METRICS = (
    PoseMetric(
        name="Acceleration",
        unit="mm/frame^2",
        better="lower",
        lowest=0.0,
        highest=float("inf"),
        description="mean error of the joints' second differences: jitter",
        errors=acceleration_error,
        extra_decimals=1,
    ),
    PoseMetric(
        name="Acceleration in seconds",
        unit="mm/s^2",
        better="lower",
        lowest=0.0,
        highest=float("inf"),
        description="the same by the clip's frame rate",
        errors=acceleration_error_in_seconds,
    ),
    PoseMetric(
        name="Acceleration n-2",
        unit="mm/frame^2",
        better="lower",
        lowest=0.0,
        highest=float("inf"),
        description="Acceleration by window with its last two frames counted as 0 (MotionAGFormer)",
        errors=acceleration_error_n_minus_2,
        extra_decimals=1,
    ),
)
