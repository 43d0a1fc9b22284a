"""Vectors of joints, laid out so that arithmetic runs over frames.

A pose has some 17 joints of 3 coordinates, a clip thousands of frames. Where the frames of each
coordinate lie side by side in memory, every operation works through long unbroken rows; where
coordinates do, through rows of three. Shapes are the usual ones, (frames, joints, 3), either way.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def joint_major(values: NDArray[np.number], joints: Sequence[int]) -> Floats:
    """Return chosen joints, in float64, each coordinate's frames side by side in memory.

    Args:
        values: (frames, ..., all joints, coordinates).
        joints: indices of those wanted, in the order wanted.

    Returns:
        (frames, ..., joints, coordinates), a copy.
    """
    rows = np.moveaxis(values, 0, -1)
    chosen = np.empty((*rows.shape[:-3], len(joints), *rows.shape[-2:]))
    for place, joint in enumerate(joints):
        chosen[..., place, :, :] = rows[..., joint, :, :]
    return np.moveaxis(chosen, -1, 0)


def between(positions: Floats, starts: Sequence[int], ends: Sequence[int]) -> Floats:
    """Return the vectors from joints `starts` to joints `ends`, laid out as `joint_major` does.

    Args:
        positions: (frames, joints, 3).
        starts: indices of joints.
        ends: as many.

    Returns:
        (frames, vectors, 3).
    """
    rows = np.moveaxis(positions, 0, -1)
    vectors = np.empty((len(starts), *rows.shape[1:]))
    for place, (start, end) in enumerate(zip(starts, ends, strict=True)):
        np.subtract(rows[end], rows[start], out=vectors[place])
    return np.moveaxis(vectors, -1, 0)


def lengths(vectors: Floats) -> Floats:
    """Return the lengths (...) of vectors (..., 3)."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    squares = x * x
    squares += y * y
    squares += z * z
    return np.sqrt(squares, out=squares)
