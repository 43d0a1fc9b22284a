"""A small prepared set with predictions on it, for tests of scoring; nothing here is trained."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.body.camera import h36m_cameras, project
from harness.body.skeleton import H36M_16, H36M_17, Skeleton
from harness.datasets.prepared import PreparedSet, Source2D
from harness.datasets.prepared_writer import write_prepared_set
from harness.foundation.provenance import Hardware, RunRecord, write_record
from harness.prediction.stored import (
    PredictionContract,
    Predictions,
    read_predictions,
    write_predictions,
)
from harness.scoring.protocols import protocol_called
from harness.scoring.score import score_predictions

# subject, action, subaction, frames; "Walking" and "WalkDog" must never be taken for each other.
TAKES = (
    ("S9", "Walking", "1", 12),
    ("S9", "Walking", "2", 20),
    ("S9", "WalkDog", "1", 9),
    ("S11", "Walking", "1", 16),
    ("S11", "WalkDog", "1", 5),
    ("S11", "WalkDog", "2", 1),
)

TWELVE_TAKES = tuple(
    (subject, action, str(take), 8 + take)
    for subject in ("S9", "S11")
    for action in ("Walking", "WalkDog", "Eating")
    for take in (1, 2)
)
"""Enough for a test of a difference, which needs more than five."""


def make_set(
    folder: Path,
    *,
    takes: Sequence[tuple[str, str, str, int]] = TAKES,
    cameras: int = 2,
    valid: bool = False,
    settings: dict[str, Any] | None = None,
    skeleton: Skeleton = H36M_17,
    seed: int = 0,
) -> PreparedSet:
    """Write a set whose test split has `takes` seen by `cameras`, after one training clip."""
    rng = np.random.default_rng(seed)
    layouts = {"gt": Source2D(layout=skeleton.name, exact=True, confidence=False)}
    with write_prepared_set(folder, skeleton) as writer:
        for split, subject, action, subaction, frames in (
            ("train", "S1", "Walking", "1", 4),
            *(("test", *take) for take in takes),
        ):
            for camera in h36m_cameras()["S1"][:cameras]:
                pose = rng.normal(scale=0.15, size=(1, len(skeleton), 3))
                wave = 0.05 * rng.normal(size=(frames, len(skeleton), 3)).cumsum(axis=0)
                wave /= max(1.0, frames / 10) ** 0.5  # legs stay those of a person
                positions = (pose + wave + np.array([0, 0, 5])).astype(np.float32)
                writer.add_clip(
                    origin="made",
                    subject=subject,
                    action=action,
                    subaction=subaction,
                    split=split,  # type: ignore[arg-type]
                    fps=50.0,
                    camera=camera,
                    camera_key=camera.name,
                    positions_3d=positions,
                    keypoints_2d={"gt": project(positions, camera)},
                    layouts=layouts,
                    valid=rng.random(frames) < 0.7 if valid else None,
                )
        writer.finish(
            name="made",
            title="Made",
            licence="none",
            citation="none",
            importer_version=1,
            settings=settings or {},
        )
    return PreparedSet(folder)


def make_contract(prepared: PreparedSet, **changes: Any) -> PredictionContract:
    values = {
        "model": "dgnet",
        "run_id": "dgnet-0123456789",
        "checkpoint_sha256": "0" * 64,
        "dataset": prepared.manifest.name,
        "data_hash": prepared.data_hash,
        "input_2d": "gt",
        "trained_on_2d": "gt",
        "split": "test",
        "skeleton": prepared.skeleton.name,
        "frames": 4,
        "predicts": "all",
        "flip_test": True,
        "uses_root_depth": False,
        "seed": 0,
    }
    return PredictionContract(**(values | changes))


def true_poses(prepared: PreparedSet) -> NDArray[np.float32]:
    """Return the root-relative ground truth of the test split, in the order of its clips."""
    clips = prepared.select("test")
    rows = np.concatenate(
        [
            np.arange(first, first + n)
            for first, n in zip(clips.first_row, clips.frames, strict=True)
        ]
    )
    truth = prepared.positions_3d[rows]
    root = prepared.skeleton.root
    return truth - truth[:, root : root + 1]


def make_predictions(
    folder: Path, prepared: PreparedSet, *, noise: float = 0.05, draw: int = 0, **contract: Any
) -> Predictions:
    """Write predictions that are the truth with Gaussian noise (metres) and read them back."""
    truth = true_poses(prepared)
    rng = np.random.default_rng(draw)
    predicted = (truth + noise * rng.normal(size=truth.shape)).astype(np.float32)
    if contract.get("skeleton") == "h36m_16":
        predicted = predicted[:, H36M_16.columns_in(prepared.skeleton)]
    made = make_contract(prepared, **contract)
    write_predictions(folder, made, prepared.select("test"), predicted)
    return read_predictions(folder)


def make_run(
    results: Path,
    prepared: PreparedSet,
    model: str,
    *,
    seed: int = 0,
    noise: float = 0.05,
    profile: str = "quick",
    protocol: str = "h36m17-actionwise",
    learning_rate: float = 0.001,
    network: Mapping[str, Any] | None = None,
    **contract: Any,
) -> Path:
    """Write the folder of a run whose predictions are the truth with noise, scored."""
    folder = results / profile / "runs" / f"{model}-seed{seed}"
    run_id = f"{model}-{seed:010d}"
    predictions = make_predictions(
        folder / "predictions",
        prepared,
        noise=noise,
        draw=seed + 100 * len(model),
        **({"model": model, "seed": seed, "run_id": run_id} | contract),
    )
    score_predictions(
        predictions, prepared, protocol_called(protocol), folder / "scores" / protocol
    )
    record = RunRecord(
        run=f"{profile}/{folder.name}",
        run_id=run_id,
        kind="train",
        status="finished",
        model=model,
        seed=seed,
        parameters={
            "network": {"channels": 8, **(network or {})},
            "training": {
                "epochs": 3,
                "steps_per_epoch": None,
                "batch_size": 64,
                "learning_rate": learning_rate,
                "select": "best",
            },
        },
        dataset=prepared.manifest.name,
        data_hash=prepared.data_hash,
        commit=None,
        dirty=None,
        code_hash="0",
        dvc_hashes={},
        versions={},
        hardware=Hardware(cpu="one", cores=1, memory_gib=1.0, gpus=[]),
        command="made by a test",
        started="2024-01-01T00:00:00+00:00",
        results={"epoch": 2, "epochs": 3},
    )
    write_record(folder / "run.json", record)
    return folder
