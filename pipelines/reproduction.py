"""Stage `reproduction`: write the page that says what of the paper was reproduced."""

from harness.foundation.settings import load_settings
from harness.reporting.paper_audit import write_reproduction
from pipelines.stage import RESULTS, publish, run_stage


def reproduction(profile: str) -> None:
    """Write results/PROFILE/reproduction.md."""
    written = write_reproduction(load_settings(), profile, RESULTS)
    publish([written], profile, f"{profile} reproduction")


if __name__ == "__main__":
    run_stage(reproduction, "profile")
