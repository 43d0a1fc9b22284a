"""P-MPJPE of 100,000 poses of 17 joints: the closed form against a batched numpy SVD, one run.

python benchmarks/p_mpjpe.py
"""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from harness.scoring.procrustes import aligned_distances

POSES, JOINTS, REPEATS = 100_000, 17, 5


def by_svd(predicted: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.floating]:
    """Align as the field's public code does: one batched SVD, in the precision of the input."""
    target_mean = target.mean(axis=1, keepdims=True)
    predicted_mean = predicted.mean(axis=1, keepdims=True)
    goal, source = target - target_mean, predicted - predicted_mean
    goal_norm = np.sqrt((goal**2).sum(axis=(1, 2), keepdims=True))
    source_norm = np.sqrt((source**2).sum(axis=(1, 2), keepdims=True))
    goal, source = goal / goal_norm, source / source_norm
    u, s, vt = np.linalg.svd(goal.transpose(0, 2, 1) @ source)
    v = vt.transpose(0, 2, 1)
    sign = np.sign(np.linalg.det(v @ u.transpose(0, 2, 1)))
    v[:, :, -1] *= sign[:, None]
    s[:, -1] *= sign
    rotation = v @ u.transpose(0, 2, 1)
    scale = s.sum(axis=1)[:, None, None] * goal_norm / source_norm
    shift = target_mean - scale * (predicted_mean @ rotation)
    return np.linalg.norm(scale * (predicted @ rotation) + shift - target, axis=-1)


def seconds(work: Callable[[], object]) -> float:
    """Return the time that `work` takes once."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Time both, and print their ratio and their largest difference from a float64 SVD."""
    generator = np.random.default_rng(0)
    target = generator.normal(0.0, 0.3, (POSES, JOINTS, 3)).astype(np.float32)
    noise = generator.normal(0.0, 0.05, target.shape)
    predicted = (target + noise).astype(np.float32)
    # In turn, so that what else the machine does hits both alike.
    timings = [
        (
            seconds(lambda: aligned_distances(predicted, target)),
            seconds(lambda: by_svd(predicted, target)),
        )
        for _ in range(REPEATS)
    ]
    ours, theirs = (min(times) for times in zip(*timings, strict=True))
    exact = by_svd(predicted.astype(np.float64), target.astype(np.float64))
    worst = np.abs(aligned_distances(predicted, target) - exact).max()
    print(f"closed form {ours:.3f} s, batched SVD {theirs:.3f} s, ratio {theirs / ours:.1f}")
    print(f"largest difference from a float64 SVD: {worst * 1000:.1e} mm a joint")


if __name__ == "__main__":
    main()
