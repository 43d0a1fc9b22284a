"""Stage `wsgcn`: run the rows of WS-GCN's table that are missing; write it, also to MLflow."""

from harness.experiments.run_grid import run_grid
from harness.foundation.settings import load_settings
from harness.reporting.grids.supervision_table import GRID, supervision_table
from harness.reporting.table_parts import write_page
from pipelines.stage import RESULTS, publish, run_stage


def wsgcn(profile: str) -> None:
    """Write results/PROFILE/grids/wsgcn/ and results/PROFILE/experiments/wsgcn/."""
    settings = load_settings()
    run_grid(settings, GRID, profile, tell=lambda line: print(line, flush=True))
    page = supervision_table(settings, profile, RESULTS)
    written = write_page(page, RESULTS / profile / "experiments" / GRID)
    publish(written, profile, f"{profile} {GRID} table", experiment=f"{profile}-{GRID}")


if __name__ == "__main__":
    run_stage(wsgcn, "profile")
