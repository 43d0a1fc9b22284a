"""The closed-form alignment is the optimum that a float64 SVD finds, whatever the pose."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from harness.scoring.procrustes import FRAMES_AT_ONCE, align, aligned_distances

Array = NDArray[np.float64]


def reference(predicted: Array, target: Array) -> Array:
    """Umeyama (1991), one frame at a time, in float64."""
    result = np.empty(predicted.shape)
    for n, (p, t) in enumerate(zip(predicted.astype(float), target.astype(float), strict=True)):
        p_mean, t_mean = p.mean(axis=0), t.mean(axis=0)
        u, s, vt = np.linalg.svd((t - t_mean).T @ (p - p_mean))
        signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
        rotation = u @ np.diag(signs) @ vt
        scale = (s * signs).sum() / ((p - p_mean) ** 2).sum()
        result[n] = scale * (p - p_mean) @ rotation.T + t_mean
    return result


def poses(frames: int = 300, joints: int = 17, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    target = rng.normal(size=(frames, joints, 3)) * [0.2, 0.5, 0.1]
    predicted = target + rng.normal(scale=0.08, size=target.shape)
    turn = Rotation.random(frames, rng=rng).as_matrix()
    predicted = np.einsum("nab,njb->nja", turn, predicted) * rng.uniform(0.5, 2, (frames, 1, 1))
    return predicted + rng.normal(size=(frames, 1, 3)), target


def rms(predicted: Array, target: Array) -> Array:
    return np.sqrt(((predicted - target) ** 2).mean(axis=(1, 2)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_agrees_with_a_float64_svd_within_a_thousandth_of_a_millimetre(dtype: type) -> None:
    predicted, target = (array.astype(dtype) for array in poses(FRAMES_AT_ONCE + 52))
    expected = reference(predicted, target)
    assert np.abs(align(predicted, target) - expected).max() < 1e-6
    distances = np.linalg.norm(expected - target.astype(float), axis=-1)
    assert np.abs(aligned_distances(predicted, target) - distances).max() < 1e-6


def test_a_moved_turned_and_scaled_copy_scores_nothing() -> None:
    _, target = poses()
    turn = Rotation.random(rng=np.random.default_rng(1)).as_matrix()
    assert aligned_distances(3.0 * target @ turn.T + 7.0, target).max() < 1e-12


def test_a_mirrored_pose_does_not_score_zero() -> None:
    rng = np.random.default_rng(0)
    target = rng.normal(size=(200, 17, 3))
    mirrored = target * [-1, 1, 1]
    distances = aligned_distances(mirrored, target)
    np.testing.assert_allclose(
        distances, np.linalg.norm(reference(mirrored, target) - target, axis=-1), atol=1e-9
    )
    assert distances.mean() > 1.0


def test_no_similarity_near_the_result_is_better() -> None:
    predicted, target = poses(20)
    aligned = align(predicted, target)
    best = rms(aligned, target)
    rng = np.random.default_rng(3)
    center = aligned.mean(axis=1, keepdims=True)
    for _ in range(50):
        turn = Rotation.from_rotvec(rng.normal(scale=0.02, size=3)).as_matrix()
        scale, shift = rng.normal(1, 0.02), rng.normal(scale=0.01, size=3)
        other = scale * (aligned - center) @ turn.T + center + shift
        assert (rms(other, target) >= best).all()


def test_a_prediction_in_one_point_lands_on_the_mean_of_the_target() -> None:
    _, target = poses(5)
    for point in (np.zeros(3), np.array([1.1, -0.3, 4.7]), np.full(3, 0.1)):
        for dtype in (np.float32, np.float64):
            predicted = np.broadcast_to(point, target.shape).astype(dtype)
            expected = np.broadcast_to(target.mean(axis=1, keepdims=True), target.shape)
            np.testing.assert_allclose(align(predicted, target), expected, atol=1e-12)


def test_rounding_is_no_pose_that_could_be_aligned() -> None:
    _, target = poses(5)
    noise = np.random.default_rng(2).normal(scale=1e-15, size=target.shape)
    expected = np.broadcast_to(target.mean(axis=1, keepdims=True), target.shape)
    np.testing.assert_allclose(align(4.7 + noise, target), expected, atol=1e-12)


def test_a_target_in_one_point_is_met() -> None:
    predicted, _ = poses(5)
    for point in (0.0, 0.3):
        target = np.full(predicted.shape, point)
        assert aligned_distances(predicted, target).max() < 1e-12


@pytest.mark.parametrize("flat", ["prediction", "target", "both"])
@pytest.mark.parametrize("dimensions", [1, 2])
def test_poses_on_a_line_or_in_a_plane_reach_the_optimum(flat: str, dimensions: int) -> None:
    predicted, target = poses(50)
    rng = np.random.default_rng(5)
    for name, pose in (("prediction", predicted), ("target", target)):
        if flat in (name, "both"):
            basis = np.linalg.qr(rng.normal(size=(3, 3)))[0][:dimensions]
            pose[:] = pose @ basis.T @ basis
    # Several rotations may be best; the error they leave over all joints is the same.
    expected = rms(reference(predicted, target), target)
    np.testing.assert_allclose(rms(align(predicted, target), target), expected, atol=1e-9)


@pytest.mark.parametrize("thickness", [1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-9])
def test_nearly_collinear_poses_keep_their_digits(thickness: float) -> None:
    predicted, target = poses(300)
    squeeze = np.array([1.0, thickness, thickness])
    predicted, target = predicted * squeeze, target * squeeze
    expected = rms(reference(predicted, target), target)
    np.testing.assert_allclose(rms(align(predicted, target), target), expected, atol=1e-8)


@pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-5, 1e-6, 1e-8, 0.0])
def test_nearly_ambiguous_mirrored_poses_reach_the_optimum(gap: float) -> None:
    """Two equal extents and a reflection: the two largest roots differ by `gap`."""
    rng = np.random.default_rng(6)
    white = np.linalg.qr(rng.normal(size=(300, 17, 3)))[0]
    white -= white.mean(axis=1, keepdims=True)
    target = white * [1.0, 0.5 + gap, 0.5]
    predicted = white * [1.0, 1.0, -1.0]
    expected = rms(reference(predicted, target), target)
    np.testing.assert_allclose(rms(align(predicted, target), target), expected, atol=1e-8)


def test_two_joints_are_always_brought_together() -> None:
    predicted, target = poses(100, joints=2)
    assert aligned_distances(predicted, target).max() < 1e-12


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1e12, 1e30])
def test_any_unit_gives_the_same_alignment(scale: float) -> None:
    predicted, target = (array.astype(np.float32) for array in poses(50))
    small = (predicted.astype(np.float64) * scale).astype(np.float32)
    np.testing.assert_allclose(align(small, target), align(predicted, target), atol=1e-6)


def test_one_odd_frame_changes_nothing_for_its_neighbours() -> None:
    predicted, target = poses(10)
    alone = aligned_distances(predicted, target)
    predicted[4], target[7] = 0.0, 0.0
    together = aligned_distances(predicted, target)
    rest = [0, 1, 2, 3, 5, 6, 8, 9]
    np.testing.assert_array_equal(together[rest], alone[rest])


def test_no_frames_give_no_distances() -> None:
    assert aligned_distances(np.empty((0, 17, 3)), np.empty((0, 17, 3))).shape == (0, 17)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    joints=st.integers(2, 20),
    noise=st.sampled_from([0.0, 1e-6, 0.01, 0.3, 10.0]),
    mirror=st.booleans(),
)
def test_any_pose_reaches_the_optimum(seed: int, joints: int, noise: float, mirror: bool) -> None:
    rng = np.random.default_rng(seed)
    target = rng.normal(size=(20, joints, 3)) * rng.uniform(0, 1, 3) ** 4
    predicted = (target + noise * rng.normal(size=target.shape)) * [-1.0 if mirror else 1.0, 1, 1]
    expected = rms(reference(predicted, target), target)
    np.testing.assert_allclose(rms(align(predicted, target), target), expected, atol=1e-7)
