"""Stage `wsgcn`: run the rows of WS-GCN's table that are not finished, and write the table."""

from harness.experiments.run import run_grid
from harness.reporting.supervision_table import GRID, supervision_table
from harness.reporting.table_parts import write_page
from harness.runs.settings import load_settings
from pipelines.stage import RESULTS, run_stage


def wsgcn(profile: str) -> None:
    """Write results/PROFILE/grids/wsgcn/ and results/PROFILE/experiments/wsgcn/."""
    settings = load_settings()
    run_grid(settings, GRID, profile, tell=lambda line: print(line, flush=True))
    page = supervision_table(settings, profile, RESULTS)
    for path in write_page(page, RESULTS / profile / "experiments" / GRID):
        print(path)


if __name__ == "__main__":
    run_stage(wsgcn, "profile")
