"""How time and memory grow: against frames, joints, window length and batch, with exponents."""

import argparse
import ctypes
import gc
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from benchmarks.command import parser_of, run
from benchmarks.dgnet import make_network, random_keypoints, training_step
from benchmarks.made_sets import chain, made_set
from benchmarks.memory import peak_begins, peak_since
from benchmarks.record import Line, at_most
from benchmarks.scoring import PROTOCOL, make_predictions
from benchmarks.timing import seconds
from benchmarks.windows import read_all
from dgnet import BodyGraph, DGNetConfig
from dgnet.folded import folded
from harness.body.skeleton import Skeleton
from harness.datasets.prepared import PreparedSet
from harness.prediction.stored import read_predictions
from harness.scoring.metrics import mpjpe, mpjve, n_mpjpe, p_mpjpe
from harness.scoring.score import score_predictions

DISK_ALONE = "writing as many bytes, the disk alone"
_BLOCK = 2**24
LINEAR = 1.1
"""An exponent up to which growth counts as linear: measurements scatter by some percent."""


@dataclass
class Curve:
    """Seconds and bytes by size.

    Attributes:
        name: of the work.
        sizes: how much of it.
        seconds: time taken.
        memory: peak memory beyond what the process held before.
    """

    name: str
    sizes: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return p of values ~ sizes^p: the slope of a line through the logarithms.

    Fitted to the larger half of the sizes, and at least two: what a call costs whatever its size
    would flatten the curve where little is done.
    """
    count = max(2, (len(sizes) + 1) // 2)
    slope = np.polyfit(np.log(sizes[-count:]), np.log(values[-count:]), 1)[0]
    return float(slope)


def curve_of(
    name: str, sizes: Sequence[int], make: Callable[[int], Callable[[], object]], calls: int = 1
) -> Curve:
    """Do a piece of work at each size, ascending.

    Args:
        name: of the work.
        sizes: how much of it.
        make: prepares the work of a size; not counted.
        calls: how often it is done; the quickest counts, others only add to it.
    """
    curve = Curve(name)
    for size in sizes:
        work = make(size)
        _release()
        held = peak_begins()
        curve.sizes.append(size)
        curve.seconds.append(min(seconds(work) for _ in range(calls)))
        curve.memory.append(max(peak_since(held), 1.0))
    return curve


def _release() -> None:
    """Give memory that is free back to the system, so that the next size starts anew."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


def of_frames(folder: Path, sizes: Sequence[int], clips: int) -> list[Curve]:
    """Writing a set of so many clips, reading all its windows of 4 frames, scoring it.

    The largest is only written: reading and scoring it would take most of the benchmark's time.
    """

    def place(size: int) -> Path:
        return folder / f"set_{size}"

    def writing(size: int) -> Callable[[], object]:
        return lambda: made_set(place(size), clips, size, split="test")

    def copying(size: int) -> Callable[[], object]:
        return lambda: write_bytes_of(place(size), folder / "bytes")

    def reading(size: int) -> Callable[[], object]:
        return lambda: read_all(place(size), 4, "all", 1024)

    def scoring(size: int) -> Callable[[], object]:
        prepared = PreparedSet(place(size))
        make_predictions(folder / f"made_{size}", prepared, "model", 0.05)
        return lambda: score_predictions(
            read_predictions(folder / f"made_{size}"), prepared, PROTOCOL, folder / f"score_{size}"
        )

    return [
        curve_of("writing a set", sizes, writing),
        curve_of(DISK_ALONE, sizes, copying),
        curve_of("reading its windows", sizes[:-1], reading),
        curve_of("scoring", sizes[:-1], scoring),
    ]


def write_bytes_of(folder: Path, path: Path) -> None:
    """Write as many bytes as lie in `folder` to `path`, wait for the disk, and remove them."""
    left = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    block = bytes(_BLOCK)
    with path.open("wb") as stream:
        while left > 0:
            left -= stream.write(block[: min(left, _BLOCK)])
        stream.flush()
        os.fsync(stream.fileno())
    path.unlink()


def of_joints(sizes: Sequence[int], windows: int, channels: int) -> list[Curve]:
    """DG-Net and the position metrics on bodies of more joints."""

    def network_of(joints: int) -> torch.nn.Module:
        return folded(make_network(DGNetConfig(channels=channels), _graph(chain(joints))).eval())

    def predicting(joints: int) -> Callable[[], object]:
        network, x = network_of(joints), random_keypoints(windows, 4, joints)

        def predict() -> None:
            with torch.inference_mode():
                network(x)

        return predict

    def training(joints: int) -> Callable[[], object]:
        network = make_network(DGNetConfig(channels=channels), _graph(chain(joints))).train()
        return training_step(network, network.levels, windows, joints)

    def metrics(joints: int) -> Callable[[], object]:
        target = np.random.default_rng(0).normal(size=(200 * windows, joints, 3))
        frames = np.arange(len(target))
        return lambda: [
            errors(target, 1.1 * target, frames) for errors in (mpjpe, p_mpjpe, n_mpjpe, mpjve)
        ]

    return [
        curve_of("DG-Net, prediction", sizes, predicting, calls=3),
        curve_of("DG-Net, training step", sizes, training, calls=2),
        curve_of("position metrics", sizes, metrics, calls=3),
    ]


