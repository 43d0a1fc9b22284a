"""A run on two processes against an earlier commit: what a training step of both together takes."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.command import parser_of, run
from benchmarks.earlier import EARLIER, NOW, sources_of
from benchmarks.grid_executor import project
from benchmarks.record import Line, at_most

PROCESSES = 2


def params(network: dict[str, Any], steps: int) -> dict[str, Any]:
    """Return a params.yaml that trains DG-Net for some steps of 64 windows."""
    training = {"epochs": 1, "steps_per_epoch": steps, "batch_size": 64}
    profile = {
        "dataset": {
            "name": "synthetic",
            "options": {"takes": 1, "seconds": 2.0, "actions": ["Walking"]},
        },
        "input_2d": "detected",
        "flip_test": False,
        "protocols": ["h36m17-actionwise"],
        "models": {"dgnet": {"network": network, "training": training}},
    }
    return {"profile": "bench", "seeds": [0], "models": ["dgnet"], "profiles": {"bench": profile}}


def seconds_of_run(sources: Path, network: dict[str, Any], steps: int) -> float:
    """Return how long `harness train` of some sources takes, its start and validation included."""
    words = ("train", "dgnet", "--devices", str(PROCESSES), "--accelerator", "cpu")
    with project(params(network, steps)):
        begun = time.perf_counter()
        subprocess.run(
            # The program itself, for the second process is started with the first one's words.
            [str(Path(sys.executable).with_name("harness")), *words],
            env={**os.environ, "PYTHONPATH": str(sources), "OMP_NUM_THREADS": "1"},
            check=True,
            capture_output=True,
        )
        return time.perf_counter() - begun


def seconds_a_step(sources: Path, network: dict[str, Any], few: int, many: int) -> float:
    """Return what a step takes: of two runs that differ by their steps alone."""
    short, long = (seconds_of_run(sources, network, steps) for steps in (few, many))
    return (long - short) / (many - few)


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return a step's time at published size, and against the earlier commit's."""
    network: dict[str, Any] = {}
    few, many = 2, 10
    if arguments.smoke:
        network, few, many = {"channels": 4, "blocks": 1}, 1, 2
    with sources_of(EARLIER) as earlier:
        before = seconds_a_step(earlier, network, few, many)
        now = seconds_a_step(NOW, network, few, many)
    what = f"DG-Net, training step of 64 windows on {PROCESSES} processes"
    return [
        Line(f"{what}, start and validation left out", 1000 * now, "ms"),
        at_most(f"{what}, time against before", now / before, "x", 1.0),
    ]


if __name__ == "__main__":
    run("data_parallel", measure, parser_of(__doc__))
