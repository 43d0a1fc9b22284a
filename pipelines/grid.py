"""Stage `grid`: run every cell of a grid that is not finished; a killed run goes on."""

from harness.experiments.run_grid import run_grid
from harness.foundation.settings import load_settings
from pipelines.stage import run_stage


def grid(profile: str, grid: str) -> None:
    """Write results/PROFILE/grids/GRID/ with a folder a cell, and the averages as GRID.json."""
    run_grid(load_settings(), grid, profile, tell=lambda line: print(line, flush=True))


if __name__ == "__main__":
    run_stage(grid, "profile", "grid")
