"""Stage `predict`: store a trained model's predictions for the test split of its profile."""

from harness.foundation.settings import load_settings
from harness.prediction.predict_run import predict_run
from pipelines.stage import PREPARED, RESULTS, run_stage


def predict(profile: str, model: str, seed: int) -> None:
    """Write the run's predictions/."""
    predict_run(
        RESULTS / profile / "runs" / f"{model}-seed{seed}",
        PREPARED / profile,
        flip_test=load_settings().profile_called(profile).flip_test,
    )


if __name__ == "__main__":
    run_stage(predict, "profile", "model", "seed")
