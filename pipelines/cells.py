"""Stage `cells`: write what a grid's cells are made of: only a change of it runs the grid again."""

from pathlib import Path

from harness.experiments.grid import resolve_cells
from harness.experiments.identity import resolved
from harness.foundation.files import write_json
from harness.foundation.settings import load_settings
from harness.lifting.registry import method_sources
from pipelines.stage import run_stage


def cells(profile: str, grid: str) -> None:
    """Write data/grids/PROFILE-GRID.json: by cell all settings and source files, not the data."""
    found = resolve_cells(load_settings(), grid, profile)
    sources = {model: method_sources(model) for model in {cell.model for cell in found}}
    path = Path("data/grids") / f"{profile}-{grid}.json"
    write_json(path, {cell.name: resolved(cell, sources[cell.model]) for cell in found})


if __name__ == "__main__":
    run_stage(cells, "profile", "grid")
