"""Scoring: stored predictions and a prepared set in, errors, sums and averages out.

Reads files only, never a model. Clips are scored in the order of the prepared set, whatever order
they were predicted in; which frames count, and how often, is the protocol's `coverage`.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.foundation.files import atomic_folder, only_writer, sha256_of_file, write_json
from harness.foundation.memory import keep_freed_memory
from harness.prediction.stored import Predictions
from harness.scoring.activities import ACTIVITIES_FILE, ActivitySums
from harness.scoring.errors_file import write_errors
from harness.scoring.fitting import clips_to_score, departures_of
from harness.scoring.hypotheses import hypothesis_sums
from harness.scoring.metric_kinds import ClipPoses
from harness.scoring.metrics import POSITION_METRICS
from harness.scoring.protocols import Protocol
from harness.scoring.scored_clips import scored_clips
from harness.scoring.sequences import (
    IDENTITY,
    MetricSums,
    SequenceSums,
    Sums,
    frame_sums,
    pose_sums,
    write_sequences,
)
from harness.scoring.stored_score import (
    HYPOTHESES_FILE,
    Conditions,
    Score,
    ScoreHeader,
    read_header,
)


def score_predictions(
    predictions: Predictions,
    prepared: PreparedSet,
    protocol: Protocol,
    out: Path,
    *,
    force: bool = False,
    best_over: int = 1,
    briefly: bool = False,
) -> Score:
    """Score stored predictions under a protocol and write the score's folder `out`.

    Args:
        predictions: as `read_predictions` returns them.
        prepared: the data set that they were made on.
        protocol: how to score.
        out: the folder; it ends whole or as it was before.
        force: replace a score in `out` that was made under other conditions.
        best_over: of several hypotheses P-Best chooses one for so many windows together.
        briefly: only the metrics that the protocol names.

    Raises:
        HarnessError: predictions, data set and protocol do not belong together, or `out` holds
            something else or cannot be written.
    """
    keep_freed_memory()  # a clip's arrays take the place of those of the clip before
    fitted = protocol.fitted_to(prepared.skeleton)
    clips = clips_to_score(predictions, prepared, fitted)
    conditions = Conditions(
        protocol=protocol.id,
        version=protocol.version,
        definition=protocol.definition,
        predictions=predictions.contract,
        departures=departures_of(predictions.contract, protocol),
    )
    with only_writer(out):
        _refuse_other_content(out, conditions, force)
        with atomic_folder(out) as folder:
            score = _score_into(
                folder, predictions, prepared, fitted, clips, conditions, best_over, briefly
            )
    return score


def measure(
    predictions: Predictions, prepared: PreparedSet, protocol: Protocol, *, briefly: bool = False
) -> SequenceSums:
    """Return the sums by clip of predictions under a protocol, and write nothing.

    Args:
        predictions: as `read_predictions` returns them.
        prepared: the data set that they were made on.
        protocol: how to score.
        briefly: only the protocol's own metrics.

    Raises:
        HarnessError: predictions, data set and protocol do not belong together.
    """
    fitted = protocol.fitted_to(prepared.skeleton)
    clips = clips_to_score(predictions, prepared, fitted)
    parts: list[Sums] = []
    for clip in scored_clips(predictions, prepared, fitted, clips, estimate_roots=not briefly):
        parts.append(frame_sums(_stored_errors(clip.poses, fitted), fitted))
        if not briefly:
            parts[-1] |= pose_sums(clip.poses)
    return _joined(clips, fitted, parts)


def _score_into(
    folder: Path,
    predictions: Predictions,
    prepared: PreparedSet,
    protocol: Protocol,
    clips: pd.DataFrame,
    conditions: Conditions,
    best_over: int,
    briefly: bool,
) -> Score:
    stored = [metric.name for metric in POSITION_METRICS if metric.name in protocol.metrics]
    truth_hash, predictions_hash = hashlib.sha256(), hashlib.sha256()
    parts: list[Sums] = []
    aggregates: list[Sums] = []
    activities = ActivitySums(prepared.manifest.activities, protocol)
    with write_errors(
        folder / "errors.parquet", stored, len(protocol.joints), conditions.model_dump_json()
    ) as writer:
        for clip in scored_clips(
            predictions, prepared, protocol, clips, estimate_roots=not briefly
        ):
            truth_hash.update(np.ascontiguousarray(clip.truth).data)
            predictions_hash.update(np.ascontiguousarray(clip.predicted).data)
            errors = _stored_errors(clip.poses, protocol)
            writer.add(clip.number, clip.frames, errors)
            parts.append(frame_sums(errors, protocol))
            if not briefly:
                parts[-1] |= pose_sums(clip.poses)
            if predictions.contract.hypotheses > 1:
                aggregates.append(hypothesis_sums(clip, best_over))
            if prepared.activity is not None:
                activities.add(prepared.activity[clip.place.rows], errors)
    sequences = _joined(clips, protocol, parts)
    if not sequences.metric("MPJPE").frames.sum():
        raise HarnessError(f"{prepared.path}: marks no frame of these clips as valid")
    write_sequences(folder / "sequences.csv", sequences)
    hypotheses, hypotheses_hash = None, None
    if aggregates:
        hypotheses = _joined(clips, protocol, aggregates)
        write_sequences(folder / HYPOTHESES_FILE, hypotheses)
        hypotheses_hash = sha256_of_file(folder / HYPOTHESES_FILE)
    if prepared.activity is not None:
        activities.write(folder / ACTIVITIES_FILE)
    header = ScoreHeader(
        conditions=conditions,
        clips=len(clips),
        frames=int(sequences.metric("MPJPE").frames.sum()),
        truth_sha256=truth_hash.hexdigest(),
        predictions_sha256=predictions_hash.hexdigest(),
        sequences_sha256=sha256_of_file(folder / "sequences.csv"),
        hypotheses_sha256=hypotheses_hash,
    )
    score = Score(header, sequences, hypotheses)
    write_json(folder / "score.json", header.model_dump(mode="json"))
    write_json(folder / "metrics.json", score.metrics)
    return score


def _joined(clips: pd.DataFrame, protocol: Protocol, parts: Sequence[Sums]) -> SequenceSums:
    """Put the sums of single clips together."""
    by_metric = {
        name: MetricSums(
            np.array([part[name][0] for part in parts], dtype=np.int64),
            np.stack([part[name][1] for part in parts]),
        )
        for name in parts[0]
    }
    return SequenceSums(clips[list(IDENTITY)].reset_index(drop=True), protocol.joints, by_metric)


def _stored_errors(poses: ClipPoses, protocol: Protocol) -> dict[str, NDArray[np.float32]]:
    """Return metric -> (frames, joints) in the precision that is stored."""
    return {
        metric.name: metric.errors(poses).astype(np.float32)
        for metric in POSITION_METRICS
        if metric.name in protocol.metrics
    }


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
