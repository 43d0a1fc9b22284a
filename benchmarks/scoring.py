"""Scoring a set as large as Human3.6M's test set: all metrics, by action, bootstrap intervals."""

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.command import parser_of, run
from benchmarks.earlier import EARLIER, NOW, Worker, sources_of
from benchmarks.made_sets import made_set
from benchmarks.memory import usage_of
from benchmarks.record import Line, at_most
from harness.datasets.prepared import PreparedSet
from harness.prediction.stored import PredictionContract, read_predictions, write_predictions
from harness.scoring.metrics import METRICS
from harness.scoring.protocols import protocol_called
from harness.scoring.score import score_predictions
from harness.scoring.statistics import differences_to_first
from harness.scoring.takes import takes_of

CLIPS, FRAMES = 236, 543_344
"""59 takes seen by four cameras."""
PROTOCOL = protocol_called("h36m17-actionwise")
MODELS = {"first": 0.05, "second": 0.06}
"""Metres of noise by model."""
WORKER = Path(__file__).with_name("scoring_worker.py")


def make_predictions(folder: Path, prepared: PreparedSet, model: str, noise: float) -> None:
    """Write the truth with noise as predictions of a model."""
    truth = prepared.positions_3d - prepared.positions_3d[:, :1]
    generator = np.random.default_rng(len(model))
    contract = PredictionContract(
        model=model,
        run_id=model,
        checkpoint_sha256="",
        dataset="made",
        data_hash=prepared.data_hash,
        input_2d="gt",
        trained_on_2d="gt",
        split="test",
        skeleton=prepared.skeleton.name,
        frames=1,
        predicts="all",
        flip_test=True,
        uses_root_depth=False,
        seed=0,
    )
    predicted = truth + noise * generator.standard_normal(truth.shape, dtype=np.float32)
    write_predictions(folder, contract, prepared.select("test"), predicted)


def score_and_compare(folder: Path, briefly: bool = False) -> None:
    """Score the stored predictions of two models and compare them by every metric.

    Args:
        folder: holds the set and the predictions, and comes to hold the scores.
        briefly: only the protocol's six metrics.
    """
    prepared = PreparedSet(folder / "set")
    sums = [
        score_predictions(
            read_predictions(folder / model),
            prepared,
            PROTOCOL,
            folder / "scores" / model,
            briefly=briefly,
        ).sequences
        for model in MODELS
    ]
    for name in sums[0].by_metric:
        differences_to_first(takes_of([[one] for one in sums], METRICS[name], PROTOCOL))


def against_earlier(clips: int, frames: int, rounds: int) -> list[Line]:
    """Return processor times as parts of the earlier commit's, which knew six metrics."""
    task = {"clips": clips, "frames": frames}
    with ExitStack() as stack:
        earlier = stack.enter_context(sources_of(EARLIER))
        workers = [
            Worker(sources, WORKER, {**task, "options": options})
            for sources, options in ((earlier, {}), (NOW, {"briefly": True}), (NOW, {}))
        ]
        for worker in workers:
            stack.callback(worker.end)
            worker.ask("warm up")
        times = [[worker.ask("time") for worker in workers] for _ in range(rounds)]
    what = f"{frames:,} frames, two models scored and compared, processor time against before"
    return [
        at_most(f"6 metrics of {what}", median(six / before for before, six, _ in times), "x", 0.6),
        at_most(
            f"all metrics of {what} (6 metrics)",
            median(every / before for before, _, every in times),
            "x",
            0.6,
        ),
    ]


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return seconds and memory of scoring two models and comparing them; a model is half of it."""
    clips, frames = (60, 600) if arguments.smoke else (CLIPS, FRAMES)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        prepared = made_set(folder / "set", clips, frames, split="test")
        for model, noise in MODELS.items():
            make_predictions(folder / model, prepared, model, noise)
        used = usage_of(score_and_compare, folder)
    rounds = 1 if arguments.smoke else 2
    what = f"all metrics of {frames:,} frames, two models scored and compared"
    return [
        at_most(f"{what} with bootstrap", used.seconds, "s", 2 * 15),
        Line(f"{what}, processor time", used.processor, "s"),
        at_most(f"{what}, peak memory", used.peak / 2**30, "GiB", 2),
        *against_earlier(clips, frames, rounds),
    ]


if __name__ == "__main__":
    run("scoring", measure, parser_of(__doc__))
