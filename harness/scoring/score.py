"""Scoring: stored predictions and a prepared set in, errors, sums and averages out.

Reads files only, never a model. Clips are scored in the order of the prepared set, whatever order
they were predicted in, and every frame counts once.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.body.skeleton import skeleton_called
from harness.datasets.prepared import PreparedSet
from harness.prediction.stored import PredictionContract, Predictions
from harness.runs.errors import HarnessError
from harness.runs.files import atomic_folder, only_writer, sha256_of_file, write_json
from harness.scoring.activities import ACTIVITIES_FILE, ActivitySums
from harness.scoring.errors_file import write_errors
from harness.scoring.metrics import POSITION_METRICS
from harness.scoring.protocols import Protocol
from harness.scoring.sequences import (
    IDENTITY,
    MetricSums,
    SequenceSums,
    frame_sums,
    write_sequences,
)
from harness.scoring.stored_score import Conditions, Score, ScoreHeader, read_header


def score_predictions(
    predictions: Predictions,
    prepared: PreparedSet,
    protocol: Protocol,
    out: Path,
    *,
    force: bool = False,
) -> Score:
    """Score stored predictions under a protocol and write the score's folder `out`.

    Args:
        predictions: as `read_predictions` returns them.
        prepared: the data set that they were made on.
        protocol: how to score.
        out: the folder; it ends whole or as it was before.
        force: replace a score in `out` that was made under other conditions.

    Raises:
        HarnessError: predictions, data set and protocol do not belong together, or `out` holds
            something else or cannot be written.
    """
    fitted = protocol.fitted_to(prepared.skeleton)
    clips = _clips_to_score(predictions, prepared, fitted)
    conditions = Conditions(
        protocol=protocol.id,
        version=protocol.version,
        definition=protocol.definition,
        predictions=predictions.contract,
        departures=_departures(predictions.contract, protocol),
    )
    with only_writer(out):
        _refuse_other_content(out, conditions, force)
        with atomic_folder(out) as folder:
            score = _score_into(folder, predictions, prepared, fitted, clips, conditions)
    return score


def _score_into(
    folder: Path,
    predictions: Predictions,
    prepared: PreparedSet,
    protocol: Protocol,
    clips: pd.DataFrame,
    conditions: Conditions,
) -> Score:
    stored = [metric.name for metric in POSITION_METRICS if metric.name in protocol.metrics]
    truth_hash, predictions_hash = hashlib.sha256(), hashlib.sha256()
    sums: dict[str, list[tuple[int, NDArray[np.float64]]]] = {name: [] for name in protocol.metrics}
    activities = ActivitySums(prepared.manifest.activities, protocol)
    with write_errors(
        folder / "errors.parquet", stored, len(protocol.joints), conditions.model_dump_json()
    ) as writer:
        for clip in _scored_clips(predictions, prepared, protocol, clips):
            truth_hash.update(clip.truth.tobytes())
            predictions_hash.update(clip.predicted.tobytes())
            errors = _errors(clip, predictions, prepared, protocol)
            writer.add(clip.number, clip.frames, errors)
            for name, part in frame_sums(errors, protocol).items():
                sums[name].append(part)
            if prepared.activity is not None:
                activities.add(prepared.activity[clip.first_row + clip.frames], errors)
    sequences = SequenceSums(
        clips[list(IDENTITY)].reset_index(drop=True),
        protocol.joints,
        {
            name: MetricSums(
                np.array([frames for frames, _ in parts], dtype=np.int64),
                np.stack([part for _, part in parts]),
            )
            for name, parts in sums.items()
        },
    )
    frames = int(sequences.metric("MPJPE").frames.sum())
    if frames == 0:
        raise HarnessError(f"{prepared.path}: marks no frame of these clips as valid")
    write_sequences(folder / "sequences.csv", sequences)
    if prepared.activity is not None:
        activities.write(folder / ACTIVITIES_FILE)
    header = ScoreHeader(
        conditions=conditions,
        clips=len(clips),
        frames=frames,
        truth_sha256=truth_hash.hexdigest(),
        predictions_sha256=predictions_hash.hexdigest(),
        sequences_sha256=sha256_of_file(folder / "sequences.csv"),
    )
    score = Score(header, sequences)
    write_json(folder / "score.json", header.model_dump(mode="json"))
    write_json(folder / "metrics.json", score.metrics)
    return score


@dataclass(frozen=True)
class _ScoredClip:
    """The frames of a clip that count: numbers within the clip, predictions and ground truth."""

    number: int
    first_row: int
    frames: NDArray[np.int64]
    predicted: NDArray[np.float32]
    truth: NDArray[np.float32]


def _scored_clips(
    predictions: Predictions, prepared: PreparedSet, protocol: Protocol, clips: pd.DataFrame
) -> Iterator[_ScoredClip]:
    predicted_from = predictions.clips.set_index("clip")["first_row"]
    for number, first_row, length in clips[["clip", "first_row", "frames"]].itertuples(index=False):
        frames = np.arange(length)
        if prepared.valid is not None:
            frames = np.flatnonzero(prepared.valid[first_row : first_row + length])
        yield _ScoredClip(
            number,
            first_row,
            frames,
            predictions.positions[predicted_from[number] + frames],
            prepared.positions_3d[first_row + frames],
        )


def _errors(
    clip: _ScoredClip, predictions: Predictions, prepared: PreparedSet, protocol: Protocol
) -> dict[str, NDArray[np.float32]]:
    """Return metric -> (frames, joints) in the precision that is stored."""
    for what, positions, remedy in (
        (f"the predictions of {predictions.contract.model}", clip.predicted, "predict again"),
        (f"data set {prepared.path}", clip.truth, "prepare it again"),
    ):
        if not np.isfinite(positions).all():
            raise HarnessError(f"clip {clip.number} of {what} holds NaN or infinity; {remedy}")
    predicted, truth = protocol.place(
        clip.predicted,
        skeleton_called(predictions.contract.skeleton),
        clip.truth,
        prepared.skeleton,
    )
    return {
        metric.name: metric.errors(predicted, truth, clip.frames).astype(np.float32)
        for metric in POSITION_METRICS
        if metric.name in protocol.metrics
    }


def _clips_to_score(
    predictions: Predictions, prepared: PreparedSet, protocol: Protocol
) -> pd.DataFrame:
    """Return the prepared set's clips to score, or say why predictions, set and protocol clash."""
    contract = predictions.contract
    if contract.data_hash != prepared.data_hash:
        raise HarnessError(
            f"the predictions of {contract.model} were made on {contract.dataset} with data hash "
            f"{contract.data_hash[:12]}, {prepared.path} is {prepared.manifest.name} with "
            f"{prepared.data_hash[:12]}; score against the former or predict again"
        )
    for owner, skeleton in (
        (f"predictions of {contract.model}", skeleton_called(contract.skeleton)),
        (f"data set {prepared.path}", prepared.skeleton),
    ):
        try:
            protocol.skeleton.columns_in(skeleton)
        except HarnessError as error:
            raise HarnessError(f"{owner}: protocol {protocol.id} does not fit, {error}") from error
    annotation = prepared.manifest.settings.get("annotation")
    if protocol.annotation is not None and annotation != protocol.annotation:
        raise HarnessError(
            f"{prepared.path}: protocol {protocol.id} needs annotation '{protocol.annotation}', "
            f"the data set was prepared with '{annotation}'; prepare it again or choose another"
        )
    if protocol.needs_valid and prepared.valid is None:
        raise HarnessError(
            f"{prepared.path}: protocol {protocol.id} counts valid frames only, but the data set "
            "does not say which are (no valid.npy); prepare it again"
        )
    expected = prepared.select(contract.split).sort_values("clip")
    found = predictions.clips.sort_values("clip")
    same = [*IDENTITY, "frames"]
    if not found[same].reset_index(drop=True).equals(expected[same].reset_index(drop=True)):
        raise HarnessError(
            f"the predictions of {contract.model} hold {len(found)} clips with "
            f"{found['frames'].sum()} frames, which are not the {len(expected)} clips with "
            f"{expected['frames'].sum()} frames of split {contract.split}; predict again"
        )
    kept = expected[protocol.keeps(expected)]
    if kept.empty:
        raise HarnessError(
            f"{prepared.path}: no clip of split {contract.split} is left under protocol "
            f"{protocol.id} (actions scored: {', '.join(protocol.actions) or 'all'})"
        )
    return kept


