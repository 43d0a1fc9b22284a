"""The metrics by name, and those that protocols are made of.

Positions are in metres, errors in millimetres. Reductions are no business of a metric: errors are
summed by clip and counted (`sequences.py`), so no average depends on how frames were batched. The
definitions are those of VideoPose3D (common/loss.py) and, for PCK and AUC, of MPI-INF-3DHP's
MATLAB evaluation (mpii_compute_3d_pck.m). What else is told of every score, whatever its protocol,
is computed in `anatomy.py` and `acceleration.py`.
"""

import numpy as np
from numpy.typing import NDArray

from harness.foundation.suggest import unknown_name
from harness.scoring.acceleration import ACCELERATION_METRICS
from harness.scoring.anatomy import ANATOMY_METRICS
from harness.scoring.metric_kinds import (
    MILLIMETRES,
    DistanceMetric,
    Metric,
    PoseMetric,
    PositionMetric,
    millimetres_long,
)
from harness.scoring.procrustes import aligned_distances
from harness.scoring.root_error import ROOT_METRICS

Floats = NDArray[np.floating]
FrameNumbers = NDArray[np.integer]

PCK_THRESHOLD = 150.0
AUC_THRESHOLDS = np.arange(0.0, 151.0, 5.0)
"""0, 5, ..., 150 mm: 31 thresholds. Leaving out 0 would add about 1.7 points."""


def mpjpe(predicted: Floats, target: Floats, frames: FrameNumbers | None = None) -> Floats:
    """Return the distance of each joint to its target, in mm: (frames, joints).

    Args:
        predicted: (frames, joints, 3) metres, relative to the root where that is what counts.
        target: the same shape.
        frames: not used.

    >>> target = np.zeros((1, 2, 3))
    >>> mpjpe(target + [0.03, 0.0, 0.04], target)
    array([[50., 50.]])
    """
    return millimetres_long(np.subtract(predicted, target, dtype=np.float64))


def p_mpjpe(predicted: Floats, target: Floats, frames: FrameNumbers | None = None) -> Floats:
    """Return the distances, in mm, left after each frame's best similarity transform.

    Scale, rotation and translation, no reflection: the field's "protocol 2"; see `procrustes`.
    Arguments as of `mpjpe`.

    >>> target = np.array([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 2]]])
    >>> turned = target[..., [1, 2, 0]]  # a rotation about the diagonal
    >>> bool(mpjpe(2 * turned + 1, target).mean() > 1000)
    True
    >>> bool(p_mpjpe(2 * turned + 1, target).max() < 1e-6)
    True
    """
    return aligned_distances(predicted, target) * MILLIMETRES


def n_mpjpe(predicted: Floats, target: Floats, frames: FrameNumbers | None = None) -> Floats:
    """Return the distances, in mm, left after each frame's best scale about the origin.

    The scale is <target, predicted> / <predicted, predicted> over a frame's joints, without
    re-centring (VideoPose3D, n_mpjpe). A prediction with all joints at the origin has scale 0.
    Arguments as of `mpjpe`.

    >>> target = np.array([[[0.0, 0, 0], [0.3, 0, 0], [0, 0.4, 0]]])
    >>> n_mpjpe(3 * target, target).round(6) + 0.0
    array([[0., 0., 0.]])
    """
    predicted, target = np.asarray(predicted, np.float64), np.asarray(target, np.float64)
    overlap = np.einsum("nja,nja->n", target, predicted)
    square = np.einsum("nja,nja->n", predicted, predicted)
    scale = overlap / np.where(square > 0, square, 1.0)
    rest = scale[:, None, None] * predicted
    rest -= target
    return millimetres_long(rest)


def mpjve(predicted: Floats, target: Floats, frames: FrameNumbers | None = None) -> Floats:
    """Return the error of each joint's motion since the frame before, in mm per frame.

    VideoPose3D averages a clip's T - 1 first differences and gives that average the weight T. So
    that a sum over frames and a count do the same, a frame without a neighbour before it (the
    first, and any after a gap in `frames`) is credited with the average of the others. A clip
    without two neighbouring frames has no velocity: NaN, counted nowhere.

    Args:
        predicted: (frames, joints, 3) metres of one clip.
        target: the same shape.
        frames: numbers of the frames within the clip, ascending; without them all are neighbours.

    >>> still = np.zeros((3, 1, 3))
    >>> moving = still + np.arange(3.0)[:, None, None] * [0.002, 0, 0]  # 2 mm a frame
    >>> mpjve(moving, still).ravel()
    array([2., 2., 2.])
    """
    if frames is None:
        frames = np.arange(len(predicted))
    return _motion_errors(np.subtract(predicted, target, dtype=np.float64), frames)


