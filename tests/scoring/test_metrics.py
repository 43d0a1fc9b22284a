"""Every metric against its definition, written out in slow float64 loops, and its invariances."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from harness.foundation.errors import HarnessError
from harness.scoring.metrics import (
    CORE_METRICS,
    DISTANCE_METRICS,
    METRICS,
    auc,
    metric_called,
    mpjpe,
    mpjve,
    n_mpjpe,
    p_mpjpe,
    pck,
)

Array = NDArray[np.float64]
JOINTS = 5
ERRORS = {"MPJPE": mpjpe, "P-MPJPE": p_mpjpe, "N-MPJPE": n_mpjpe, "MPJVE": mpjve}
CREDITS = {metric.name: metric.credits for metric in DISTANCE_METRICS}


def motion(frames: int = 12, seed: int = 0) -> tuple[Array, Array, NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    target = rng.normal(scale=0.4, size=(frames, JOINTS, 3))
    return target + rng.normal(scale=0.1, size=target.shape), target, np.arange(frames)


def slow_mpjpe(p: Array, t: Array) -> list[list[float]]:
    return [[1000 * math.dist(p[n, j], t[n, j]) for j in range(p.shape[1])] for n in range(len(p))]


def slow_n_mpjpe(p: Array, t: Array) -> list[list[float]]:
    rows = []
    for n in range(len(p)):
        above = sum(p[n, j, a] * t[n, j, a] for j in range(p.shape[1]) for a in range(3))
        below = sum(p[n, j, a] ** 2 for j in range(p.shape[1]) for a in range(3))
        scaled = above / below * p[n]
        rows.append([1000 * math.dist(scaled[j], t[n, j]) for j in range(p.shape[1])])
    return rows


def slow_p_mpjpe(p: Array, t: Array) -> list[list[float]]:
    rows = []
    for n in range(len(p)):
        p0, t0 = p[n] - p[n].mean(axis=0), t[n] - t[n].mean(axis=0)
        rotation, _ = Rotation.align_vectors(t0, p0)  # SciPy's solution of Wahba's problem
        turned = rotation.apply(p0)
        scale = (turned * t0).sum() / (p0**2).sum()
        rows.append([1000 * math.dist(scale * turned[j], t0[j]) for j in range(p.shape[1])])
    return rows


def slow_mpjve(p: Array, t: Array) -> float:
    """One clip's MPJVE as VideoPose3D prints it."""
    values = [
        1000 * math.dist(p[n, j] - p[n - 1, j], t[n, j] - t[n - 1, j])
        for n in range(1, len(p))
        for j in range(p.shape[1])
    ]
    return sum(values) / len(values)


@pytest.mark.parametrize(
    ("name", "slow"), [("MPJPE", slow_mpjpe), ("N-MPJPE", slow_n_mpjpe), ("P-MPJPE", slow_p_mpjpe)]
)
def test_agrees_with_the_definition(name: str, slow: object) -> None:
    predicted, target, frames = motion()
    expected = slow(predicted, target)  # type: ignore[operator]
    np.testing.assert_allclose(ERRORS[name](predicted, target, frames), expected, atol=1e-5)


def test_velocity_sums_to_what_videopose3d_weighs_by_all_frames() -> None:
    predicted, target, frames = motion()
    total = mpjve(predicted, target, frames).mean(axis=1).sum()
    assert total == pytest.approx(len(frames) * slow_mpjve(predicted, target))


def test_velocity_is_never_taken_across_a_gap() -> None:
    predicted, target, _ = motion(6)
    frames = np.array([0, 1, 2, 10, 11, 12])
    jumped = predicted + (frames >= 10)[:, None, None] * 5.0
    np.testing.assert_allclose(
        mpjve(jumped, target, frames), mpjve(predicted, target, frames), atol=1e-9
    )
    inside = [slow_mpjve(predicted[part], target[part]) for part in (slice(0, 3), slice(3, 6))]
    assert mpjve(predicted, target, frames).mean() == pytest.approx(np.mean(inside))


@pytest.mark.parametrize("frames", [[], [3], [1, 3, 5]])
def test_velocity_is_undefined_without_two_neighbouring_frames(frames: list[int]) -> None:
    predicted, target, _ = motion(len(frames))
    errors = mpjve(predicted, target, np.array(frames, dtype=int))
    assert errors.shape == (len(frames), JOINTS)
    assert np.isnan(errors).all()


