"""Stage `score`: score a run's stored predictions under every protocol of its profile."""

from harness.datasets.prepared import PreparedSet
from harness.lifting.predictions import read_predictions
from harness.runs.files import write_json
from harness.runs.settings import load_settings
from harness.scoring.protocols import protocol_called
from harness.scoring.score import score_predictions
from pipelines.stage import PREPARED, RESULTS, run_stage


def score(profile: str, model: str, seed: int) -> None:
    """Write scores/PROTOCOL/ for every protocol, and metrics.json with all averages."""
    run = RESULTS / profile / "runs" / f"{model}-seed{seed}"
    prepared = PreparedSet(PREPARED / profile)
    predictions = read_predictions(run / "predictions")
    metrics = {}
    for protocol in load_settings().profile_called(profile).protocols:
        out = run / "scores" / protocol
        metrics[protocol] = score_predictions(
            predictions, prepared, protocol_called(protocol), out
        ).metrics
    write_json(run / "metrics.json", metrics)


if __name__ == "__main__":
    run_stage(score, "profile", "model", "seed")
