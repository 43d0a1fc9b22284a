"""Stage `report`: write the page of a profile's results, mirrored in MLflow."""

from harness.foundation.settings import load_settings
from harness.reporting.page.report import write_report
from pipelines.stage import PREPARED, RESULTS, publish, run_stage


def report(profile: str) -> None:
    """Write results/PROFILE/report/."""
    page = write_report(load_settings(), profile, RESULTS, PREPARED / profile)
    publish([page], profile, f"{profile} report")


if __name__ == "__main__":
    run_stage(report, "profile")
