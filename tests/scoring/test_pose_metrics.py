"""What is told of every score beside its protocol's metrics, against slow loops and properties."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from harness.body.joint_angles import bends_of
from harness.body.skeleton import H36M_16, H36M_17, HUMANEVA_15, MPI_INF_3DHP_17
from harness.scoring.metric_kinds import ClipPoses
from harness.scoring.metrics import DESCRIPTIVE_METRICS, METRICS
from harness.scoring.sequences import pose_sums

Array = NDArray[np.float64]
BY_NAME = {metric.name: metric for metric in DESCRIPTIVE_METRICS}
FPS = 50.0


def poses_of(predicted: Array, target: Array, frames: NDArray[np.int64] | None = None) -> ClipPoses:
    numbers = np.arange(len(predicted)) if frames is None else frames
    apart = predicted[:, 0] - target[:, 0] + 0.1
    return ClipPoses(
        predicted=predicted,
        target=target,
        frames=numbers,
        skeleton=H36M_17,
        fps=FPS,
        window=5,
        roots={"predicted": apart, "fitted": 2 * apart},
    )


def motion(frames: int = 14, seed: int = 0, noise: float = 0.05) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    target = rng.normal(scale=0.3, size=(1, 17, 3))
    target = target + 0.05 * rng.normal(size=(frames, 17, 3)).cumsum(axis=0)
    return target + noise * rng.normal(size=target.shape), target


def mean_of(name: str, poses: ClipPoses) -> float:
    frames, sums = pose_sums(poses)[name]
    return float(np.nanmean(sums)) / frames


def distance(p: Array, n: int, a: int, b: int) -> float:
    return 1000 * math.dist(p[n, a], p[n, b])


BONES = [(parent, child) for child, parent in enumerate(H36M_17.parents) if parent >= 0]


def slow_bone_length(p: Array, t: Array) -> float:
    values = [
        abs(distance(p, n, a, b) - distance(t, n, a, b)) for n in range(len(p)) for a, b in BONES
    ]
    return sum(values) / len(values)


def slow_bone_variation(p: Array, t: Array) -> float:
    spreads = []
    for a, b in BONES:
        errors = [distance(p, n, a, b) - distance(t, n, a, b) for n in range(len(p))]
        mean = sum(errors) / len(errors)
        spreads.append(math.sqrt(sum((error - mean) ** 2 for error in errors) / len(errors)))
    return sum(spreads) / len(spreads)


def slow_symmetry(p: Array, t: Array) -> float:
    parent, values = H36M_17.parents, []
    for n in range(len(p)):
        for left, right in zip(H36M_17.left, H36M_17.right, strict=True):
            apart = distance(p, n, left, parent[left]) - distance(p, n, right, parent[right])
            values.append(abs(apart))
    return sum(values) / len(values)


# joint: the two ends of its angle. Knees, elbows, hips (thigh and trunk), shoulders (arm and hip).
ANGLES = {
    "LKnee": ("LHip", "LFoot"),
    "RKnee": ("RHip", "RFoot"),
    "LElbow": ("LShoulder", "LWrist"),
    "RElbow": ("RShoulder", "RWrist"),
    "LHip": ("LKnee", "Thorax"),
    "RHip": ("RKnee", "Thorax"),
    "LShoulder": ("LElbow", "LHip"),
    "RShoulder": ("RElbow", "RHip"),
}


def slow_angle(p: Array, n: int, joint: str) -> float:
    at, one, other = (p[n, H36M_17.index(name)] for name in (joint, *ANGLES[joint]))
    u, v = one - at, other - at
    cosine = sum(u[k] * v[k] for k in range(3)) / (math.dist(one, at) * math.dist(other, at))
    return math.degrees(math.acos(cosine))


def slow_angle_error(p: Array, t: Array) -> float:
    values = [
        abs(slow_angle(p, n, joint) - slow_angle(t, n, joint))
        for joint in ANGLES
        for n in range(len(p))
    ]
    return sum(values) / len(values)


def slow_angle_correlation(p: Array, t: Array) -> float:
    values = []
    for joint in ANGLES:
        a, b = ([slow_angle(x, n, joint) for n in range(len(x))] for x in (p, t))
        ma, mb = sum(a) / len(a), sum(b) / len(b)
        above = sum((x - ma) * (y - mb) for x, y in zip(a, b, strict=True))
        below = math.sqrt(sum((x - ma) ** 2 for x in a) * sum((y - mb) ** 2 for y in b))
        values.append(above / below)
    return sum(values) / len(values)


def second_difference(p: Array, n: int, j: int) -> Array:
    return np.array([p[n, j, k] - 2 * p[n - 1, j, k] + p[n - 2, j, k] for k in range(3)])


def slow_acceleration(p: Array, t: Array) -> float:
    values = [
        1000 * math.dist(second_difference(p, n, j), second_difference(t, n, j))
        for n in range(2, len(p))
        for j in range(17)
    ]
    return sum(values) / len(values)


def slow_n_minus_2(p: Array, t: Array) -> float:
    """Windows of five: three values, then two slots of 0; 14 frames end in a window of four."""
    slots = []
    for first in range(0, len(p), 5):
        window = range(first, min(first + 5, len(p)))
        values = [
            sum(
                1000 * math.dist(second_difference(p, n, j), second_difference(t, n, j))
                for j in range(17)
            )
            / 17
            for n in window[2:]
        ]
        slots += values + [0.0] * (len(window) - len(values))
    return sum(slots) / len(slots)


def slow_rigid(p: Array, t: Array) -> float:
    values = []
    for n in range(len(p)):
        p0, t0 = p[n] - p[n].mean(axis=0), t[n] - t[n].mean(axis=0)
        rotation, _ = Rotation.align_vectors(t0, p0)
        turned = rotation.apply(p0)
        values += [1000 * math.dist(turned[j], t0[j]) for j in range(17)]
    return sum(values) / len(values)


def slow_root(p: Array, t: Array) -> float:
    return sum(1000 * math.dist(p[n, 0] + 0.1, t[n, 0]) for n in range(len(p))) / len(p)


SLOW = {
    "R-MPJPE": slow_rigid,
    "Acceleration": slow_acceleration,
    "Acceleration in seconds": lambda p, t: FPS**2 * slow_acceleration(p, t),
    "Acceleration n-2": slow_n_minus_2,
    "Bone length": slow_bone_length,
    "Bone variation": slow_bone_variation,
    "Symmetry": slow_symmetry,
    "Angle": slow_angle_error,
    "Angle correlation": slow_angle_correlation,
    "MRPE": slow_root,
    "MRPE fitted": lambda p, t: 2 * slow_root(p, t),
}


def test_every_descriptive_metric_has_a_slow_reference() -> None:
    assert SLOW.keys() == BY_NAME.keys()
    assert BY_NAME.keys() < METRICS.keys()


@pytest.mark.parametrize("name", SLOW)
def test_agrees_with_the_definition(name: str) -> None:
    predicted, target = motion()
    rel = 1e-6 if name == "R-MPJPE" else 1e-9  # SciPy's rotations are no more exact than that
    found = mean_of(name, poses_of(predicted, target))
    assert found == pytest.approx(SLOW[name](predicted, target), rel=rel)


@pytest.mark.parametrize("name", SLOW)
def test_perfect_predictions_reach_the_best_end_and_noise_is_worse(name: str) -> None:
    metric = BY_NAME[name]
    values = []
    for noise in (0.0, 0.02, 0.05, 0.2):
        predicted, target = motion(200, noise=noise)
        if name == "Symmetry":  # of the prediction alone, so against a body with equal sides
            half = list(H36M_17.left), list(H36M_17.right)
            target[:, half[0]] = target[:, half[1]] * [-1, 1, 1]
            middle = [0, 7, 8, 9, 10]
            target[:, middle] *= [0, 1, 1]
            predicted = target + noise * np.random.default_rng(1).normal(size=target.shape)
        poses = poses_of(predicted, target)
        roots = {"predicted": noise * predicted[:, 0], "fitted": noise * predicted[:, 0]}
        values.append(mean_of(name, replace(poses, roots=roots)))
    best = metric.lowest if metric.better == "lower" else metric.highest
    assert values[0] == pytest.approx(best, abs=1e-6)
    assert values == sorted(values, reverse=metric.better == "higher")
    assert len(set(values)) == 4


@pytest.mark.parametrize("name", [name for name in SLOW if not name.startswith("MRPE")])
def test_the_choice_of_axes_does_not_count(name: str) -> None:
    predicted, target = motion()
    turn = Rotation.from_rotvec([0.3, -0.5, 0.2]).as_matrix()
    turned = mean_of(name, poses_of(predicted @ turn.T, target @ turn.T))
    assert turned == pytest.approx(mean_of(name, poses_of(predicted, target)), rel=1e-6)


def test_what_bones_and_angles_do_not_see() -> None:
    _, target = motion()
    smaller = poses_of(0.9 * target, target)
    assert mean_of("Angle", smaller) == pytest.approx(0, abs=1e-6)
    assert mean_of("Angle correlation", smaller) == pytest.approx(1)
    assert mean_of("Bone length", smaller) > 10
    assert mean_of("R-MPJPE", smaller) > 10
    mirrored = poses_of(target * [-1, 1, 1], target)
    assert mean_of("Bone length", mirrored) == pytest.approx(0, abs=1e-6)
    assert mean_of("R-MPJPE", mirrored) > 10


def test_acceleration_never_crosses_a_gap_and_needs_three_frames() -> None:
    predicted, target = motion(6)
    frames = np.array([0, 1, 2, 10, 11, 12])
    jumped = predicted + (frames >= 10)[:, None, None] * 5.0
    one, two = (mean_of("Acceleration", poses_of(p, target, frames)) for p in (jumped, predicted))
    assert one == pytest.approx(two, abs=1e-9)
    halves = [
        slow_acceleration(predicted[part], target[part]) for part in np.split(np.arange(6), 2)
    ]
    assert two == pytest.approx(np.mean(halves))
    for few in ([], [3], [3, 4], [1, 3, 5]):
        short = poses_of(predicted[: len(few)], target[: len(few)], np.array(few, dtype=np.int64))
        assert pose_sums(short)["Acceleration"][0] == 0
        assert pose_sums(short)["Acceleration n-2"][0] == 0


def test_the_n_minus_2_rule_makes_whole_windows_too_good_by_that_part() -> None:
    predicted, target = motion(10)
    inside = [
        slow_acceleration(predicted[part], target[part]) for part in np.split(np.arange(10), 2)
    ]
    found = mean_of("Acceleration n-2", poses_of(predicted, target))
    assert found == pytest.approx(np.mean(inside) * 3 / 5)


def test_the_n_minus_2_rule_counts_an_aligned_last_window_from_its_own_start() -> None:
    predicted, target = motion(12)
    parts = [slice(0, 5), slice(5, 10), slice(7, 12)]
    inside = [slow_acceleration(predicted[part], target[part]) for part in parts]
    frames = np.concatenate([np.arange(12)[part] for part in parts])
    aligned = poses_of(predicted[frames], target[frames], frames)
    assert mean_of("Acceleration n-2", aligned) == pytest.approx(np.mean(inside) * 3 / 5)


def test_a_still_joint_has_no_waveform() -> None:
    predicted, target = motion()
    still = np.repeat(target[:1], len(target), axis=0)
    assert pose_sums(poses_of(predicted, still))["Angle correlation"][0] == 0
    assert mean_of("Angle correlation", poses_of(still, target)) == 0
    assert pose_sums(poses_of(predicted[:1], target[:1]))["Angle correlation"][0] == 0


def test_angles_are_found_on_every_skeleton_of_the_field() -> None:
    for skeleton in (H36M_17, H36M_16, HUMANEVA_15, MPI_INF_3DHP_17):
        bends = bends_of(skeleton)
        assert {skeleton.joints[bend.joint] for bend in bends} == set(ANGLES)


def test_without_an_estimated_root_there_is_no_mrpe() -> None:
    found = pose_sums(replace(poses_of(*motion()), roots={}))
    assert not {"MRPE", "MRPE fitted"} & found.keys()
