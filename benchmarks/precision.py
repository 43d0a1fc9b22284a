"""Fewer digits in training: what a step of DG-Net saves, and what it does to MPJPE."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.command import parser_of, run
from benchmarks.compiling import random_batch, training_step
from benchmarks.grid_executor import project, run_on
from benchmarks.record import Line, at_most
from benchmarks.timing import Turns
from harness.body.skeleton import H36M_17
from harness.experiments.executor import local_executor
from harness.foundation.files import read_json
from harness.lifting.build import build_lifter
from harness.lifting.contract import Batch
from harness.lifting.registry import method_called

_PROCESSORS = Path("/proc/cpuinfo")

RECIPES: Mapping[str, Mapping[str, Any]] = {
    "float32": {},
    "float32 of medium products": {"training.float32_products": "medium"},
    "bfloat16": {"training.precision": "bf16-mixed"},
}
"""Settings by what they are called here; the first is what the others are compared with."""

TRAINED = ("float32", "bfloat16")
"""Those whose MPJPE is compared; medium products round as bfloat16 does, or not at all."""


def computes_bfloat16() -> bool:
    """Return whether the processor has instructions for bfloat16, as far as Linux says.

    Without them it is emulated, an order of magnitude slower than float32.
    """
    return _PROCESSORS.is_file() and "bf16" in _PROCESSORS.read_text()


Loss = Callable[[Batch], Tensor]


def in_bfloat16(loss: Loss) -> Loss:
    """Return `loss` computed as training with `precision: bf16-mixed` computes it."""

    def mixed(batch: Batch) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return loss(batch)

    return mixed


def of_medium_products(step: Callable[[], None]) -> Callable[[], None]:
    """Return `step` done with `float32_products: medium`."""

    def medium() -> None:
        torch.set_float32_matmul_precision("medium")
        try:
            step()
        finally:
            torch.set_float32_matmul_precision("highest")

    return medium


def speed(network: Mapping[str, Any], windows: int, rounds: int, backend: str) -> list[Line]:
    """Return how long a training step takes by precision, as it is and compiled."""
    lifter = build_lifter(method_called("dgnet"), network, H36M_17, H36M_17, 0).train()
    batch = random_batch(lifter, windows)

    def step(loss: Loss) -> Callable[[], None]:
        return training_step(lifter, loss, batch)

    compiled: Loss = torch.compile(lifter.loss, backend=backend)
    works = {
        "float32": step(lifter.loss),
        "float32 of medium products": of_medium_products(step(lifter.loss)),
        "bfloat16": step(in_bfloat16(lifter.loss)),
        "bfloat16, compiled": step(in_bfloat16(compiled)),
    }
    turns = Turns(works, rounds)
    what = f"DG-Net training step, {windows} windows"
    first, *others = turns.samples
    return [
        Line(f"{what}, {first}", 1000 * turns[first], "ms"),
        *(
            Line(f"{what}, {name}, speed against {first}", turns.ratio(first, name), "x")
            for name in others
        ),
        at_most(
            f"{what}, bfloat16, compiled, time against {first}",
            turns.ratio("bfloat16, compiled", first),
            "x",
            0.30,
        ),
    ]


def error(network: Mapping[str, Any], epochs: int, steps: int) -> list[Line]:
    """Return the MPJPE after training in each precision, and with another seed for the scale."""
    training = {"epochs": epochs, "steps_per_epoch": steps, "learning_rate": 0.002, "decay": 0.7}
    profile = {
        "dataset": {"name": "synthetic", "options": {"takes": 1, "seconds": 8.0}},
        "input_2d": "detected",
        "flip_test": True,
        "protocols": ["h36m17-actionwise"],
        "models": {"dgnet": {"network": network, "training": training}},
    }
    names = {name.replace(" ", "_"): dict(RECIPES[name]) for name in TRAINED}
    grid = {"profile": "bench", "models": ["dgnet"], "seeds": [0, 1], "variations": names}
    settings = {
        "profile": "bench",
        "seeds": [0],
        "models": ["dgnet"],
        "profiles": {"bench": profile},
        "grids": {"precision": grid},
    }
    with project(settings) as folder, local_executor(2, 2) as executor:
        run_on(executor, "precision")
        found = read_json(folder / "results/bench/grids/precision.json")
    return [
        Line(
            f"DG-Net, MPJPE after {epochs * steps} steps on the synthetic set, {name}, seed {seed}",
            found[f"{name.replace(' ', '_')}-dgnet-seed{seed}"]["test"]["h36m17-actionwise MPJPE"],
            "mm",
        )
        for name in TRAINED
        for seed in (0, 1)
    ]


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return speed at published size, and errors of a small network trained in each precision."""
    if arguments.smoke:
        tiny = {"channels": 4, "blocks": 1}
        return [*speed(tiny, 2, 1, "eager"), *error(tiny, 1, 2)]
    return [*speed({}, 64, 3, "inductor"), *error({"channels": 32, "blocks": 2}, 4, 75)]


if __name__ == "__main__":
    parser = parser_of(__doc__)
    if computes_bfloat16() or parser.parse_args().smoke:
        run("precision", measure, parser)
    else:
        print("no instructions for bfloat16 here; what is recorded stays", file=sys.stderr)
