"""A grid of 10 cells on a Ray cluster of two workers: how much of both is work on cells."""

import argparse
import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from benchmarks.command import parser_of, run
from benchmarks.record import Line, at_least
from benchmarks.timing import seconds
from harness.experiments.executor import Executor, interpreter_with, start_process
from harness.experiments.ray_executor import Share, ray_executor
from harness.experiments.run_grid import run_grid
from harness.foundation.settings import load_settings
from pipelines.prepare import prepare

WORKERS = 2


def params(cells: int, alone: int, steps: int) -> dict[str, Any]:
    """Return a params.yaml with a grid of `cells` seeds of SemGCN, and one of the first `alone`."""
    training = {"epochs": 2, "steps_per_epoch": steps, "select": "last"}
    profile = {
        "dataset": {"name": "synthetic", "options": {"takes": 1, "seconds": 2.0}},
        "input_2d": "detected",
        "flip_test": False,
        "protocols": ["h36m17-actionwise"],
        "models": {"semgcn": {"training": training}},
    }
    grid = {"profile": "bench", "models": ["semgcn"]}
    return {
        "profile": "bench",
        "seeds": [0],
        "models": ["semgcn"],
        "profiles": {"bench": profile},
        "grids": {
            "all": {**grid, "seeds": list(range(cells))},
            "alone": {**grid, "seeds": list(range(alone))},
        },
    }


@contextlib.contextmanager
def project(content: dict[str, Any]) -> Iterator[Path]:
    """Work in a new folder with a prepared set while the block lasts."""
    os.environ["HARNESS_TRACKING"] = "off"
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("params.yaml").write_text(yaml.safe_dump(content))
        prepare("bench")
        yield Path(folder)


def run_on(executor: Executor, grid: str) -> None:
    """Run a grid silently."""
    run_grid(load_settings(), grid, executor=executor, tell=lambda text: None)


def on_ray(grid: str) -> None:
    """Start a cluster of this machine, run a grid on it and stop it."""
    with ray_executor(Share(), cores=WORKERS) as executor:
        run_on(executor, grid)


def one_by_one() -> None:
    """Run cells one after the other, as processes that import by themselves, as on Ray."""
    executor = Executor(1, lambda cell, parent: start_process(cell, parent, interpreter_with(1)))
    run_on(executor, "alone")


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return the efficiency and whether a cell's numbers depend on where it ran."""
    cells, alone, steps = (2, 1, 2) if arguments.smoke else (10, 3, 50)
    with project(params(cells, alone, steps)) as folder:
        together = seconds(lambda: on_ray("all"))
        grids = folder / "results/bench/grids"
        (grids / "all").rename(grids.parent / "all")  # or its cells would be copied, not run
        single = seconds(one_by_one) / alone
        same = [
            (grids.parent / "all" / cell.name / "history.csv").read_bytes()
            == (cell / "history.csv").read_bytes()
            for cell in (grids / "alone").iterdir()
            if cell.is_dir()
        ]
    what = f"{cells} cells on {WORKERS} Ray workers"
    return [
        Line("a cell alone", single, "s"),
        Line(f"{what}, the cluster's start included", together, "s"),
        at_least(
            f"{what}, efficiency against cells alone",
            single * cells / (WORKERS * together),
            "x",
            0.9,
        ),
        at_least("cells with the very numbers of this machine's executor", sum(same), "", alone),
    ]


if __name__ == "__main__":
    run("grid_executor", measure, parser_of(__doc__))
