"""Predicting a set of clips against what the network alone takes for the same windows."""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.command import parser_of, run
from benchmarks.made_sets import made_set
from benchmarks.record import Line, at_most
from benchmarks.timing import Turns
from harness.body.skeleton import H36M_17
from harness.datasets.prepared import PreparedSet
from harness.lifting.augmentation import mirrored_inputs
from harness.lifting.build import build_lifter
from harness.lifting.contract import Lifter
from harness.lifting.lift import lift
from harness.lifting.registry import method_called
from harness.lifting.windows import WindowReader, covering_windows

MODELS = {"dgnet": 1_024, "semgcn": 4_096, "stgcn": 512}
"""Frames to predict, by model."""


def network_alone(lifter: Lifter, reader: WindowReader) -> Callable[[], None]:
    """Return what lifts the reader's windows and their mirror images, read beforehand."""
    windows = covering_windows(reader.clips, lifter.frames, lifter.predicts)
    batches = []
    for begin in range(0, len(windows), lifter.windows_at_a_time):
        inputs = reader.inputs(windows[begin : begin + lifter.windows_at_a_time])
        batches += [inputs, mirrored_inputs(inputs, lifter.layout)]

    def forward() -> None:
        with torch.inference_mode():
            for inputs in batches:
                lifter(inputs)

    return forward


def times(prepared: PreparedSet, model: str, rounds: int) -> Turns:
    """Time predicting with the flip test and the network alone, in processor time."""
    lifter = build_lifter(method_called(model), {}, H36M_17, H36M_17, 0).eval()

    def reader() -> WindowReader:
        return WindowReader(prepared, prepared.select("test"), "gt", lifter)

    return Turns(
        {
            "predicting": lambda: lift(lifter, reader(), flip_test=True),
            "network": network_alone(lifter, reader()),
        },
        rounds,
        clock=time.process_time,
    )


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return how much longer predicting takes than the network."""
    models, rounds = (MODELS, 5) if not arguments.smoke else ({"semgcn": 40}, 1)
    lines = []
    for model, frames in models.items():
        with tempfile.TemporaryDirectory() as folder:
            prepared = made_set(Path(folder) / "set", 8, frames, split="test")
            turns = times(prepared, model, rounds)
        what = f"predicting {frames:,} frames with {model}, flip test included"
        lines.append(
            at_most(
                f"{what}, processor time against the network's own",
                turns.ratio("predicting", "network"),
                "x",
                1.3,
            )
        )
    return lines


if __name__ == "__main__":
    run("predicting", measure, parser_of(__doc__))
