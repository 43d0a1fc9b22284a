"""Stage `tables`: write the paper's tables and the figures of a profile, mirrored in MLflow."""

from harness.reporting.figures import draw_learning_curves
from harness.reporting.size_figure import draw_size_figure
from harness.reporting.tables import runs_of_profile, write_tables
from harness.runs.settings import load_settings
from harness.runs.tracking import open_tracker
from pipelines.stage import RESULTS, run_stage


def tables(profile: str) -> None:
    """Write results/PROFILE/tables/ and results/PROFILE/figures/."""
    settings = load_settings()
    written = write_tables(settings, profile, RESULTS)
    written.append(draw_learning_curves(settings.models, profile, RESULTS, settings.seeds))
    written += draw_size_figure(runs_of_profile(settings, profile, RESULTS))
    with open_tracker(profile, f"{profile} tables", {"kind": "tables"}) as tracker:
        for path in written:
            tracker.artifact(path, path.parent.name)
    for path in written:
        print(path)


if __name__ == "__main__":
    run_stage(tables, "profile")
