"""Where the time goes: profiles of a training step and of scoring, written as text."""

import argparse
import cProfile
import io
import pstats
import tempfile
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.command import parser_of, run
from benchmarks.dgnet import make_network, training_step
from benchmarks.made_sets import made_set
from benchmarks.record import Line
from benchmarks.scoring import PROTOCOL, make_predictions
from dgnet import DGNetConfig
from harness.foundation.memory import keep_freed_memory
from harness.prediction.stored import read_predictions
from harness.scoring.score import score_predictions

PRODUCTS = (
    *("aten::mm", "aten::addmm", "aten::addmm_"),
    *("aten::bmm", "aten::baddbmm", "aten::baddbmm_"),
    "aten::mv",
)


def profile_step(out: Path, smoke: bool) -> list[Line]:
    """Profile training steps of DG-Net; write the operations and return the products' part."""
    config, batch = (DGNetConfig(channels=8, blocks=1), 2) if smoke else (DGNetConfig(), 64)
    torch.set_num_threads(1)
    keep_freed_memory()  # as training does
    network = make_network(config).train()
    step = training_step(network, network.levels, batch)
    step()
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        for _ in range(1 if smoke else 5):
            step()
    averages = profiled.key_averages()
    table = averages.table(
        sort_by="self_cpu_time_total",
        row_limit=30,
        max_name_column_width=48,
        top_level_events_only=False,
    )
    (out / "profile_training_step.txt").write_text(table + "\n")
    total = sum(event.self_cpu_time_total for event in averages)
    products = sum(event.self_cpu_time_total for event in averages if event.key in PRODUCTS)
    what = f"DG-Net training step of {batch} windows, one thread"
    return [Line(f"{what}: part spent in matrix products", 100 * products / total, "%")]


def profile_scoring(out: Path, smoke: bool) -> list[Line]:
    """Profile scoring; write the functions."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        prepared = made_set(folder / "set", 60, 600 if smoke else 100_000, split="test")
        make_predictions(folder / "model", prepared, "model", 0.05)
        profiler = cProfile.Profile()
        profiler.enable()
        score_predictions(read_predictions(folder / "model"), prepared, PROTOCOL, folder / "score")
        profiler.disable()
    text = io.StringIO()
    statistics = pstats.Stats(profiler, stream=text).strip_dirs().sort_stats("tottime")
    statistics.print_stats(30)
    lines = [line.rstrip() for line in text.getvalue().splitlines()]
    (out / "profile_scoring.txt").write_text("\n".join(lines).strip() + "\n")
    return []


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Write both profiles."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    return [
        *profile_step(arguments.out, arguments.smoke),
        *profile_scoring(arguments.out, arguments.smoke),
    ]


if __name__ == "__main__":
    run("profiles", measure, parser_of(__doc__))
