"""What was not found: filled on a straight line in time, the ends held, and marked."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.datasets.keypoints.detections import Floats


def filled(points: Floats, trunk: Sequence[int] = ()) -> tuple[Floats, NDArray[np.bool_]]:
    """Return points without gaps, and which of them were gaps.

    A gap is filled on the straight line, in time, between the joint's places before and after it;
    before the first and after the last place the joint stays where it is there. Places are those in
    the picture for joints of the trunk, and relative to the trunk's middle for all others: a hidden
    arm goes along with somebody who walks.

    Args:
        points: (frames, joints, 2), NaN where a joint was not found; each joint was at least once.
        trunk: the joints of the trunk; with none, all places are those in the picture.

    Returns:
        (frames, joints, 2) and (frames, joints).
    """
    missing = np.isnan(points[..., 0]) | np.isnan(points[..., 1])
    whole = points.copy()
    inside = np.isin(np.arange(points.shape[1]), trunk)
    _fill(whole, missing, np.flatnonzero(inside))
    if len(trunk):
        middle = whole[:, inside].mean(axis=1, keepdims=True)
        whole[:, ~inside] -= middle
    _fill(whole, missing, np.flatnonzero(~inside))
    if len(trunk):
        whole[:, ~inside] += middle
    whole[~missing] = points[~missing]  # to the last bit
    return whole, missing


def _fill(whole: Floats, missing: NDArray[np.bool_], joints: NDArray[np.intp]) -> None:
    """Fill the gaps of some joints, in place."""
    frames = np.arange(len(whole))
    for joint in joints:
        gaps = missing[:, joint]
        if gaps.any():
            for axis in range(2):
                whole[gaps, joint, axis] = np.interp(
                    frames[gaps], frames[~gaps], whole[~gaps, joint, axis]
                )


def longest_gap(missing: NDArray[np.bool_]) -> int:
    """Return the length in frames of the longest run of frames in which a joint is missing."""
    longest = np.zeros(missing.shape[1:], np.int64)
    run = np.zeros_like(longest)
    for frame in missing:
        run = np.where(frame, run + 1, 0)
        longest = np.maximum(longest, run)
    return int(longest.max(initial=0))
