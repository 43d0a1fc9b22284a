"""Stage `tables`: write the paper's tables and the figures of a profile, mirrored in MLflow."""

from harness.foundation.settings import load_settings
from harness.reporting.curve_figure import draw_learning_curves
from harness.reporting.joint_figure import draw_joint_figure
from harness.reporting.paper.size_figure import draw_size_figure
from harness.reporting.profile_tables import runs_of_profile, write_tables
from pipelines.stage import RESULTS, publish, run_stage


def tables(profile: str) -> None:
    """Write results/PROFILE/tables/ and results/PROFILE/figures/."""
    settings = load_settings()
    written = write_tables(settings, profile, RESULTS)
    runs = runs_of_profile(settings, profile, RESULTS)
    written += draw_learning_curves(settings.models, profile, RESULTS, settings.seeds)
    written += draw_size_figure(runs)
    written += draw_joint_figure(runs)
    publish(written, profile, f"{profile} tables")


if __name__ == "__main__":
    run_stage(tables, "profile")
