"""Stage `table`: write the table or figure that is made of a grid, mirrored in MLflow."""

from harness.foundation.settings import load_settings
from harness.reporting.grids.experiments import write_experiment
from pipelines.stage import RESULTS, publish, run_stage


def experiment(profile: str, grid: str) -> None:
    """Write results/PROFILE/experiments/GRID/."""
    written = write_experiment(load_settings(), grid, profile, RESULTS)
    publish(written, profile, f"{profile} {grid} table", experiment=f"{profile}-{grid}")


if __name__ == "__main__":
    run_stage(experiment, "profile", "grid")
