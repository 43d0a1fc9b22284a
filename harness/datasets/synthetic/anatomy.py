"""How bones may turn: joint angles, their limits, and the reach of a limb of two bones.

A bone is called by the joint at its end: "LKnee" is the left thigh, turning in the hip joint. The
body's axes are x forward, y left, z up. Each bone turns against the one before it by three angles,
applied as R = Ry Rx Rz:

    flexion    bends forward; for knees, brings the heel back
    sideways   leads a limb away from the body, the trunk and head to the left
    rotation   turns a limb's front inward, the trunk and head to the left
"""

import numpy as np
from numpy.typing import NDArray

from harness.body.kinematics import rotation_about
from harness.body.skeleton import H36M_17

Array = NDArray[np.float64]

LIMITS = {
    "Hip": ((-35, 75), (-20, 20), (-35, 35)),
    "Spine": ((-20, 45), (-20, 20), (-25, 25)),
    "Thorax": ((-20, 45), (-20, 20), (-25, 25)),
    "Neck/Nose": ((-30, 40), (-20, 20), (-45, 45)),
    "Head": ((-25, 30), (-20, 20), (-35, 35)),
    "Shoulder": ((0, 0), (-5, 30), (-20, 20)),
    "Knee": ((-30, 130), (-35, 65), (-70, 70)),
    "Foot": ((0, 155), (0, 0), (0, 0)),
    "Elbow": ((-180, 180), (-90, 90), (-180, 180)),
    "Wrist": ((0, 150), (0, 0), (0, 0)),
}
"""Least and greatest flexion, sideways and rotation in degrees, by the joint at a bone's end.

"Hip" is the pelvis against the upright, "Shoulder" the collar bone, "Foot" the shin and so the
knee, "Wrist" the forearm and so the elbow. Upper arms may point anywhere: their targets see to it
that they do so as people's do.
"""


def _tables() -> tuple[Array, Array, Array]:
    signs, low, high = np.ones((17, 3)), np.zeros((17, 3)), np.zeros((17, 3))
    for joint, name in enumerate(H36M_17.joints):
        of_trunk = name in LIMITS
        limits = np.radians(LIMITS[name if of_trunk else name[1:]])
        low[joint], high[joint] = limits[:, 0], limits[:, 1]
        outward = 1 if name.startswith("L") else -1
        if of_trunk:
            signs[joint] = (1, -1, 1)
        elif name.endswith("Shoulder"):
            # The only limb bone that lies sideways at rest: it leads away by rising.
            signs[joint] = (-1, outward, outward)
        else:
            signs[joint] = (1 if name.endswith("Foot") else -1, outward, -outward)
    return signs, low, high


_SIGNS, _LOW, _HIGH = _tables()


def within_limits(angles: Array) -> Array:
    """Return angles (frames, 17, 3) held within LIMITS, radians."""
    return np.clip(angles, _LOW, _HIGH)


def bone_rotations(angles: Array) -> Array:
    """Return the rotations (frames, 17, 3, 3) of all bones against those before them."""
    signed = angles * _SIGNS
    return (
        rotation_about(1, signed[..., 0])
        @ rotation_about(0, signed[..., 1])
        @ rotation_about(2, signed[..., 2])
    )


def greatest_bend(joint: str) -> float:
    """Return the greatest flexion of the bone that ends at `joint`, radians."""
    return float(_HIGH[H36M_17.index(joint), 0])


def angles_of(rotations: Array, joint: str) -> Array:
    """Return the angles (frames, 3) of one bone's rotations (frames, 3, 3), radians."""
    sideways = -np.arcsin(np.clip(rotations[:, 1, 2], -1.0, 1.0))
    flexion = np.arctan2(rotations[:, 0, 2], rotations[:, 2, 2])
    rotation = np.arctan2(rotations[:, 1, 0], rotations[:, 1, 1])
    return np.stack([flexion, sideways, rotation], axis=-1) * _SIGNS[H36M_17.index(joint)]


def reach(
    target: Array, upper: float, lower: float, pole: Array, most: float, backward: bool
) -> tuple[Array, Array]:
    """Return how a limb of two bones reaches a target: the law of cosines.

    Args:
        target: (frames, 3) where the limb is to end, from where it starts; metres. Where that is
            too far or too near, it ends as near as it can in that direction.
        upper: length of the first bone, which hangs along -z at rest.
        lower: length of the second.
        pole: (frames, 3) direction to which the middle joint points, seen from the line between
            start and target.
        most: greatest bend of the second bone, radians.
        backward: whether the lower bone bends backward, as a shin, or forward, as a forearm.

    Returns:
        Rotations (frames, 3, 3) of the first bone and the bend (frames,) of the second, radians.
    """
    distance = np.linalg.norm(target, axis=-1)
    direction = target / distance[:, None]
    nearest = np.sqrt(upper**2 + lower**2 + 2 * upper * lower * np.cos(most))
    distance = _soft_clip(distance, nearest, 0.9995 * (upper + lower), 0.04 * (upper + lower))
    across = pole - np.sum(pole * direction, axis=-1, keepdims=True) * direction
    across /= np.linalg.norm(across, axis=-1, keepdims=True)
    between = (upper**2 + lower**2 - distance**2) / (2 * upper * lower)
    lift = (upper**2 + distance**2 - lower**2) / (2 * upper * distance)
    cosine = np.clip(lift, -1.0, 1.0)[:, None]
    sine = np.sqrt(1.0 - cosine**2)
    z = -(cosine * direction + sine * across)
    x = (sine * direction - cosine * across) * (-1.0 if backward else 1.0)
    rotation = np.stack([x, np.cross(z, x), z], axis=-1)
    return rotation, np.pi - np.arccos(np.clip(between, -1.0, 1.0))


def _soft_clip(values: Array, low: float, high: float, margin: float) -> Array:
    """Clip values smoothly: unchanged but within `margin` of an end, which they only approach.

    A limb that stretches in a hard stop would snap straight: its bend falls as a square root.
    """
    below, above = low + margin, high - margin
    upper = above + margin * np.tanh((values - above) / margin)
    lower = below + margin * np.tanh((values - below) / margin)
    return np.where(values > above, upper, np.where(values < below, lower, values))


def into_axes(rotation: Array, vectors: Array) -> Array:
    """Return vectors (frames, 3) of the world in turned axes (frames, 3, 3): R^T v."""
    return np.einsum("fji,fj->fi", rotation, vectors)


def out_of_axes(rotation: Array, vectors: Array) -> Array:
    """Return vectors (frames, 3) of turned axes (frames, 3, 3) in the world: R v."""
    return np.einsum("fij,fj->fi", rotation, vectors)
