"""Stage `figures`: draw the figures of a profile, mirrored in MLflow."""

from harness.foundation.settings import load_settings
from harness.reporting.profile_figures import write_figures
from pipelines.stage import RESULTS, publish, run_stage


def figures(profile: str) -> None:
    """Write results/PROFILE/figures/."""
    publish(write_figures(load_settings(), profile, RESULTS), profile, f"{profile} figures")


if __name__ == "__main__":
    run_stage(figures, "profile")
