"""What was not found: filled on a straight line in time, the ends held, and marked."""

import numpy as np
from numpy.typing import NDArray

from harness.datasets.keypoints.detections import Floats


def filled(points: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return points without gaps, and which of them were gaps.

    A gap is filled on the straight line, in time, between the joint's places before and after it;
    before the first and after the last place the joint stays where it is there.

    Args:
        points: (frames, joints, 2), NaN where a joint was not found; each joint was at least once.

    Returns:
        (frames, joints, 2) and (frames, joints).
    """
    missing = np.isnan(points[..., 0]) | np.isnan(points[..., 1])
    whole = points.copy()
    frames = np.arange(len(points))
    for joint in np.flatnonzero(missing.any(axis=0)):
        found = ~missing[:, joint]
        for axis in range(2):
            whole[~found, joint, axis] = np.interp(
                frames[~found], frames[found], points[found, joint, axis]
            )
    return whole, missing


def longest_gap(missing: NDArray[np.bool_]) -> int:
    """Return the length in frames of the longest run of frames in which a joint is missing."""
    longest = np.zeros(missing.shape[1:], np.int64)
    run = np.zeros_like(longest)
    for frame in missing:
        run = np.where(frame, run + 1, 0)
        longest = np.maximum(longest, run)
    return int(longest.max(initial=0))
