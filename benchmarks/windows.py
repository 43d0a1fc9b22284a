"""Training windows: speed against a slice-and-copy generator, memory, waiting for batches."""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.command import parser_of, run
from benchmarks.made_sets import made_set
from benchmarks.memory import usage_of
from benchmarks.record import Line, at_least, at_most
from benchmarks.timing import Turns
from harness.body.camera import normalize_screen
from harness.body.skeleton import H36M_17
from harness.datasets.prepared import PreparedSet
from harness.lifting.build import build_lifter
from harness.lifting.contract import Batch, Lifter, LifterInput, Predicts
from harness.lifting.recipe import Recipe
from harness.lifting.registry import method_called
from harness.lifting.windows import TrainingWindows, WindowReader
from harness.training.window_order import TrainingOrder

Array = NDArray[np.floating]


WAITING = (("semgcn", 64, 60), ("videopose3d", 64, 12), ("videopose3d", 1024, 2))
WAITING_SMOKE = (("semgcn", 4, 2),)
"""Training whose waiting for batches is measured: model, windows a step, steps."""


class Shape(Lifter):
    """Nothing but the shape of a lifter's windows."""

    def __init__(self, frames: int, predicts: Predicts) -> None:
        super().__init__()
        self.frames, self.predicts = frames, predicts
        self.skeleton = self.layout = H36M_17

    def forward(self, inputs: LifterInput) -> torch.Tensor:
        """Predict nothing."""
        raise NotImplementedError

    def loss(self, batch: Batch) -> torch.Tensor:
        """Learn nothing."""
        raise NotImplementedError


class SlicingGenerator:
    """Training chunks as VideoPose3D's ChunkedGenerator makes them (common/generators.py).

    Clips are arrays in memory, keypoints already in screen coordinates. Each chunk is sliced,
    padded where it reaches beyond its clip, and copied into float64 batches in a Python loop; the
    training loop then casts them (run.py).
    """

    def __init__(self, prepared: PreparedSet, frames: int, predicts: Predicts) -> None:
        self.predicted = frames if predicts == "all" else 1
        self.before = 0 if predicts == "all" else frames // 2
        self.frames = frames
        pixels, positions = prepared.keypoints_2d("gt"), prepared.positions_3d
        self.clips_2d, self.clips_3d, self.cameras = list[Array](), list[Array](), list[Array]()
        columns = [prepared.clips[name].tolist() for name in ("first_row", "frames", "camera")]
        for first, length, key in zip(*columns, strict=True):
            rows, camera = slice(first, first + length), prepared.camera(key)
            screen = normalize_screen(np.array(pixels[rows]), camera.width, camera.height)
            self.clips_2d.append(screen.astype(np.float32))
            self.clips_3d.append(np.array(positions[rows]))
            self.cameras.append(camera.normalized_intrinsics())
        self.chunks = [
            (number, start)
            for number, clip in enumerate(self.clips_3d)
            for start in range(len(clip) - self.predicted + 1)
        ]

    def batch(self, chosen: NDArray[np.integer]) -> tuple[torch.Tensor, ...]:
        """Return keypoints, positions and cameras of the chosen chunks."""
        batch_2d = np.empty((len(chosen), self.frames, 17, 2))
        batch_3d = np.empty((len(chosen), self.predicted, 17, 3))
        cameras = np.empty((len(chosen), 9))
        for place, number in enumerate(chosen):
            clip, start = self.chunks[number]
            batch_2d[place] = self._padded(self.clips_2d[clip], start - self.before, self.frames)
            batch_3d[place] = self._padded(self.clips_3d[clip], start, self.predicted)
            cameras[place] = self.cameras[clip]
        return tuple(torch.from_numpy(a.astype("float32")) for a in (batch_2d, batch_3d, cameras))

    @staticmethod
    def _padded(clip: Array, start: int, frames: int) -> Array:
        low, high = max(start, 0), min(start + frames, len(clip))
        before, after = low - start, start + frames - high
        if before or after:
            return np.pad(clip[low:high], ((before, after), (0, 0), (0, 0)), "edge")
        return clip[low:high]


def drawn(count: int, batch: int) -> Iterator[NDArray[np.int64]]:
    """Yield batches of window numbers, over and over."""
    rng = np.random.default_rng(0)
    batches = [rng.integers(0, count, batch) for _ in range(32)]
    while True:
        yield from batches


