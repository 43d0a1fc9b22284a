"""Stage `cross`: test a trained model on another profile's data, such as Human3.6M's on 3DHP."""

from harness.experiments.cross_data import CrossTest, cross_test
from harness.foundation.settings import load_settings
from pipelines.stage import PREPARED, RESULTS, run_stage


def cross(profile: str, target: str, model: str, seed: int) -> None:
    """Write cross/TARGET/ in the run's folder: predictions/, scores/ and metrics.json."""
    run = RESULTS / profile / "runs" / f"{model}-seed{seed}"
    test = CrossTest(profile, target, run, PREPARED)
    cross_test(test, load_settings().profile_called(target), keep_predictions=True)


if __name__ == "__main__":
    run_stage(cross, "profile", "target", "model", "seed")
