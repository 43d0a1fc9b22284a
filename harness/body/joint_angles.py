"""The angles at knees, elbows, hips and shoulders.

They are defined on skeletons that name LHip, LKnee, LShoulder and LElbow and their right
counterparts, as all of the field do.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.body.skeleton import Skeleton
from harness.body.vectors import between

Floats = NDArray[np.float64]


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
    at, one, other = zip(*bends, strict=True)
    a, b, c = np.moveaxis(between(positions, at, one), -1, 0)
    u, v, w = np.moveaxis(between(positions, at, other), -1, 0)
    across = np.sqrt((b * w - c * v) ** 2 + (c * u - a * w) ** 2 + (a * v - b * u) ** 2)
    return np.degrees(np.arctan2(across, a * u + b * v + c * w))
