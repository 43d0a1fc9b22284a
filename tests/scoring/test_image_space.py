"""Lines of sight undo the lens, and the fitted root is where a pose projects best."""

import numpy as np
from scipy.optimize import least_squares

from harness.body.camera import h36m_cameras, project
from harness.scoring.image_space import fitted_roots, lines_of_sight, pose_in_image

CAMERA = h36m_cameras()["S9"][0]


def poses(frames: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Root-relative poses and their places before the camera."""
    rng = np.random.default_rng(0)
    pose = rng.normal(scale=0.4, size=(frames, 17, 3))
    pose[:, 0] = 0
    roots = np.stack([rng.uniform(-1, 1, frames), rng.uniform(-0.5, 0.5, frames)], axis=1)
    return pose, np.concatenate([roots, rng.uniform(3, 6, (frames, 1))], axis=1)


def test_lines_of_sight_undo_projection_with_distortion() -> None:
    pose, roots = poses()
    positions = pose + roots[:, None]
    lines = lines_of_sight(project(positions, CAMERA), CAMERA)
    apart = (lines - positions[..., :2] / positions[..., 2:]) * CAMERA.focal_length
    assert np.abs(apart).max() < 0.05  # pixels; the lens moves the same points by up to 20


def test_a_perfect_pose_is_put_where_it_is() -> None:
    pose, roots = poses()
    lines = (pose + roots[:, None])[..., :2] / (pose + roots[:, None])[..., 2:]
    np.testing.assert_allclose(fitted_roots(pose, lines), roots, atol=1e-9)


def test_the_fit_is_the_least_squares_of_the_equations() -> None:
    pose, roots = poses(3)
    rng = np.random.default_rng(1)
    lines = (pose + roots[:, None])[..., :2] / (pose + roots[:, None])[..., 2:]
    lines = lines + rng.normal(scale=0.01, size=lines.shape)
    for n in range(3):

        def residual(t: np.ndarray, n: int = n) -> np.ndarray:
            return (pose[n, :, :2] + t[:2] - lines[n] * (pose[n, :, 2:] + t[2])).ravel()

        expected = least_squares(residual, [0, 0, 1], xtol=1e-12, ftol=1e-12, gtol=1e-12).x
        np.testing.assert_allclose(fitted_roots(pose, lines)[n], expected, rtol=1e-6)


def test_all_joints_on_one_line_of_sight_have_no_root() -> None:
    pose, _ = poses(2)
    assert np.isnan(fitted_roots(pose, np.zeros((2, 17, 2)))).any(axis=1).all()


def test_a_25d_pose_is_the_true_one_for_a_flat_body_and_else_perspective() -> None:
    pose, roots = poses()
    flat = pose * [1, 1, 0] + roots[:, None]
    made = pose_in_image(flat, CAMERA, 0)
    scale = np.asarray(CAMERA.focal_length) / np.mean(CAMERA.focal_length)
    expected = (flat - flat[:, :1]) * [*scale, 1]
    np.testing.assert_allclose(made - made[:, :1], expected, atol=1e-9)
    deep = pose + roots[:, None]
    far = pose_in_image(deep, CAMERA, 0)
    assert np.linalg.norm(far - far[:, :1] - pose, axis=-1).mean() > 0.005
