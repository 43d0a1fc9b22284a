"""What J-Agg owes to the true path of the root, on made-up hypotheses; accuracy, not speed."""

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.command import parser_of, run
from benchmarks.record import Line
from harness.body.camera import h36m_cameras, project
from harness.scoring.image_space import fitted_roots, lines_of_sight, reprojection_distances

FRAMES, HYPOTHESES, JOINTS, NOISE = 2_000, 5, 17, 0.08
"""Poses, hypotheses of each, joints, and metres of noise in every coordinate."""
CAMERA = h36m_cameras()["S9"][0]

Floats = NDArray[np.float64]


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return the error in mm of P-Agg, and of J-Agg from several paths of the root."""
    frames = 50 if arguments.smoke else FRAMES
    generator = np.random.default_rng(0)
    truth = generator.normal(scale=0.35, size=(frames, JOINTS, 3))
    truth[:, 0] = 0.0
    wander = 0.02 * generator.normal(size=(frames, 3)).cumsum(axis=0) + np.array([0.0, 0.0, 5.0])
    noise = NOISE * generator.normal(size=(frames, HYPOTHESES, JOINTS, 3))
    candidates = truth[:, None] + noise
    seen = project(truth + wander[:, None], CAMERA)
    fitted = fitted_roots(candidates.mean(axis=1), lines_of_sight(seen, CAMERA))
    paths = {
        "the true path of the root": wander,
        "the path fitted to the mean pose": fitted,
        "the mean of the true path": np.broadcast_to(wander.mean(axis=0), wander.shape),
        "the true path, 5 % too far": 1.05 * wander,
    }
    error = _errors_of(candidates, truth)
    lines = [Line("P-Agg, no root needed", error(None), "mm")]
    for name, roots in paths.items():
        nearest = reprojection_distances(candidates, roots, seen, CAMERA).argmin(axis=1)
        lines.append(Line(f"J-Agg from {name}", error(nearest), "mm"))
    return lines


def _errors_of(candidates: Floats, truth: Floats) -> Callable[[NDArray[np.intp] | None], float]:
    """Return a function of the hypothesis chosen for each joint; the mean pose for None."""

    def error(chosen: NDArray[np.intp] | None) -> float:
        if chosen is None:
            pose = candidates.mean(axis=1)
        else:
            pose = np.take_along_axis(candidates, chosen[:, None, :, None], axis=1)[:, 0]
        return float(1000 * np.linalg.norm(pose - truth, axis=-1).mean())

    return error


if __name__ == "__main__":
    run("root_path", measure, parser_of(__doc__))
