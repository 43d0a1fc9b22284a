"""Scoring a set as large as Human3.6M's test set, all metrics, and one comparison of it.

    python benchmarks/scoring.py

Random motion of 236 clips, 543,344 frames of 17 joints (59 takes seen by four cameras).
"""

import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from harness.body.camera import h36m_cameras
from harness.body.skeleton import H36M_17
from harness.datasets.prepared import PreparedSet, Source2D
from harness.datasets.prepared_writer import write_prepared_set
from harness.lifting.predictions import PredictionContract, read_predictions, write_predictions
from harness.scoring.metrics import METRICS
from harness.scoring.protocols import protocol_called
from harness.scoring.score import score_predictions
from harness.scoring.statistics import differences_to_first
from harness.scoring.takes import takes_of

TAKES, FRAMES = 59, 543_344
PROTOCOL = protocol_called("h36m17-actionwise")


def make_set(folder: Path) -> PreparedSet:
    """Write random motion: 15 actions, four cameras."""
    generator = np.random.default_rng(0)
    clips = TAKES * 4
    lengths = np.full(clips, FRAMES // clips) + (np.arange(clips) < FRAMES % clips)
    source = {"gt": Source2D(layout="h36m_17", exact=True, confidence=False)}
    with write_prepared_set(folder, H36M_17) as writer:
        for number, length in enumerate(lengths):
            camera = h36m_cameras()["S9"][number % 4]
            writer.add_clip(
                origin="made",
                subject="S9",
                action=f"Action{number // 4 % 15}",
                subaction=str(number // 60),
                split="test",
                fps=50.0,
                camera=camera,
                camera_key=camera.name,
                positions_3d=generator.normal(0.0, 0.3, (length, 17, 3)),
                keypoints_2d={"gt": np.zeros((length, 17, 2), np.float32)},
                layouts=source,
            )
        writer.finish(
            name="made", title="Made", licence="", citation="", importer_version=1, settings={}
        )
    return PreparedSet(folder)


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
        skeleton="h36m_17",
        frames=1,
        predicts="all",
        flip_test=True,
        uses_root_depth=False,
        seed=0,
    )
    predicted = truth + noise * generator.standard_normal(truth.shape, dtype=np.float32)
    write_predictions(folder, contract, prepared.select("test"), predicted)


def main() -> None:
    """Score two models' predictions and compare them; print seconds and peak memory."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        prepared = make_set(folder / "set")
        scores = []
        for model, noise in (("first", 0.05), ("second", 0.06)):
            make_predictions(folder / model, prepared, model, noise)
            start = time.perf_counter()
            predictions = read_predictions(folder / model)
            scores.append(score_predictions(predictions, prepared, PROTOCOL, folder / "s" / model))
            seconds = time.perf_counter() - start
            print(f"{len(METRICS)} metrics of {scores[-1].header.frames} frames: {seconds:.1f} s")
        start = time.perf_counter()
        models = [[score.sequences] for score in scores]
        for metric in METRICS.values():
            differences_to_first(takes_of(models, metric, PROTOCOL))
        print(f"bootstrap and test of {len(METRICS)} averages: {time.perf_counter() - start:.1f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory, the making of the data included: {peak:.2f} GiB")


if __name__ == "__main__":
    main()
