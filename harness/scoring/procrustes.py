"""The best similarity transform of one pose onto another, in closed form; P-MPJPE aligns with it.

For one frame the transform is scale * R x + t, R a rotation, never a reflection. R maximises
trace(R^T M) with M = sum over joints of target x prediction^T, both about their means. Horn (1987,
"Closed-form solution of absolute orientation using unit quaternions") showed the maximum to be the
largest root of the quartic

    q^4 - 2 |M|^2 q^2 - 8 det(M) q + |M|^4 - 4 |cof(M)|^2 = 0,

the characteristic polynomial of his 4x4 key matrix. Laguerre's iteration from above all roots finds
it, and Markley (1993, "Attitude determination using vector observations: a fast optimal matrix
algorithm") gives R from M and the root without an eigenvector. Where two roots nearly coincide both
lose digits; those frames, rare in real motion, take a singular value decomposition instead.

Degenerate poses are defined, not left to chance:
    - a prediction whose joints all coincide has nothing to align: its scale is 0, so every joint
      lands on the mean of the target;
    - a target whose joints all coincide is met exactly: every joint lands on it;
    - joints on a line or in a plane are ordinary; of several best rotations one is taken.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.body.vectors import lengths

Floats = NDArray[np.float64]

FRAMES_AT_ONCE = 1000  # arrays of so many frames stay in a core's cache
LAGUERRE_STEPS = 12  # more than it takes to the smallest gap; each cubes the error in the end
CUBED_TO_NOTHING = 1e-8  # a step after which the root is exact, though the gap be the smallest
SMALLEST_GAP = 1e-4  # product of the largest root's distances to the others, over 8 |M|^3
COINCIDENT = 1e-12  # joints nearer to each other than this part of their distance from the origin


class _Turned(NamedTuple):
    """Some frames, joints x coordinates x frames, each pose about its own mean.

    Attributes:
        rows: which frames.
        predicted: turned onto the target, as long as it was; all 0 where the joints coincide.
        target: the target.
        scale: (frames,) what stretches the turned prediction best.
        target_mean: (coordinates, frames).
    """

    rows: slice
    predicted: Floats
    target: Floats
    scale: Floats
    target_mean: Floats


def align(predicted: NDArray[np.floating], target: NDArray[np.floating]) -> Floats:
    """Move each predicted pose onto its target by the best scale, rotation and translation.

    Args:
        predicted: (frames, joints, 3), finite.
        target: the same shape, finite.

    Returns:
        (frames, joints, 3) float64 in the unit of the input.

    >>> target = np.array([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 2]]])
    >>> bool(np.allclose(align(5 * target - 3, target), target))
    True
    """
    result = np.empty(predicted.shape)
    for part in _turned_parts(predicted, target):
        aligned = part.scale * part.predicted + part.target_mean
        result[part.rows] = np.moveaxis(aligned, -1, 0)
    return result


def aligned_distances(predicted: NDArray[np.floating], target: NDArray[np.floating]) -> Floats:
    """Return the distance of each joint to its target after `align`: (frames, joints) float64."""
    return similar_and_rigid_distances(predicted, target)[0]


def similar_and_rigid_distances(
    predicted: NDArray[np.floating], target: NDArray[np.floating]
) -> tuple[Floats, Floats]:
    """Return the distance of each joint to its target after two alignments of one rotation.

    Args:
        predicted: as for `align`.
        target: likewise.

    Returns:
        (frames, joints) float64 each: after `align`, and after the best rotation and translation
        without a scale.
    """
    similar, rigid = np.empty((2, *predicted.shape[1::-1]))
    for part in _turned_parts(predicted, target):
        rest = part.predicted - part.target
        rigid[:, part.rows] = lengths(np.moveaxis(rest, 1, -1))
        np.multiply(part.predicted, part.scale, out=rest)
        rest -= part.target
        similar[:, part.rows] = lengths(np.moveaxis(rest, 1, -1))
    return similar.T, rigid.T


def _turned_parts(
    predicted: NDArray[np.floating], target: NDArray[np.floating]
) -> Iterator[_Turned]:
    for start in range(0, len(predicted), FRAMES_AT_ONCE):
        rows = slice(start, start + FRAMES_AT_ONCE)
        source = np.moveaxis(predicted[rows], 0, -1).astype(np.float64, order="C")
        goal = np.moveaxis(target[rows], 0, -1).astype(np.float64, order="C")
        source_mean, goal_mean = source.mean(axis=0), goal.mean(axis=0)
        source -= source_mean
        goal -= goal_mean
        rotation, trace = _best_rotation(np.einsum("jan,jbn->abn", goal, source))
        spread = np.einsum("jan,jan->n", source, source)
        offset = len(source) * np.einsum("an,an->n", source_mean, source_mean)
        is_point = spread <= COINCIDENT**2 * offset
        rotation[..., is_point] = 0.0
        scale = trace / np.where(is_point, 1.0, spread)
        turned = np.einsum("abn,jbn->jan", rotation, source)
        yield _Turned(rows, turned, goal, scale, goal_mean)


def _best_rotation(correlation: Floats) -> tuple[Floats, Floats]:
    """Return the rotations R (3, 3, n) that maximise trace(R^T M), and those maxima (n,).

    Args:
        correlation: M, (3, 3, n).
    """
    norm = np.sqrt(np.einsum("abn,abn->n", correlation, correlation))
    unit = correlation / np.where(norm > 0, norm, 1.0)
    one, two = unit[[1, 2, 0]], unit[[2, 0, 1]]
    cofactor = one[:, [1, 2, 0]] * two[:, [2, 0, 1]] - one[:, [2, 0, 1]] * two[:, [1, 2, 0]]
    determinant = np.einsum("an,an->n", unit[0], cofactor[0])
    constant = 1.0 - 4.0 * np.einsum("abn,abn->n", cofactor, cofactor)

    # By the inequality of Cauchy no root exceeds sqrt(3) |M|, and from above all roots of a
    # polynomial that has only real ones Laguerre's iteration falls to the largest and stays there.
    root = np.full(len(norm), np.sqrt(3.0))
    for _ in range(LAGUERRE_STEPS):
        square = root * root
        value = (square - 2.0) * square - 8.0 * determinant * root + constant
        slope = 4.0 * (square - 1.0) * root - 8.0 * determinant
        bend = 12.0 * square - 4.0
        spread = np.sqrt(np.maximum(9.0 * slope * slope - 12.0 * value * bend, 0.0))
        step = 4.0 * value / np.where(slope > 0, slope + spread, np.inf)
        root -= step
        if step.max(initial=0.0) < CUBED_TO_NOTHING:
            break

    # gap = (s1 + s2)(s2 + s3)(s3 + s1) of the signed singular values: an eighth of the slope.
    kappa = 0.5 * (root * root - 1.0)
    gap = kappa * root - determinant
    regular = gap > SMALLEST_GAP
    gram = np.einsum("abn,cbn->acn", unit, unit)
    rotation = (
        (kappa + 1.0) * unit + root * cofactor - np.einsum("abn,bcn->acn", gram, unit)
    ) / np.where(regular, gap, 1.0)
    if not regular.all():
        odd = ~regular
        rotation[..., odd], root[odd] = _best_rotation_by_svd(unit[..., odd])
    return rotation, root * norm


def _best_rotation_by_svd(correlation: Floats) -> tuple[Floats, Floats]:
    """Return what `_best_rotation` does, by Umeyama's (1991) decomposition: slow and robust."""
    u, s, vt = np.linalg.svd(np.moveaxis(correlation, -1, 0))
    sign = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    u[:, :, 2] *= sign[:, None]
    s[:, 2] *= sign
    return np.moveaxis(u @ vt, 0, -1), s.sum(axis=1)