def _departures(contract: PredictionContract, protocol: Protocol) -> tuple[str, ...]:
    """Say where the predictions depart from what the protocol's source does; tables print it."""
    found = []
    if protocol.flip_test not in (None, contract.flip_test):
        used, usual = ("with", "without") if contract.flip_test else ("without", "with")
        found.append(f"predicted {used} flip at test, the protocol's source {usual}")
    if contract.input_2d != contract.trained_on_2d:
        found.append(f"trained on {contract.trained_on_2d}, tested on {contract.input_2d}")
    if contract.uses_root_depth:
        found.append("given the true depth of the root")
    if contract.corruption is not None:
        values = " ".join(f"{key}={value}" for key, value in contract.corruption.items())
        found.append(f"corrupted 2D input ({values})")
    return tuple(found)


def _refuse_other_content(out: Path, conditions: Conditions, force: bool) -> None:
    """Raise if writing `out` would destroy anything but an older copy of the same score."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / "score.json").is_file():
        raise HarnessError(
            f"{out}: exists and is not the folder of a score; choose another place or remove it"
        )
    if force:
        return
    there = read_header(out).conditions.model_dump(mode="json")
    wanted = conditions.model_dump(mode="json")
    there |= there.pop("predictions")
    wanted |= wanted.pop("predictions")
    changed = [key for key in wanted if there[key] != wanted[key]]
    if changed:
        raise HarnessError(
            f"{out}: holds a score made under another {', '.join(changed)}; "
            "choose another place, or replace it with --force"
        )