def _motion_errors(error: NDArray[np.float64], frames: FrameNumbers) -> NDArray[np.float64]:
    """Return `mpjve` of errors of position (frames, joints, 3), in metres."""
    motion = millimetres_long(error[1:] - error[:-1])
    neighbours = np.diff(frames) == 1
    errors = np.full(error.shape[1::-1], np.nan).T
    if neighbours.any():
        errors[:] = motion[neighbours].mean(axis=0)
        errors[1:][neighbours] = motion[neighbours]
    return errors


def pck(distances: Floats) -> Floats:
    """Return 1 where the distance, in mm, is below 150 (strictly), else 0.

    >>> pck(np.array([10.0, 149.9, 150.0]))
    array([1., 1., 0.])
    """
    return (distances < PCK_THRESHOLD).astype(np.float64)


def auc(distances: Floats) -> Floats:
    """Return the part of the 31 thresholds 0, 5, ..., 150 mm that each distance, in mm, is below.

    >>> auc(np.array([0.0, 72.0, 200.0])).round(3)
    array([0.968, 0.516, 0.   ])
    """
    # Thresholds lie 5 mm apart from 0 on, so a quotient counts them; no distance below one of them
    # has a quotient that rounds up to it.
    not_below = np.minimum(np.floor(distances / AUC_THRESHOLDS[1]) + 1, len(AUC_THRESHOLDS))
    return 1.0 - not_below / len(AUC_THRESHOLDS)


POSITION_METRICS = (
    PositionMetric(
        name="MPJPE",
        unit="mm",
        better="lower",
        lowest=0.0,
        highest=float("inf"),
        description="mean distance of the joints to their targets, relative to the root",
        errors=lambda poses: millimetres_long(poses.error),
    ),
    PositionMetric(
        name="P-MPJPE",
        unit="mm",
        better="lower",
        lowest=0.0,
        highest=float("inf"),
        description="MPJPE after the best scale, rotation and translation of each frame",
        errors=lambda poses: poses.aligned_distances[0],
    ),
    PositionMetric(
        name="N-MPJPE",
        unit="mm",
        better="lower",
        lowest=0.0,
        highest=float("inf"),
        description="MPJPE after the best scale of each frame",
        errors=lambda poses: n_mpjpe(poses.predicted, poses.target),
    ),
    PositionMetric(
        name="MPJVE",
        unit="mm/frame",
        better="lower",
        lowest=0.0,
        highest=float("inf"),
        description="mean error of the joints' motion from frame to frame",
        errors=lambda poses: _motion_errors(poses.error, poses.frames),
        extra_decimals=1,
    ),
)

DISTANCE_METRICS = (
    DistanceMetric(
        name="PCK@150mm",
        unit="%",
        better="higher",
        lowest=0.0,
        highest=100.0,
        description="part of the joints nearer than 150 mm to their targets",
        factor=100.0,
        credits=pck,
    ),
    DistanceMetric(
        # A perfect joint is not below the threshold 0, so 30 of 31 is the best there is.
        name="AUC",
        unit="%",
        better="higher",
        lowest=0.0,
        highest=100.0 * 30 / 31,
        description="PCK averaged over the 31 thresholds 0, 5, ..., 150 mm",
        factor=100.0,
        credits=auc,
    ),
)

CORE_METRICS: tuple[Metric, ...] = (*POSITION_METRICS, *DISTANCE_METRICS)
"""What protocols choose from; their errors by frame and joint are stored."""

RIGID_METRIC = PoseMetric(
    name="R-MPJPE",
    unit="mm",
    better="lower",
    lowest=0.0,
    highest=float("inf"),
    description="MPJPE after the best rotation and translation of each frame; P-MPJPE unscaled",
    errors=lambda poses: poses.aligned_distances[1],
)

DESCRIPTIVE_METRICS: tuple[PoseMetric, ...] = (
    RIGID_METRIC,
    *ACCELERATION_METRICS,
    *ANATOMY_METRICS,
    *ROOT_METRICS,
)
"""Told of every score where its joints and predictions allow; no part of any protocol."""

METRICS: dict[str, Metric] = {
    metric.name: metric for metric in (*CORE_METRICS, *DESCRIPTIVE_METRICS)
}


def metric_called(name: str) -> Metric:
    """Return the metric with this name.

    Raises:
        HarnessError: there is none.
    """
    if name not in METRICS:
        raise unknown_name("metric", name, METRICS)
    return METRICS[name]
