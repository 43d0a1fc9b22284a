"""Stage `speed_table`: table V, times beside the errors of the profile's runs, also in MLflow."""

from harness.foundation.settings import load_settings
from harness.reporting.paper.speed_table import write_speed_table
from harness.reporting.profile_tables import runs_of_profile
from pipelines.stage import RESULTS, publish, run_stage


def speed_table(profile: str) -> None:
    """Write results/PROFILE/speed/table_05_speed.md and .csv."""
    written = write_speed_table(runs_of_profile(load_settings(), profile, RESULTS))
    publish(written, profile, f"{profile} table V")


if __name__ == "__main__":
    run_stage(speed_table, "profile")
