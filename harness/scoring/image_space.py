"""From the image to millimetres and back: 2.5D poses, lines of sight, and the root's place.

A 2.5D pose has the image's x and y, and a depth in pixels; times a factor of each frame, in
millimetres a pixel, it is a pose in millimetres that differs from the true one by perspective. The
factor is about depth of the root / focal length (lcn-pose, tools/gendb.py).
"""

import numpy as np
from numpy.typing import NDArray

from harness.body.camera import Camera, project
from harness.body.vectors import joint_major

Floats = NDArray[np.float64]

_UNDISTORTION_STEPS = 5  # of fixed-point iteration: 0.01 pixels at the edge of Human3.6M's images


def root_factor(roots: NDArray[np.floating], camera: Camera) -> Floats:
    """Return (frames,) metres a pixel at the depth of roots (frames, 3) in camera space."""
    return roots[:, 2].astype(np.float64) / np.mean(camera.focal_length)


def pose_in_image(positions: NDArray[np.floating], camera: Camera, root: int) -> Floats:
    """Return the 2.5D pose of camera-space positions, times the factor of `root_factor`.

    x and y are the ideal projection, without lens distortion, as in lcn-pose.

    Args:
        positions: (frames, joints, 3) camera-space metres.
        camera: the camera.
        root: index of the root.

    Returns:
        (frames, joints, 3) metres; only differences from the root mean something.
    """
    positions = positions.astype(np.float64)
    factor = root_factor(positions[:, root], camera)[:, None, None]
    plane = positions[..., :2] / positions[..., 2:] * np.asarray(camera.focal_length)
    return np.concatenate([plane * factor, positions[..., 2:]], axis=-1)


def lines_of_sight(keypoints: NDArray[np.floating], camera: Camera) -> Floats:
    """Return x/z and y/z of the lines of sight through pixels (..., 2), lens distortion undone."""
    seen = (keypoints - np.asarray(camera.center)) / np.asarray(camera.focal_length)
    if not any((*camera.radial_distortion, *camera.tangential_distortion)):
        return seen
    (k1, k2, k3), (p1, p2) = camera.radial_distortion, camera.tangential_distortion
    seen_x, seen_y = seen[..., 0], seen[..., 1]
    x, y = seen_x, seen_y
    for _ in range(_UNDISTORTION_STEPS):
        # In place, for at this size fresh memory costs more than the arithmetic.
        r2 = x * x
        r2 += y * y
        stretch = r2 * k3  # becomes 1 + r2 * (k1 + r2 * (k2 + r2 * k3)) + p1 * x + p2 * y
        stretch += k2
        stretch *= r2
        stretch += k1
        stretch *= r2
        stretch += 1
        stretch += p1 * x
        stretch += p2 * y
        x, y = seen_x - p1 * r2, seen_y - p2 * r2
        x /= stretch
        y /= stretch
    return np.moveaxis(np.stack([x, y]), 0, -1)


def fitted_roots(poses: NDArray[np.floating], lines: Floats) -> Floats:
    """Return where each root-relative pose projects best onto its 2D; nothing of the truth is used.

    Least squares of the joints' distances from their lines of sight, each measured at the joint's
    own depth: x + tx = u (z + tz) and the same for y are linear in the root (tx, ty, tz).

    Args:
        poses: (frames, joints, 3) metres, relative to the root.
        lines: (frames, joints, 2) lines of sight of the same joints, from `lines_of_sight`.

    Returns:
        (frames, 3) camera-space metres; NaN where all joints are seen on one line.
    """
    poses = joint_major(poses, range(poses.shape[1]))
    middle = lines.mean(axis=1)
    apart = lines - middle[:, None]
    beside = lines * poses[..., 2:]
    beside -= poses[..., :2]  # the right-hand side of both equations
    square = np.einsum("nja,nja->n", apart, apart)
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = -np.einsum("nja,nja->n", apart, beside) / square
    depth = np.where(square > 0, depth, np.nan)
    sideways = beside.mean(axis=1) + middle * depth[:, None]
    return np.concatenate([sideways, depth[:, None]], axis=1)


def reprojection_distances(
    poses: NDArray[np.floating],
    roots: NDArray[np.floating],
    keypoints: NDArray[np.floating],
    camera: Camera,
) -> Floats:
    """Return how far, in pixels, poses put at their roots project from keypoints.

    Args:
        poses: (frames, ..., joints, 3) metres, relative to the root.
        roots: (frames, 3) camera-space metres.
        keypoints: (frames, joints, 2) pixels.
        camera: the camera, lens distortion included.

    Returns:
        (frames, ..., joints).
    """
    between = (1,) * (poses.ndim - 2)
    placed = poses + roots.reshape(len(roots), *between, 3)
    seen = keypoints.reshape(len(keypoints), *between[1:], *keypoints.shape[1:])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.linalg.norm(project(placed, camera) - seen, axis=-1)
