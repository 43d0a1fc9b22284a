"""P-MPJPE: the closed form against one batched numpy SVD, as the field's public code has it."""

import argparse

import numpy as np
from numpy.typing import NDArray

from benchmarks.command import parser_of, run
from benchmarks.record import Line, at_least, at_most
from benchmarks.timing import Turns
from harness.scoring.procrustes import aligned_distances

JOINTS = 17


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


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return the ratio of the two and the closed form's largest difference from a float64 SVD."""
    poses, rounds = (1000, 1) if arguments.smoke else (100_000, 7)
    generator = np.random.default_rng(0)
    target = generator.normal(0.0, 0.3, (poses, JOINTS, 3)).astype(np.float32)
    noise = generator.normal(0.0, 0.05, target.shape)
    predicted = (target + noise).astype(np.float32)
    turns = Turns(
        {
            "closed form": lambda: aligned_distances(predicted, target),
            "SVD": lambda: by_svd(predicted, target),
        },
        rounds,
    )
    exact = by_svd(predicted.astype(np.float64), target.astype(np.float64))
    worst = 1000.0 * float(np.abs(aligned_distances(predicted, target) - exact).max())
    what = f"P-MPJPE of {poses:,} poses"
    return [
        at_least(f"{what}, speed against a batched SVD", turns.ratio("SVD", "closed form"), "x", 4),
        Line(what, turns["closed form"], "s"),
        at_most(f"{what}, largest difference from a float64 SVD", worst, "mm", 3e-4),
    ]


if __name__ == "__main__":
    run("p_mpjpe", measure, parser_of(__doc__))
