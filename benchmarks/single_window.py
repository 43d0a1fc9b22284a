"""One window at a time: exported DG-Net under ONNX Runtime against VideoPose3D's 243 frames."""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.command import parser_of, run
from benchmarks.dgnet import weight_products
from benchmarks.record import Line, at_most
from benchmarks.timing import Turns
from dgnet import DGNet
from harness.body.skeleton import H36M_17
from harness.datasets.clip_table import Split
from harness.datasets.importers import prepare_set
from harness.datasets.prepared import PreparedSet
from harness.exchange.export import as_onnx
from harness.exchange.tracing import PlainLifter
from harness.lifting.build import build_lifter
from harness.lifting.contract import Lifter
from harness.lifting.registry import method_called
from harness.lifting.windows import WindowIndex, WindowReader, covering_windows

Session = Callable[[tuple[Tensor, ...]], NDArray[np.float32]]

SAME_METRES = 1e-4
COMPARED, AT_ONCE = 1_024, 64  # windows of the comparison, and of a pass
STEPS, BATCH, RATE = 40, 32, 1e-3
"""Training before the comparison: random weights give poses of a tenth of a millimetre."""


def lifter_called(name: str, smoke: bool) -> Lifter:
    """Return a lifter of published size with random weights, or a tiny one."""
    tiny = {"dgnet": {"channels": 4, "blocks": 1}, "videopose3d": {"channels": 4}}
    return build_lifter(
        method_called(name), tiny[name] if smoke else {}, H36M_17, H36M_17, 0
    ).eval()


def session_of(plain: PlainLifter, windows: int | None) -> Session:
    """Return what runs a model, as `harness export --format onnx` writes it, on one thread."""
    content, _ = as_onnx(plain, "{}", windows)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def call(given: tuple[Tensor, ...]) -> NDArray[np.float32]:
        inputs = {name: value.numpy() for name, value in zip(plain.names, given, strict=True)}
        return session.run(None, inputs)[0]

    return call


def speed(smoke: bool) -> list[Line]:
    """Return the time of a frame, by what the file leaves open, and of DG-Net's products alone."""
    rounds = 2 if smoke else 25
    dgnet, other = (PlainLifter(lifter_called(name, smoke)) for name in ("dgnet", "videopose3d"))
    network = next(part for part in dgnet.modules() if isinstance(part, DGNet))
    works: dict[str, Callable[[], object]] = {"products": weight_products(network, 1)}
    for name, plain in (("dgnet", dgnet), ("videopose3d", other)):
        for windows in (None, 1):
            session, given = session_of(plain, windows), plain.example(1)
            works[f"{name} {windows}"] = lambda session=session, given=given: session(given)
    turns = Turns(works, rounds, clock=time.process_time)
    frames = dgnet.lifter.frames
    what = "DG-Net, one window at a time under ONNX Runtime, a frame, one thread"
    against = "time against a strided window of VideoPose3D with 243 frames"

    def part(name: str) -> float:
        return turns.ratio(name, "videopose3d 1") / frames

    return [
        Line(f"{what}, any number of windows", 1000 * turns["dgnet None"] / frames, "ms"),
        Line(f"{what}, exported for one window", 1000 * turns["dgnet 1"] / frames, "ms"),
        Line("VideoPose3D, a strided window of 243 frames", 1000 * turns["videopose3d 1"], "ms"),
        Line(f"{what}, any number of windows, {against}", part("dgnet None"), "x"),
        at_most(f"{what}, exported for one window, {against}", part("dgnet 1"), "x", 0.15),
        Line(
            f"DG-Net's products of features and weights alone, a frame, {against}",
            part("products"),
            "x",
        ),
    ]


def windows_of(
    prepared: PreparedSet, split: Split, lifter: Lifter
) -> tuple[WindowReader, WindowIndex]:
    """Return what reads a split for a lifter, and the windows that predict each frame once."""
    clips = prepared.select(split)
    reader = WindowReader(prepared, clips, "detected", lifter)
    return reader, covering_windows(clips, lifter.frames, lifter.predicts)


def train(lifter: Lifter, prepared: PreparedSet, steps: int) -> None:
    """Train for a few steps, until poses are of a person's size."""
    reader, windows = windows_of(prepared, "train", lifter)
    generator = np.random.default_rng(0)
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(lifter.parameters(), RATE)
    lifter.train()
    for _ in range(steps):
        drawn = generator.choice(len(windows), BATCH, replace=False)
        optimizer.zero_grad()
        lifter.loss(reader.batch(windows[drawn])).backward()
        optimizer.step()
    lifter.eval()


def agreement(smoke: bool) -> list[Line]:
    """Return how the exported model's predictions of a test set differ from the lifter's."""
    lifter = lifter_called("dgnet", smoke)
    steps = 2 if smoke else STEPS
    with tempfile.TemporaryDirectory() as folder:
        options = {"takes": 1, "seconds": 2.0}
        prepare_set("synthetic", None, Path(folder) / "set", options)
        prepared = PreparedSet(Path(folder) / "set")
        train(lifter, prepared, steps)
        plain = PlainLifter(lifter)
        session = session_of(plain, None)
        reader, windows = windows_of(prepared, "test", lifter)
        windows = windows[: 4 if smoke else COMPARED]
        parts, sizes = [], []
        with torch.inference_mode():
            for begin in range(0, len(windows), AT_ONCE):
                inputs = reader.inputs(windows[begin : begin + AT_ONCE])
                given = tuple(vars(inputs)[name] for name in plain.names)
                ours = plain(*given).numpy()
                sizes.append(np.linalg.norm(ours, axis=-1).ravel())
                difference = np.abs(session(given) - ours)
                parts.append(difference.reshape(len(difference), -1).max(axis=1))
    apart = np.concatenate(parts)
    differing = int((apart > SAME_METRES).sum())
    what = (
        f"DG-Net after {steps} steps of training, exported, {len(apart):,} windows of the "
        "synthetic test set"
    )
    size = 1000 * float(np.concatenate(sizes).mean())
    return [
        Line(f"{what}: mean distance of a joint from the pelvis", size, "mm"),
        at_most(f"{what}: differ by more than 0.1 mm", differing, "windows", 0),
        Line(f"{what}: largest difference", 1000 * float(apart.max()), "mm"),
        Line(
            f"{what}: median of the windows' largest differences",
            1000 * float(np.median(apart)),
            "mm",
        ),
    ]


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return speed and agreement."""
    torch.set_num_threads(1)
    return [*speed(arguments.smoke), *agreement(arguments.smoke)]


if __name__ == "__main__":
    run("single_window", measure, parser_of(__doc__))
