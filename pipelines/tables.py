"""Stage `tables`: write the paper's tables of a profile, mirrored in MLflow."""

from harness.foundation.settings import load_settings
from harness.reporting.profile_tables import write_tables
from pipelines.stage import RESULTS, publish, run_stage


def tables(profile: str) -> None:
    """Write results/PROFILE/tables/."""
    publish(write_tables(load_settings(), profile, RESULTS), profile, f"{profile} tables")


if __name__ == "__main__":
    run_stage(tables, "profile")