def speed(prepared: PreparedSet, frames: int, predicts: Predicts, batch: int, rounds: int) -> Turns:
    """Time a batch of ours, of the generator and a plain copy of as many bytes."""
    reader = WindowReader(prepared, prepared.clips, "gt", Shape(frames, predicts))
    windows = TrainingWindows(prepared.clips, frames, predicts)
    generator = SlicingGenerator(prepared, frames, predicts)
    mine, theirs = drawn(len(windows), batch), drawn(len(windows), batch)
    size = 4 * 17 * (2 * frames + 3 * generator.predicted)
    source, target = np.ones((2, batch * size), np.uint8)
    return Turns(
        {
            "ours": lambda: reader.batch(windows[next(mine)]),
            "generator": lambda: generator.batch(next(theirs)),
            "copy": lambda: np.copyto(target, source),
        },
        rounds,
    )


def speed_lines(prepared: PreparedSet, smoke: bool) -> list[Line]:
    """Return windows a second, and how they compare."""
    lines = []
    shapes: list[tuple[int, Predicts, int]] = [
        (4, "all", 64),
        (4, "all", 1024),
        (243, "middle", 64),
        (243, "middle", 1024),
    ]
    if smoke:
        shapes = [(4, "all", 8), (9, "middle", 8)]
    for frames, predicts, batch in shapes:
        turns = speed(prepared, frames, predicts, batch, 1 if smoke else 9)
        what = f"windows of {frames} frames, batch {batch:,}"
        rate = batch / turns["ours"]
        against = turns.ratio("generator", "ours")
        if frames == 4:
            lines += [
                at_least(what, rate, "a second", 500_000),
                Line(f"{what}, speed against the generator", against, "x"),
            ]
        else:
            lines += [
                Line(what, rate, "a second"),
                at_least(f"{what}, speed against the generator", against, "x", 10),
                Line(
                    f"{what}, time against a plain copy of as many bytes",
                    turns.ratio("ours", "copy"),
                    "x",
                ),
            ]
    return lines


def read_all(folder: Path, frames: int, predicts: Predicts, batch: int) -> None:
    """Read every training window once, in a random order."""
    prepared = PreparedSet(folder)
    reader = WindowReader(prepared, prepared.clips, "gt", Shape(frames, predicts))
    windows = TrainingWindows(prepared.clips, frames, predicts)
    order = np.random.default_rng(0).permutation(len(windows))
    for begin in range(0, len(order), batch):
        reader.batch(windows[order[begin : begin + batch]])


def memory_lines(prepared: PreparedSet, smoke: bool) -> list[Line]:
    """Return peak memory against the size of the arrays."""
    size = prepared.rows * 17 * (2 + 3) * 4
    frames = 4 if smoke else 27
    used = usage_of(read_all, prepared.path, frames, "middle", 256)
    return [
        at_most(
            f"windows of {frames} frames, each of {size / 2**20:,.0f} MiB of arrays read, "
            "peak memory against them",
            used.peak / size,
            "x",
            1000.0 if smoke else 1.3,
        )
    ]


def waiting_line(prepared: PreparedSet, model: str, batch_size: int, steps: int) -> Line:
    """Return the part of training that is spent waiting for the next batch."""
    lifter = build_lifter(method_called(model), {}, H36M_17, H36M_17, 0).train()
    reader = WindowReader(prepared, prepared.clips, "gt", lifter)
    recipe = Recipe(epochs=1, batch_size=batch_size, learning_rate=1e-3)
    order = TrainingOrder(reader, lifter, recipe, 0)
    optimizer = torch.optim.Adam(lifter.parameters(), 1e-3, fused=True)
    batches = order.batches(1)
    next(batches)
    waited, begun = 0.0, time.perf_counter()
    for _ in range(steps):
        asked = time.perf_counter()
        batch = next(batches)
        waited += time.perf_counter() - asked
        optimizer.zero_grad()
        lifter.loss(batch).backward()
        optimizer.step()
    share = 100 * waited / (time.perf_counter() - begun)
    what = f"training {model} with {batch_size:,} windows of {lifter.frames} frames"
    return at_most(f"{what}, time spent waiting for batches", share, "%", 2)


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return all figures about windows."""
    smoke = arguments.smoke
    with tempfile.TemporaryDirectory() as folder:
        clips, frames = (4, 400) if smoke else (160, 400_000)
        prepared = made_set(Path(folder) / "set", clips, frames)
        return [
            *speed_lines(prepared, smoke),
            *memory_lines(prepared, smoke),
            *(waiting_line(prepared, *task) for task in (WAITING_SMOKE if smoke else WAITING)),
        ]


if __name__ == "__main__":
    run("windows", measure, parser_of(__doc__))
