"""Runs as they lie in a results folder, with scores of chosen size, made without any training."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.foundation.files import sha256_of_file, write_json
from harness.foundation.provenance import collect, write_record
from harness.prediction.stored import PredictionContract
from harness.scoring.protocols import protocol_called
from harness.scoring.sequences import MetricSums, SequenceSums, write_sequences
from harness.scoring.stored_score import Conditions, Score, ScoreHeader

FRAMES = np.array([30, 50])


def write_run(
    results: Path,
    model: str = "dgnet",
    seed: int = 0,
    *,
    mpjpe: float = 50.0,
    p_mpjpe: float = 40.0,
    profile: str = "quick",
    code: str = "c" * 64,
    width: int = 8,
    precision: str = "32-true",
    **contract_changes: Any,
) -> Path:
    """Write a run whose every joint is wrong by `mpjpe` mm in every frame; return its folder."""
    folder = results / profile / "runs" / f"{model}-seed{seed}"
    contract: dict[str, Any] = {
        "model": model,
        "checkpoint_sha256": "a" * 64,
        "dataset": "synthetic",
        "data_hash": "d" * 64,
        "input_2d": "detected",
        "trained_on_2d": "detected",
        "split": "test",
        "skeleton": "h36m17",
        "frames": 4,
        "predicts": "all",
        "flip_test": True,
        "uses_root_depth": False,
        "seed": seed,
        **contract_changes,
    }
    record = collect(
        run=f"{profile}/{model}-seed{seed}",
        kind="train",
        model=model,
        seed=seed,
        parameters={"network": {"width": width}, "training": {"epochs": 2, "precision": precision}},
        dataset=contract["dataset"],
        data_hash=contract["data_hash"],
        code=code,
    )
    contract.setdefault("run_id", record.run_id)
    write_record(folder / "run.json", record.ended("finished", {"epoch": 1}, seconds=12.0))
    write_score(folder / "scores", PredictionContract(**contract), mpjpe, p_mpjpe)
    return folder


def write_score(scores: Path, contract: PredictionContract, mpjpe: float, p_mpjpe: float) -> None:
    """Write a score under h36m17-actionwise of one clip of walking and one of sitting."""
    protocol = protocol_called("h36m17-actionwise")
    clips = pd.DataFrame(
        {
            "clip": [0, 1],
            "subject": "S9",
            "action": ["Walking", "Sitting"],
            "subaction": "1",
            "camera": "S9/54138969",
        }
    )
    each = {"MPJPE": mpjpe, "P-MPJPE": p_mpjpe}
    joints = len(protocol.joints)
    sums = {name: MetricSums(FRAMES, np.outer(FRAMES, [v] * joints)) for name, v in each.items()}
    sequences = SequenceSums(clips, protocol.joints, sums)
    folder = scores / protocol.id
    write_sequences(folder / "sequences.csv", sequences)
    header = ScoreHeader(
        conditions=Conditions(
            protocol=protocol.id,
            version=protocol.version,
            definition=protocol.definition,
            predictions=contract,
            departures=(),
        ),
        clips=2,
        frames=int(FRAMES.sum()),
        truth_sha256="b" * 64,
        predictions_sha256="e" * 64,
        sequences_sha256=sha256_of_file(folder / "sequences.csv"),
    )
    write_json(folder / "score.json", header.model_dump(mode="json"))
    write_json(folder / "metrics.json", Score(header, sequences).metrics)
