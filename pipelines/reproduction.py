"""Stage `reproduction`: write the page that says what of the paper was reproduced."""

from harness.reporting.reproductions import write_reproduction
from harness.runs.settings import load_settings
from harness.runs.tracking import open_tracker
from pipelines.stage import RESULTS, run_stage


def reproduction(profile: str) -> None:
    """Write results/PROFILE/reproduction.md."""
    path = write_reproduction(load_settings(), profile, RESULTS)
    with open_tracker(profile, f"{profile} reproduction", {"kind": "tables"}) as tracker:
        tracker.artifact(path)
    print(path)


if __name__ == "__main__":
    run_stage(reproduction, "profile")
