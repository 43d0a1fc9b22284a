"""Whether predictions are bodies: lengths of bones, symmetry, and the angles of joints.

Each value stands at a joint: a bone's at its outer end, an angle's at the joint that bends. Bones
are those whose two ends are scored. Which angles there are: harness/body/joint_angles.py.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from harness.scoring.metric_kinds import ClipPoses, PoseMetric

Floats = NDArray[np.float64]

_SMALLEST_SWING = 1e-6  # degrees; an angle that changes less than this has no waveform


def bone_length_error(poses: ClipPoses) -> Floats | None:
    """Return by bone how far its predicted length is from the true one, in mm."""
    return _by_bone(poses, np.abs)


def bone_variation(poses: ClipPoses) -> Floats | None:
    """Return by bone the standard deviation over the clip of its length's error, in mm.

    A body that is merely too small has none; one that grows and shrinks has.
    """
    if not len(poses.frames):
        return bone_length_error(poses)
    return _by_bone(poses, lambda errors: np.broadcast_to(errors.std(axis=0), errors.shape))


def symmetry_error(poses: ClipPoses) -> Floats | None:
    """Return by bone of a side how far its predicted length is from its mirror image's, in mm.

    Of the prediction alone, so the truth's own asymmetry is no reference; both sides get the value.
    """
    bone_at = {child: bone for bone, (_, child) in enumerate(poses.skeleton.edges)}
    pairs = [
        (left, right)
        for left, right in zip(poses.skeleton.left, poses.skeleton.right, strict=True)
        if left in bone_at and right in bone_at
    ]
    if not pairs:
        return None
    predicted, _ = poses.bone_lengths
    result = poses.undefined()
    for left, right in pairs:
        apart = np.abs(predicted[:, bone_at[left]] - predicted[:, bone_at[right]])
        result[:, left] = result[:, right] = apart
    return result


def angle_error(poses: ClipPoses) -> Floats | None:
    """Return by joint how far its angle is from the true one, in degrees."""
    if not poses.bends:
        return None
    predicted, target = poses.angles
    result = poses.undefined()
    result[:, [bend.joint for bend in poses.bends]] = np.abs(predicted - target)
    return result


def angle_correlation(poses: ClipPoses) -> Floats | None:
    """Return by joint Pearson's correlation of predicted and true angle over the clip.

    Every frame of a clip is credited with it. A prediction that does not move while the truth does
    has 0. A clip in which a true angle does not change, as in a single frame, has none: NaN.
    """
    if not poses.bends:
        return None
    result = poses.undefined()
    if len(result):
        result[:, [bend.joint for bend in poses.bends]] = _correlations(*poses.angles)
    return result


def _by_bone(poses: ClipPoses, of: Callable[[Floats], Floats]) -> Floats | None:
    if not poses.skeleton.edges:
        return None
    predicted, target = poses.bone_lengths
    result = poses.undefined()
    result[:, [child for _, child in poses.skeleton.edges]] = of(predicted - target)
    return result


def _correlations(predicted: Floats, target: Floats) -> Floats:
    """Return (angles,) correlations over frames, all NaN where a target does not change."""
    predicted, target = (angles - angles.mean(axis=0) for angles in (predicted, target))
    swings = [np.sqrt(np.mean(angles**2, axis=0)) for angles in (predicted, target)]
    if (swings[1] < _SMALLEST_SWING).any():
        return np.full(target.shape[1], np.nan)
    still = swings[0] < _SMALLEST_SWING
    product = np.mean(predicted * target, axis=0)
    return np.where(still, 0.0, product / np.where(still, 1.0, swings[0] * swings[1]))


ANATOMY_METRICS = (
    PoseMetric(
        name="Bone length",
        unit="mm",
        better="lower",
        lowest=0.0,
        highest=float("inf"),
        description="mean error of the length of bones",
        errors=bone_length_error,
    ),
    PoseMetric(
        name="Bone variation",
        unit="mm",
        better="lower",
        lowest=0.0,
        highest=float("inf"),
        description="standard deviation of that error over a clip: bones that grow and shrink",
        errors=bone_variation,
    ),
    PoseMetric(
        name="Symmetry",
        unit="mm",
        better="lower",
        lowest=0.0,
        highest=float("inf"),
        description="mean difference of a predicted bone's length from its mirror image's",
        errors=symmetry_error,
    ),
    PoseMetric(
        name="Angle",
        unit="degrees",
        better="lower",
        lowest=0.0,
        highest=180.0,
        description="mean error of the angles of knees, elbows, hips and shoulders",
        errors=angle_error,
    ),
    PoseMetric(
        name="Angle correlation",
        unit="r",
        better="higher",
        lowest=-1.0,
        highest=1.0,
        description="correlation over a clip of the predicted and the true course of these angles",
        errors=angle_correlation,
        extra_decimals=2,
    ),
)
