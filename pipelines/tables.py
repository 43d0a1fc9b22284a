"""Stage `tables`: write the paper's tables of a profile and mirror them in MLflow."""

from harness.reporting.tables import write_tables
from harness.runs.settings import load_settings
from harness.runs.tracking import open_tracker
from pipelines.stage import RESULTS, run_stage


def tables(profile: str) -> None:
    """Write results/PROFILE/tables/."""
    written = write_tables(load_settings(), profile, RESULTS)
    with open_tracker(profile, f"{profile} tables", {"kind": "tables"}) as tracker:
        for path in written:
            tracker.artifact(path, "tables")
    for path in written:
        print(path)


if __name__ == "__main__":
    run_stage(tables, "profile")
