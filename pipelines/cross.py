"""Stage `cross`: test a trained model on another profile's data, such as Human3.6M's on 3DHP."""

from harness.foundation.settings import load_settings
from harness.prediction.predict_run import predict_run
from harness.reporting.profile_tables import CROSS_FOLDER
from harness.scoring.all_protocols import score_run
from pipelines.stage import PREPARED, RESULTS, run_stage


def cross(profile: str, target: str, model: str, seed: int) -> None:
    """Write cross/TARGET/ in the run's folder: predictions/, scores/ and metrics.json."""
    settings = load_settings().profile_called(target)
    run = RESULTS / profile / "runs" / f"{model}-seed{seed}"
    out = run / CROSS_FOLDER / target
    predict_run(
        run,
        PREPARED / target,
        flip_test=settings.flip_test,
        input_2d=settings.input_2d,
        allow_other_input=True,
        out=out / "predictions",
    )
    score_run(f"{profile}/{run.name} on {target}", out, PREPARED / target, settings.protocols)


if __name__ == "__main__":
    run_stage(cross, "profile", "target", "model", "seed")
