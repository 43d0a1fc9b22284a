"""Scoring a run under several protocols, as the pipeline and grids do it, mirrored in MLflow."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.datasets.prepared import PreparedSet
from harness.foundation.files import write_json
from harness.foundation.provenance import dvc_hashes
from harness.foundation.tracking import Tracker, open_tracker
from harness.prediction.stored import PredictionContract, read_predictions
from harness.scoring.activities import ACTIVITIES_FILE
from harness.scoring.protocols import protocol_called
from harness.scoring.score import score_predictions
from harness.scoring.stored_score import HYPOTHESES_FILE

_COLUMNS = ("MPJPE", "P-MPJPE")
"""Averages under the first protocol, by their plain names: the columns of a list of runs."""


def files_in_git(folder: Path) -> list[Path]:
    """Return the files of a score that git keeps: all but the errors by frame and joint."""
    names = ("score.json", "sequences.csv", HYPOTHESES_FILE, ACTIVITIES_FILE, "metrics.json")
    return [folder / name for name in names if (folder / name).is_file()]


def score_run(
    run_name: str,
    folder: Path,
    prepared_folder: Path,
    protocols: Sequence[str],
    predictions_folder: Path | None = None,
) -> dict[str, dict[str, float]]:
    """Score predictions under every protocol and return the averages by protocol.

    Writes scores/PROTOCOL/ and metrics.json into `folder`.

    Args:
        run_name: how tracking calls the run, such as "quick/dgnet-seed0".
        folder: the run's folder.
        prepared_folder: the prepared set that was predicted.
        protocols: ids of the protocols.
        predictions_folder: by default `predictions` in the run's folder.

    Raises:
        HarnessError: a protocol is unknown, or predictions, data set and protocol do not fit.
    """
    predictions_folder = predictions_folder or folder / "predictions"
    contract = read_predictions(predictions_folder).contract
    with open_score_tracker(run_name, contract, prepared_folder, predictions_folder) as tracker:
        metrics = score_folder(folder, prepared_folder, protocols, predictions_folder)
        for protocol, values in metrics.items():
            track_score(tracker, protocol, values, folder / "scores" / protocol)
        track_columns(tracker, metrics[protocols[0]])
    return metrics


@contextmanager
def open_score_tracker(
    run_name: str, contract: PredictionContract, *inputs: Path
) -> Iterator[Tracker]:
    """Track a scoring in the run of MLflow that its training made, or else in a new one.

    Recorded are what was scored and DVC's hashes of the inputs.
    """
    tags = {
        "scored": "yes",
        "run_id": contract.run_id,
        "model": contract.model,
        "seed": str(contract.seed),
        "data_hash": contract.data_hash,
        "checkpoint_sha256": contract.checkpoint_sha256,
    }
    tags |= {f"dvc.{path}": value for path, value in dvc_hashes(inputs).items()}
    experiment = run_name.partition("/")[0]
    with open_tracker(experiment, run_name, tags, identity=contract.run_id) as tracker:
        tracker.parameters({"prediction": contract.model_dump(mode="json")})
        yield tracker


def track_score(
    tracker: Tracker, protocol: str, metrics: Mapping[str, float], folder: Path
) -> None:
    """Record the averages under a protocol and the files of the score in `folder`."""
    tracker.metrics(plain_names(protocol, metrics))
    for path in files_in_git(folder):
        tracker.artifact(path, protocol)


def track_columns(tracker: Tracker, metrics: Mapping[str, float]) -> None:
    """Record the averages under the profile's first protocol, by which a list of runs is read."""
    tracker.metrics({name: metrics[name] for name in _COLUMNS if name in metrics})


def score_folder(
    folder: Path, prepared_folder: Path, protocols: Sequence[str], predictions_folder: Path
) -> dict[str, dict[str, float]]:
    """Score predictions under every protocol, as `score_run` does, without tracking it.

    Raises:
        HarnessError: a protocol is unknown, or predictions, data set and protocol do not fit.
    """
    chosen = [protocol_called(protocol) for protocol in protocols]
    prepared, predictions = PreparedSet(prepared_folder), read_predictions(predictions_folder)
    metrics = {
        protocol.id: score_predictions(
            predictions, prepared, protocol, folder / "scores" / protocol.id, force=True
        ).metrics
        for protocol in chosen
    }
    write_json(folder / "metrics.json", metrics)
    return metrics


def plain_names(place: str, metrics: Mapping[str, float]) -> dict[str, float]:
    """Return metrics as PLACE/NAME in letters that MLflow takes, without "@" and parentheses."""
    return {
        f"{place}/{name}".replace("@", " at ").replace("(", "").replace(")", ""): value
        for name, value in metrics.items()
    }
