"""Whether predictions are bodies: lengths of bones, symmetry, and the angles of joints.

Each value stands at a joint: a bone's at its outer end, an angle's at the joint that bends. Bones
are those whose two ends are scored. Angles are defined on skeletons that name LHip, LKnee,
LShoulder and LElbow and their right counterparts, as all of the field do.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.body.skeleton import Skeleton
from harness.scoring.metric_kinds import ClipPoses, PoseMetric, millimetres_long

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
    bones = {child: parent for parent, child in poses.skeleton.edges}
    pairs = [
        (left, right)
        for left, right in zip(poses.skeleton.left, poses.skeleton.right, strict=True)
        if left in bones and right in bones
    ]
    if not pairs:
        return None
    result = np.full(poses.predicted.shape[:2], np.nan)
    left, right = (list(side) for side in zip(*pairs, strict=True))
    lengths = [
        millimetres_long(
            poses.predicted[:, side] - poses.predicted[:, [bones[child] for child in side]]
        )
        for side in (left, right)
    ]
    result[:, left] = result[:, right] = np.abs(lengths[0] - lengths[1])
    return result


def angle_error(poses: ClipPoses) -> Floats | None:
    """Return by joint how far its angle is from the true one, in degrees: see `bends_of`."""
    bends = bends_of(poses.skeleton)
    if not bends:
        return None
    result = np.full(poses.predicted.shape[:2], np.nan)
    result[:, [bend.joint for bend in bends]] = np.abs(
        joint_angles(poses.predicted, bends) - joint_angles(poses.target, bends)
    )
    return result


def angle_correlation(poses: ClipPoses) -> Floats | None:
    """Return by joint Pearson's correlation of predicted and true angle over the clip.

    Every frame of a clip is credited with it. A prediction that does not move while the truth does
    has 0. A clip in which a true angle does not change, as in a single frame, has none: NaN.
    """
    bends = bends_of(poses.skeleton)
    if not bends:
        return None
    result = np.full(poses.predicted.shape[:2], np.nan)
    if len(result):
        result[:, [bend.joint for bend in bends]] = _correlations(
            joint_angles(poses.predicted, bends), joint_angles(poses.target, bends)
        )
    return result


class Bend(NamedTuple):
    """An angle: at `joint`, between the directions to `one` and to `other`; indices of joints."""

    joint: int
    one: int
    other: int


def bends_of(skeleton: Skeleton) -> list[Bend]:
    """Return the angles of both sides that a skeleton has: knee, elbow, hip and shoulder.

    knee: thigh and shank. elbow: upper arm and forearm. hip (flexion): thigh and the direction to
    the joint that the shoulder hangs on, the upper end of the trunk. shoulder (elevation): upper
    arm and the direction to the hip of the same side. Flexion as clinicians count it is 180 degrees
    minus the angle at knee, elbow and hip, which changes neither error nor correlation.
    """
    known = {name: index for index, name in enumerate(skeleton.joints)}
    alone = [edge for edge in skeleton.edges if skeleton.parents.count(edge[0]) == 1]
    child = dict(alone)
    bends = []
    for side in "LR":
        names = [f"{side}{part}" for part in ("Hip", "Knee", "Shoulder", "Elbow")]
        if not set(names) <= set(known):
            continue
        hip, knee, shoulder, elbow = (known[name] for name in names)
        wanted = (
            (knee, hip, child.get(knee, -1)),
            (elbow, shoulder, child.get(elbow, -1)),
            (hip, knee, skeleton.parents[shoulder]),
            (shoulder, elbow, hip),
        )
        bends += [Bend(*bend) for bend in wanted if -1 not in bend]
    return bends


def joint_angles(positions: Floats, bends: Sequence[Bend]) -> Floats:
    """Return (frames, angles) in degrees, 0 to 180, of positions (frames, joints, 3).

    The arc tangent of the cross and dot product is exact near 0 and 180 degrees, where an arc
    cosine is not. A segment without length gives 0.
    """
    at, one, other = (positions[:, list(column)] for column in zip(*bends, strict=True))
    first, second = one - at, other - at
    across = np.linalg.norm(np.cross(first, second), axis=-1)
    return np.degrees(np.arctan2(across, np.einsum("nja,nja->nj", first, second)))


def _by_bone(poses: ClipPoses, of: Callable[[Floats], Floats]) -> Floats | None:
    if not poses.skeleton.edges:
        return None
    parents, children = (list(ends) for ends in zip(*poses.skeleton.edges, strict=True))
    predicted, target = (
        millimetres_long(positions[:, children] - positions[:, parents])
        for positions in (poses.predicted, poses.target)
    )
    result = np.full(poses.predicted.shape[:2], np.nan)
    result[:, children] = of(predicted - target)
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
