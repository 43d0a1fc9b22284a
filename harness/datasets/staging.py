"""Putting recorded motion before cameras that never saw it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.body.camera import Camera, rotation_of_quaternion, world_to_camera

Array = NDArray[np.float64]


def meeting_point(cameras: Sequence[Camera]) -> Array:
    """Return the world point (3,) nearest to all optical axes, in the least-squares sense."""
    normal, target = np.zeros((3, 3), np.float64), np.zeros(3, np.float64)
    for camera in cameras:
        if camera.orientation is None or camera.translation is None:
            raise ValueError(f"camera {camera.name} has no known place in the world")
        along = rotation_of_quaternion(camera.orientation)[:, 2]
        across = np.eye(3) - np.outer(along, along)
        normal += across
        target += across @ np.asarray(camera.translation)
    return np.asarray(np.linalg.solve(normal, target), dtype=np.float64)


def place_before(
    positions: Array, root: int, cameras: Sequence[Camera], nearest: float, shortest: int
) -> list[Array]:
    """Move a motion along the floor to where the cameras look, in as few pieces as needed.

    A piece is moved as a whole: the middle of its root's path (of the smallest upright box around
    it) comes to stand on the cameras' meeting point; heights stay. One piece is best; if it
    brings a joint nearer to a camera than allowed, two equal pieces are tried, then three ...

    Args:
        positions: (frames, joints, 3) world metres, z up.
        root: index of the root joint.
        cameras: the cameras, with known places.
        nearest: least distance in metres of any joint from a camera, along its optical axis.
        shortest: least number of frames of a piece.

    Returns:
        The pieces in order, none where no pieces of that length will do.
    """
    centre = meeting_point(cameras)[:2]
    for count in range(1, max(1, len(positions) // shortest) + 1):
        pieces = [_moved(piece, root, centre) for piece in np.array_split(positions, count)]
        if all(
            world_to_camera(piece, camera)[..., 2].min() > nearest
            for piece in pieces
            for camera in cameras
        ):
            return pieces
    return []


def _moved(positions: Array, root: int, centre: Array) -> Array:
    path = positions[:, root, :2]
    middle = (path.min(axis=0) + path.max(axis=0)) / 2
    return positions + np.append(centre - middle, 0.0)
