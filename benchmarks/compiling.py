"""torch.compile in training: what a compiled step saves, and after how many it has paid."""

import argparse
import os
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

import torch

from benchmarks.command import parser_of, run
from benchmarks.record import Line
from benchmarks.timing import Turns, seconds
from harness.body.skeleton import H36M_17
from harness.foundation.memory import keep_freed_memory
from harness.lifting.build import build_lifter
from harness.lifting.contract import Batch, Lifter, LifterInput
from harness.lifting.registry import method_called
from harness.training.compiling import compiled_loss

MODELS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "dgnet, 2 of 5 blocks": ("dgnet", {"blocks": 2}),
    "semgcn": ("semgcn", {}),
}
"""Published sizes, of equal blocks a few, for compiling takes minutes. VideoPose3D changes its
momentum every epoch, and each change compiles anew.
"""


def random_batch(lifter: Lifter, windows: int) -> Batch:
    """Return a batch of random numbers in the shapes that the lifter takes."""
    frames = lifter.frames
    return Batch(
        LifterInput(torch.randn(windows, frames, 17, 2), torch.randn(windows, 9)),
        torch.randn(windows, frames, 17, 3),
        torch.randn(windows, frames, 3),
    )


def training_step(lifter: Lifter, loss: Callable[[Batch], Any], batch: Batch) -> Callable[[], None]:
    """Return one step of Adam."""
    optimizer = torch.optim.Adam(lifter.parameters(), 1e-3, fused=True)

    def step() -> None:
        optimizer.zero_grad()
        loss(batch).backward()
        optimizer.step()

    return step


def break_even(
    name: str, network: Mapping[str, Any], windows: int, rounds: int
) -> tuple[Turns, float]:
    """Return the times of steps "as it is" and "compiled", and the first compiled step's."""
    lifter = build_lifter(method_called(name), network, H36M_17, H36M_17, 0).train()
    batch = random_batch(lifter, windows)
    torch.compiler.reset()
    compiled = training_step(lifter, compiled_loss(lifter, torch.device("cpu")), batch)
    first = seconds(compiled)
    plain = training_step(lifter, lifter.loss, batch)
    return Turns({"as it is": plain, "compiled": compiled}, rounds), first


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return what compiling the loss costs and saves."""
    models = MODELS
    windows, rounds = 64, 9
    if arguments.smoke:
        models, windows, rounds = {"martinez": ("martinez", {"width": 8})}, 2, 1
    keep_freed_memory()  # as training does
    lines = []
    for name, (method, network) in models.items():
        turns, first = break_even(method, network, windows, rounds)
        what = f"{name}, training step, {windows} windows"
        saved = turns["as it is"] - turns["compiled"]
        lines += [
            Line(f"{what}, as it is", 1000 * turns["as it is"], "ms"),
            Line(
                f"{what}, compiled, speed against as it is",
                turns.ratio("as it is", "compiled"),
                "x",
            ),
            Line(f"{name}, time to compile", first - turns["compiled"], "s"),
        ]
        if saved > 0:
            paid = (first - turns["compiled"]) / saved
            lines.append(Line(f"{name}, steps until compiling has paid", paid, "steps"))
    return lines


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as nothing_compiled_yet:
        # Read when torch first compiles; what an earlier run compiled would be loaded.
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = nothing_compiled_yet
        run("compiling", measure, parser_of(__doc__))