def test_pck_counts_strictly_below_150_mm() -> None:
    assert pck(np.array([[0.0, 149.999, 150.0, 1e9]])).tolist() == [[1, 1, 0, 0]]


def test_auc_is_the_mean_over_31_thresholds_zero_included() -> None:
    rng = np.random.default_rng(0)
    distances = np.concatenate(
        [rng.uniform(0, 200, 500), np.arange(0, 160, 5.0), np.nextafter(np.arange(5, 160, 5.0), 0)]
    )
    expected = [sum(d < 5 * k for k in range(31)) / 31 for d in distances]
    np.testing.assert_allclose(auc(distances[None])[0], expected, atol=1e-12)


@pytest.mark.parametrize("name", [metric.name for metric in CORE_METRICS])
def test_perfect_and_worst_input_reach_the_ends_of_the_range(name: str) -> None:
    metric = METRICS[name]
    _, target, frames = motion()
    far = target * -1e6 + 1e5 * np.sin(np.arange(target.size)).reshape(target.shape) * 1e3
    if name in ERRORS:
        perfect, worst = (ERRORS[name](p, target, frames) for p in (target, far))
        assert perfect.max() == pytest.approx(metric.lowest, abs=1e-9)
        assert worst.mean() > 100
    else:
        perfect, worst = (
            metric.factor * CREDITS[name](ERRORS["MPJPE"](p, target, frames)) for p in (target, far)
        )
        assert perfect.min() == pytest.approx(metric.highest)
        assert worst.max() == pytest.approx(metric.lowest)


@pytest.mark.parametrize("name", [metric.name for metric in CORE_METRICS])
def test_more_noise_is_worse(name: str) -> None:
    metric = METRICS[name]
    _, target, frames = motion(400)
    noise = np.random.default_rng(1).normal(size=target.shape)
    values = []
    for size in (0.0, 0.06, 0.1, 0.3):
        predicted = target + size * noise
        if name in ERRORS:
            values.append(ERRORS[name](predicted, target, frames).mean())
        else:
            values.append(CREDITS[name](ERRORS["MPJPE"](predicted, target, frames)).mean())
    assert values == sorted(values, reverse=metric.better == "higher")
    assert len(set(values)) == 4


# What may be done to the prediction alone without changing the metric.
FREE = {"MPJPE": set(), "P-MPJPE": {"scale", "turn", "shift"}, "N-MPJPE": {"scale"}}


@pytest.mark.parametrize("name", ["MPJPE", "P-MPJPE", "N-MPJPE", "MPJVE"])
@pytest.mark.parametrize("change", ["scale", "turn", "shift", "mirror"])
def test_changes_of_the_prediction_count_exactly_where_they_should(name: str, change: str) -> None:
    predicted, target, frames = motion()
    turn = Rotation.from_rotvec([0.3, -0.5, 0.2]).as_matrix()
    changed = {
        "scale": predicted * 1.3,
        "turn": predicted @ turn.T,
        "shift": predicted + np.array([0.3, 0.1, -0.2]),
        "mirror": predicted * [-1, 1, 1],
    }[change]
    before = ERRORS[name](predicted, target, frames)
    after = ERRORS[name](changed, target, frames)
    free = {"shift"} if name == "MPJVE" else FREE[name]
    assert np.allclose(before, after, atol=1e-6) == (change in free)


@pytest.mark.parametrize("name", ["MPJPE", "P-MPJPE", "N-MPJPE", "MPJVE"])
def test_the_choice_of_axes_and_the_order_of_joints_do_not_count(name: str) -> None:
    predicted, target, frames = motion()
    turn = Rotation.from_rotvec([0.3, -0.5, 0.2]).as_matrix()
    errors = ERRORS[name](predicted, target, frames)
    turned = ERRORS[name](predicted @ turn.T, target @ turn.T, frames)
    np.testing.assert_allclose(turned, errors, atol=1e-6)
    order = [3, 0, 4, 1, 2]
    shuffled = ERRORS[name](predicted[:, order], target[:, order], frames)
    np.testing.assert_allclose(shuffled, errors[:, order], atol=1e-6)


def test_a_prediction_at_the_origin_has_scale_zero() -> None:
    _, target, frames = motion()
    expected = 1000 * np.linalg.norm(target, axis=-1)
    np.testing.assert_allclose(n_mpjpe(np.zeros_like(target), target, frames), expected)


def test_an_unknown_metric_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(HarnessError, match="did you mean 'P-MPJPE'"):
        metric_called("PMPJPE")
