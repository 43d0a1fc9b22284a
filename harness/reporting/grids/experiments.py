"""The paper's experiments as tables and figures: what is made of each grid of a profile."""

from collections.abc import Sequence
from pathlib import Path

from harness.foundation.settings import Settings
from harness.foundation.suggest import unknown_name
from harness.reporting.grids.ablations import TABLES
from harness.reporting.grids.cell_tables import table_lines, table_page, table_reproduction
from harness.reporting.grids.cells import GridCells, grid_cells
from harness.reporting.grids.claim_growth import GROWTH, growth_page, steps_of
from harness.reporting.grids.cross_action import (
    cross_action_page,
    cross_action_reproduction,
    trained_on,
)
from harness.reporting.grids.figures import draw_bars, draw_growth, draw_matrices, draw_noise
from harness.reporting.reproduction import Reproduction
from harness.reporting.table_parts import write_page

CROSS_ACTION = "cross_action"
EXPERIMENTS = (CROSS_ACTION, *TABLES, *GROWTH)
"""The grids that a table or figure is made of."""
REPRODUCING = (CROSS_ACTION, *TABLES)
"""Those among them that the paper prints a table or figure of."""


def write_experiment(settings: Settings, grid: str, profile: str, results: Path) -> list[Path]:
    """Write the table and figures of a grid to results/PROFILE/experiments/GRID, return the files.

    A cell that was not run is empty in its table, and counted.

    Args:
        settings: params.yaml.
        grid: one of `EXPERIMENTS`.
        profile: whose cells.
        results: the folder of all results.

    Raises:
        HarnessError: no table is made of the grid, or a stored score is damaged.
    """
    cells = _cells(settings, grid, profile, results)
    folder = results / profile / "experiments" / grid
    figures: list[Path] = []
    if grid == CROSS_ACTION:
        found = trained_on(cells)
        page = cross_action_page(cells, found)
        if found:
            figures += draw_bars(found, folder / "figure_05_cross_action")
            figures += draw_matrices(found, folder / "figure_05_cross_action_matrix")
    elif grid in GROWTH:
        steps = steps_of(cells)
        page = growth_page(cells, steps)
        if steps:
            figures += draw_growth(steps, GROWTH[grid].removeprefix("by "), folder / page.name)
    else:
        table = TABLES[grid](cells)
        lines = table_lines(table, cells)
        page = table_page(table, cells, lines)
        if grid == "noise" and any(line.row is not None for line in lines):
            figures += draw_noise(lines, folder / "noise")
    return [*write_page(page, folder), *figures]


def experiment_reproduction(
    settings: Settings, grid: str, profile: str, results: Path
) -> Reproduction:
    """Return how much of the paper's table a grid reproduces; arguments as `write_experiment`.

    The grid is one of `REPRODUCING`.
    """
    cells = _cells(settings, grid, profile, results)
    table = None if grid == CROSS_ACTION else TABLES[grid](cells)
    name = "figure_05_cross_action" if table is None else table.name
    place = f"experiments/{grid}/{name}.md"
    page = place if (results / profile / place).is_file() else None
    if table is None:
        return cross_action_reproduction(trained_on(cells), page)
    return table_reproduction(table, table_lines(table, cells), page)


def experiments_run(settings: Settings, profile: str, results: Path) -> Sequence[str]:
    """Return the experiments of params.yaml of which a cell was begun on a profile."""
    return [
        grid
        for grid in settings.experiments
        if any((results / profile / "grids" / grid).glob("*/cell.json"))
    ]


def _cells(settings: Settings, grid: str, profile: str, results: Path) -> GridCells:
    if grid not in EXPERIMENTS:
        raise unknown_name("experiment", grid, EXPERIMENTS)
    return grid_cells(settings, grid, profile, results)
