"""Forward kinematics: from the rotations of bones to the places of joints.

Vectors are columns: a rotation R turns x into R x. Angles are radians.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def rotation_about(axis: int, angle: Array) -> Array:
    """Return the rotations (..., 3, 3) about a coordinate axis (0 = x, 1 = y, 2 = z)."""
    angle = np.asarray(angle, dtype=np.float64)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    cosine, sine = np.cos(angle), np.sin(angle)
    rotation = np.zeros((*angle.shape, 3, 3))
    rotation[..., axis, axis] = 1.0
    rotation[..., first, first] = cosine
    rotation[..., second, second] = cosine
    rotation[..., first, second] = -sine
    rotation[..., second, first] = sine
    return rotation


def rotation_from_euler_xyz(angles: Array) -> Array:
    """Return Rz Ry Rx, (..., 3, 3), for angles (..., 3) about x, y and z.

    The turns are about x, then y, then z of fixed axes, as the Acclaim format orders them.
    """
    angles = np.asarray(angles, dtype=np.float64)
    about_x, about_y, about_z = (rotation_about(axis, angles[..., axis]) for axis in range(3))
    return about_z @ about_y @ about_x


def rotation_from_axis_angle(vectors: Array) -> Array:
    """Return the rotations (..., 3, 3) about `vectors` (..., 3) by their lengths (Rodrigues)."""
    vectors = np.asarray(vectors, dtype=np.float64)
    angle = np.linalg.norm(vectors, axis=-1)[..., None, None]
    cross = np.zeros((*vectors.shape[:-1], 3, 3))
    for axis in range(3):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        cross[..., first, second] = -vectors[..., axis]
        cross[..., second, first] = vectors[..., axis]
    # sin(a)/a and (1 - cos a)/a^2 written with sinc, which is smooth at zero.
    along = np.sinc(angle / np.pi)
    across = 0.5 * np.sinc(angle / (2 * np.pi)) ** 2
    return np.eye(3) + along * cross + across * (cross @ cross)


def forward_kinematics(
    parents: Sequence[int], offsets: Array, rotations: Array, root: Array
) -> tuple[Array, Array]:
    """Return where the bones of a moving body end and how they are turned.

    A bone starts where its parent ends and carries its own rotation: with world rotation
    W[b] = W[parent] L[b] it ends at end[b] = end[parent] + W[b] offset[b].

    Args:
        parents: index of each bone's parent; -1 for a bone that starts at the root's place.
            Parents stand before their children.
        offsets: (bones, 3) from a bone's start to its end, in the bone's own axes, metres.
        rotations: (frames, bones, 3, 3) rotation of each bone relative to its parent.
        root: (frames, 3) place of the root in the world, metres.

    Returns:
        The ends (frames, bones, 3) and the world rotations (frames, bones, 3, 3).
    """
    ends = np.empty((len(root), len(parents), 3))
    turned = np.empty((len(root), len(parents), 3, 3))
    for bone, parent in enumerate(parents):
        if parent >= bone:
            raise ValueError(f"bone {bone} stands before its parent {parent}")
        if parent < 0:
            start, turned[:, bone] = root, rotations[:, bone]
        else:
            start = ends[:, parent]
            turned[:, bone] = turned[:, parent] @ rotations[:, bone]
        ends[:, bone] = start + turned[:, bone] @ offsets[bone]
    return ends, turned
