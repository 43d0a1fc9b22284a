"""Training on a set larger than the memory allowed.

A process of its own, held by the operating system to `--memory` of private memory (RLIMIT_DATA:
heap, buffers, stacks, everything but mapped files), trains SemGCN for some steps on windows drawn
from all over the set. Pages of the mapped set may be in memory as well; the system takes them back
whenever others need the room.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
from lightning_fabric import Fabric

from benchmarks.command import parser_of, run
from benchmarks.made_sets import made_set
from benchmarks.memory import resident
from benchmarks.record import Line, at_most
from harness.body.skeleton import H36M_17
from harness.datasets.prepared import PreparedSet
from harness.lifting.build import build_lifter
from harness.lifting.recipe import Recipe
from harness.lifting.registry import method_called
from harness.lifting.windows import WindowReader
from harness.training.loop import StateFile, Training
from harness.training.watching import SilentWatcher

BYTES_A_FRAME = 17 * (2 + 3) * 4
GIB = 2**30


def train(folder: Path, memory: int, steps: int) -> tuple[int, float]:
    """Train under the limit; return the bytes of private memory held and seconds a step."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    torch.set_num_threads(1)
    prepared = PreparedSet(folder / "set")
    lifter = build_lifter(method_called("semgcn"), {}, H36M_17, H36M_17, 0)
    recipe = Recipe(
        epochs=1, batch_size=64, learning_rate=1e-3, steps_per_epoch=steps, select="last"
    )
    begun = time.perf_counter()
    training = Training(
        lifter,
        WindowReader(prepared, prepared.clips, "gt", lifter),
        None,
        recipe,
        0,
        fabric=Fabric(accelerator="cpu", devices=1),
        state_file=StateFile(folder / "state.pt", "large"),
        watcher=SilentWatcher(),
    )
    training.run()
    return resident("RssAnon"), (time.perf_counter() - begun) / steps


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return whether training completes and what private memory it holds."""
    size, memory = arguments.gigabytes * 1e9, arguments.memory * GIB
    steps = 200
    if arguments.smoke:
        size, memory, steps = 1e6, 4 * GIB, 2
    frames = round(size / BYTES_A_FRAME)
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as temporary:
        folder = Path(temporary)
        clips = min(1000, frames)
        made_set(folder / "set", clips, frames)
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            held, step = pool.submit(train, folder, int(memory), steps).result()
    what = f"training on a set of {size / 1e9:g} GB with {memory / GIB:g} GiB allowed"
    return [
        at_most(f"{what}, private memory at the end", held / GIB, "GiB", memory / GIB),
        Line(f"{what}, {steps} steps, setting up included", 1000 * step, "ms a step"),
    ]


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    result = parser_of(__doc__)
    result.add_argument("--gigabytes", type=float, default=2.5, help="size of the set (10^9 bytes)")
    result.add_argument("--memory", type=float, default=1.0, help="memory allowed, GiB")
    result.add_argument("--scratch", type=Path, help="where the set is written; it is removed")
    return result


if __name__ == "__main__":
    run("large_set", measure, parser())