def of_window(
    sizes: Sequence[int], windows: int, channels: int, prepared: PreparedSet
) -> list[Curve]:
    """DG-Net and reading on longer windows."""

    def predicting(frames: int) -> Callable[[], object]:
        config = DGNetConfig(channels=channels, frames=frames)
        network, x = folded(make_network(config).eval()), random_keypoints(windows, frames)

        def predict() -> None:
            with torch.inference_mode():
                network(x)

        return predict

    def reading(frames: int) -> Callable[[], object]:
        return lambda: read_all(prepared.path, frames, "middle", 256)

    return [
        curve_of("DG-Net, prediction", sizes, predicting, calls=3),
        curve_of("reading windows", sizes, reading),
    ]


def of_batch(sizes: Sequence[int], channels: int) -> list[Curve]:
    """DG-Net on larger batches."""
    network = make_network(DGNetConfig(channels=channels))
    fast = folded(network.eval())

    def predicting(batch: int) -> Callable[[], object]:
        x = random_keypoints(batch, 4)

        def predict() -> None:
            with torch.inference_mode():
                fast(x)

        return predict

    def training(batch: int) -> Callable[[], object]:
        return training_step(network.train(), network.levels, batch)

    return [
        curve_of("DG-Net, prediction", sizes, predicting, calls=3),
        curve_of("DG-Net, training step", sizes, training, calls=2),
    ]


def _graph(skeleton: Skeleton) -> BodyGraph:
    return BodyGraph(len(skeleton), skeleton.edges)


def draw(curves: Mapping[str, Sequence[Curve]], folder: Path) -> None:
    """Draw a picture for each quantity: time and memory against it, with fitted exponents."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    for quantity, found in curves.items():
        figure, panels = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
        for panel, what, unit in zip(panels, ("seconds", "memory"), ("s", "MiB"), strict=True):
            for curve in found:
                values = np.array(getattr(curve, what)) / (2**20 if what == "memory" else 1)
                label = f"{curve.name}: {exponent(curve.sizes, values.tolist()):.2f}"
                panel.plot(curve.sizes, values, "o-", markersize=4, label=label)
            panel.set(xscale="log", yscale="log", xlabel=quantity, ylabel=unit)
            sizes = max((curve.sizes for curve in found), key=len)
            panel.set_xticks(sizes, [f"{size:g}" for size in sizes])
            panel.set_xticks([], minor=True)
            panel.set_title(f"{'time' if what == 'seconds' else 'peak memory'}, exponent", size=10)
            panel.grid(alpha=0.3)
            panel.legend(fontsize=8)
        figure.savefig(folder / f"growth_{quantity.replace(' ', '_')}.png", dpi=110)
        pyplot.close(figure)


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return the exponents; pictures go beside the results."""
    torch.set_num_threads(1)
    smoke = arguments.smoke
    frames, clips = ([40, 80, 160], 4) if smoke else (_powers_of_ten(10_000, arguments.frames), 236)
    channels, windows = (4, 1) if smoke else (32, 8)
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as temporary:
        folder = Path(temporary)
        prepared = made_set(folder / "fixed", 8, 80 if smoke else 20_000)
        curves = {
            "frames": of_frames(folder, frames, clips),
            "joints": of_joints([5, 9] if smoke else [17, 32, 64, 133], windows, channels),
            "window length": of_window(
                [2, 4] if smoke else [4, 8, 16, 32, 64], windows, channels, prepared
            ),
            "batch": of_batch([1, 2] if smoke else [1, 4, 16, 64, 128], channels),
        }
    arguments.out.mkdir(parents=True, exist_ok=True)
    draw(curves, arguments.out)
    return [line for quantity, found in curves.items() for line in _lines(quantity, found)]


def _powers_of_ten(first: int, last: int) -> list[int]:
    return [10**power for power in range(len(str(first)) - 1, len(str(last)))]


def _lines(quantity: str, curves: Sequence[Curve]) -> list[Line]:
    lines = []
    for curve in curves:
        time = exponent(curve.sizes, curve.seconds)
        memory = exponent(curve.sizes, curve.memory)
        what = f"{curve.name} against {quantity}, {curve.sizes[0]:,} to {curve.sizes[-1]:,}"
        for part, value in (("time", time), ("peak memory", memory)):
            name = f"{what}: exponent of {part}"
            judged = quantity == "frames" and curve.name != DISK_ALONE
            lines.append(at_most(name, value, "", LINEAR) if judged else Line(name, value, ""))
    return lines


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    result = parser_of(__doc__)
    result.add_argument("--frames", type=int, default=10**7, help="largest set, a power of ten")
    result.add_argument("--scratch", type=Path, help="where sets are written; they are removed")
    return result


if __name__ == "__main__":
    run("growth", measure, parser())
