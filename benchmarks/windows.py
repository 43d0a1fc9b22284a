"""How fast training windows are read: `python -m benchmarks.windows`.

Compares, in one process on one core, reading batches of training windows with the published code's
way (a padded copy of each chunk made in a Python loop, as VideoPose3D's ChunkedGenerator does) and
with a plain copy of as many bytes. Figures are windows a second; compare ratios, not machines.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from tabulate import tabulate

from harness.body.camera import h36m_cameras
from harness.body.skeleton import H36M_17
from harness.datasets.prepared import PreparedSet, Source2D
from harness.datasets.prepared_writer import write_prepared_set
from harness.lifting.contract import Batch, Lifter, LifterInput, Predicts
from harness.lifting.windows import TrainingWindows, WindowReader


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


def random_set(folder: Path, clips: int = 40, frames: int = 2000) -> PreparedSet:
    """Write a set of random poses."""
    rng = np.random.default_rng(0)
    with write_prepared_set(folder, H36M_17) as writer:
        for number in range(clips):
            camera = h36m_cameras()["S1"][number % 4]
            writer.add_clip(
                origin=str(number),
                subject="S1",
                action="Walking",
                subaction=str(number),
                split="train",
                fps=50.0,
                camera=camera,
                camera_key=camera.name,
                positions_3d=rng.normal(size=(frames, 17, 3)),
                keypoints_2d={"gt": rng.normal(size=(frames, 17, 2))},
                layouts={"gt": Source2D(layout="h36m_17", exact=True, confidence=False)},
            )
        writer.finish(
            name="random", title="", licence="", citation="", importer_version=1, settings={}
        )
    return PreparedSet(folder)


def windows_per_second(read: Callable[[np.ndarray], object], count: int, batch: int) -> float:
    """Read random batches for a second and return the windows read a second."""
    rng = np.random.default_rng(1)
    chosen = [rng.integers(0, count, batch) for _ in range(64)]
    read(chosen[0])
    begun, done = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - begun) < 1.0:
        read(chosen[done % len(chosen)])
        done += 1
    return done * batch / elapsed


def measure(prepared: PreparedSet, frames: int, predicts: Predicts, batch: int) -> list[object]:
    """Return a row of the table: shape of the window, windows a second, ratios."""
    lifter = Shape(frames, predicts)
    reader = WindowReader(prepared, prepared.clips, "gt", lifter)
    windows = TrainingWindows(prepared.clips, frames, predicts)
    index = windows[:]
    keypoints = np.array(prepared.keypoints_2d("gt"))
    positions = np.array(prepared.positions_3d)
    first = prepared.clips["first_row"].to_numpy()[index.clip]
    end = first + prepared.clips["frames"].to_numpy()[index.clip]
    predicted = frames if predicts == "all" else 1
    offset = 0 if predicts == "all" else frames // 2

    def literal(chosen: np.ndarray) -> None:
        batch_2d = np.empty((len(chosen), frames, 17, 2))
        batch_3d = np.empty((len(chosen), predicted, 17, 3))
        for place, window in enumerate(chosen):
            start = index.start[window]
            low, high = max(start, first[window]), min(start + frames, end[window])
            before, after = low - start, start + frames - high
            chunk = keypoints[low:high]
            if before or after:
                chunk = np.pad(chunk, ((before, after), (0, 0), (0, 0)), "edge")
            batch_2d[place] = chunk
            begin = max(start + offset, first[window])
            batch_3d[place] = positions[begin : begin + predicted]
        torch.from_numpy(batch_2d.astype("float32"))
        torch.from_numpy(batch_3d.astype("float32"))

    bytes_a_window = 4 * 17 * (2 * frames + 3 * predicted)
    source = np.zeros(batch * bytes_a_window, np.uint8)
    target = np.empty_like(source)
    ours = windows_per_second(lambda chosen: reader.batch(windows[chosen]), len(index), batch)
    loop = windows_per_second(literal, len(index), batch)
    copy = windows_per_second(lambda _: np.copyto(target, source), len(index), batch)
    shape = f"{frames} frames, predicts {predicts}, batch {batch}"
    return [shape, f"{ours:,.0f}", f"{loop:,.0f}", f"{ours / loop:.1f}", f"{copy:,.0f}"]


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        prepared = random_set(Path(folder) / "set")
        rows = [
            measure(prepared, 1, "all", 256),
            measure(prepared, 4, "all", 64),
            measure(prepared, 4, "all", 1024),
            measure(prepared, 27, "middle", 1024),
            measure(prepared, 243, "middle", 64),
            measure(prepared, 243, "middle", 1024),
            measure(prepared, 243, "all", 64),
        ]
    headers = ["windows of 17 joints", "ours a second", "loop a second", "ratio", "copy a second"]
    print(tabulate(rows, headers, stralign="right"))


if __name__ == "__main__":
    main()
