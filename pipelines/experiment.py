"""Stage `table`: write the table or figure that is made of a grid, mirrored in MLflow."""

from harness.reporting.experiments import write_experiment
from harness.runs.settings import load_settings
from harness.runs.tracking import open_tracker
from pipelines.stage import RESULTS, run_stage


def experiment(profile: str, grid: str) -> None:
    """Write results/PROFILE/experiments/GRID/."""
    written = write_experiment(load_settings(), grid, profile, RESULTS)
    name = f"{profile} {grid} table"
    with open_tracker(f"{profile}-{grid}", name, {"kind": "tables"}) as tracker:
        for path in written:
            tracker.artifact(path)
            print(path)


if __name__ == "__main__":
    run_stage(experiment, "profile", "grid")
