"""MRPE: how far the root is from where it is, in camera space (Moon et al., 3DMPPE, ICCV 2019)."""

import numpy as np
from numpy.typing import NDArray

from harness.scoring.metric_kinds import MILLIMETRES, ClipPoses, PoseMetric


def _root_error(poses: ClipPoses, origin: str) -> NDArray[np.float64] | None:
    """Return the length of the error of the root, in mm, in the root's column."""
    if origin not in poses.roots or -1 not in poses.skeleton.parents:
        return None
    errors = poses.undefined()
    errors[:, poses.skeleton.root] = MILLIMETRES * np.linalg.norm(poses.roots[origin], axis=-1)
    return errors


ROOT_METRICS = (
    PoseMetric(
        name="MRPE",
        unit="mm",
        better="lower",
        lowest=0.0,
        highest=float("inf"),
        description="distance of the predicted root from the true one in camera space",
        errors=lambda poses: _root_error(poses, "predicted"),
    ),
    PoseMetric(
        name="MRPE fitted",
        unit="mm",
        better="lower",
        lowest=0.0,
        highest=float("inf"),
        description="the same of the root at which the predicted pose projects best onto its 2D",
        errors=lambda poses: _root_error(poses, "fitted"),
    ),
)
