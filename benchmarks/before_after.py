"""Training steps against those of an earlier commit, checked out beside and timed in pairs."""

import argparse
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.command import parser_of, run
from benchmarks.earlier import EARLIER, NOW, Worker, sources_of
from benchmarks.record import Line, at_most

WORKER = Path(__file__).with_name("step_worker.py")

SMALL = {"channels": 32, "blocks": 2}
TARGETS: Mapping[str, tuple[str, Mapping[str, Any], float]] = {
    "DG-Net, published size": ("dgnet", {}, 0.70),
    "DG-Net, 32 channels and 2 blocks": ("dgnet", SMALL, 0.65),
    "DG-Net, 64 channels and 3 blocks": ("dgnet", {"channels": 64, "blocks": 3}, 0.65),
    "SemGCN": ("semgcn", {}, 0.75),
    "WS-GCN": ("wsgcn", {}, 0.75),
    "ST-GCN": ("stgcn", {}, 0.75),
    "fsg": ("fsg", {}, 0.75),
    "fsg_ftg": ("fsg_ftg", {}, 0.75),
}
"""What is called what: the method, its network, and the part of the earlier time it may take."""


def compared(
    earlier: Path, task: Mapping[str, Any], rounds: int, seconds: float, profiles: Path | None
) -> tuple[list[float], list[float], float]:
    """Return processor times of a step, earlier and now, and the ratio of their peak memory."""
    with ExitStack() as stack:
        workers = [
            Worker(sources, WORKER, {**task, "keeps_memory": sources == NOW})
            for sources in (earlier, NOW)
        ]
        for worker in workers:
            stack.callback(worker.end)
        once = max(worker.ask("time 1") for worker in workers)
        count = max(1, round(seconds / once))
        times: list[list[float]] = [[], []]
        for _ in range(rounds):
            for worker, taken in zip(workers, times, strict=True):
                taken.append(worker.ask(f"time {count}") / count)
        before, after = (worker.ask("peak") for worker in workers)
        if profiles is not None:
            for worker, when in zip(workers, ("before", "after"), strict=True):
                worker.ask(f"profile {(profiles / f'profile_step_{when}.txt').absolute()}")
        return times[0], times[1], after / before


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return times and memory of steps of 64 windows, as parts of the earlier commit's."""
    targets = TARGETS
    windows, rounds, seconds = 64, 2, 0.3
    if arguments.smoke:
        targets = {"DG-Net": ("dgnet", {"channels": 4, "blocks": 1}, 0.7)}
        windows, rounds, seconds = 2, 1, 0.0
    arguments.out.mkdir(parents=True, exist_ok=True)
    lines = []
    with sources_of(arguments.commit) as earlier:
        for number, (name, (model, network, target)) in enumerate(targets.items()):
            task = {"model": model, "network": network, "windows": windows}
            profiles = arguments.out if number == 0 else None
            before, after, memory = compared(earlier, task, rounds, seconds, profiles)
            what = f"{name}, training step of {windows} windows, one thread"
            part = median(now / then for then, now in zip(before, after, strict=True))
            lines += [
                Line(f"{what}, processor time", 1000 * median(after), "ms"),
                at_most(f"{what}, time against before", part, "x", target),
            ]
            if number == 0:
                lines.append(at_most(f"{what}, peak memory against before", memory, "x", 0.65))
    return lines


if __name__ == "__main__":
    parser = parser_of(__doc__)
    parser.add_argument("--commit", default=EARLIER, help="what to compare with")
    run("before_after", measure, parser)
