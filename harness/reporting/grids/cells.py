"""The finished cells of a grid, as tables look them up, and why the others are not there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.experiments.grid import Cell, left_by_cell, read_cell, resolve_cells
from harness.experiments.identity import resolved
from harness.foundation.errors import HarnessError
from harness.foundation.history import read_history
from harness.foundation.settings import Settings
from harness.prediction.corruption import corruption_settings
from harness.reporting.grids.report import scored_cell
from harness.reporting.stored.scored_runs import ScoredModel

Corruption = Mapping[str, Any]

_FEWEST_STEPS = 1_000
"""A network here that was trained for fewer steps is nowhere near the end of its learning."""


@dataclass(frozen=True)
class GridCells:
    """A grid on a profile and the cells of it that are finished with today's settings.

    A cell whose data or source files have changed since is shown, and found by the run id printed
    beside it; `harness grid status` calls it stale.

    Attributes:
        grid: name of the grid.
        profile: the profile.
        protocol: id of the protocol that its tables show.
        cells: all cells, in the order of params.yaml.
        finished: folder of each finished cell, by name.
        missing: why the others are not shown, by name.
    """

    grid: str
    profile: str
    protocol: str
    cells: tuple[Cell, ...]
    finished: Mapping[str, Path]
    missing: Mapping[str, str]

    def scored(
        self,
        name: str,
        variation: str,
        model: str,
        corruption: Corruption | None = None,
        split: str = "test",
    ) -> ScoredModel | None:
        """Return the runs of a variation, one for each seed and draw, or None where there is none.

        Args:
            name: how tables call it.
            variation: name of the variation.
            model: the method.
            corruption: what was done to the 2D input, whatever the draw.
            split: the clips tested on.

        Raises:
            HarnessError: a score is missing or damaged.
        """
        runs = [
            scored_cell(folder, evaluation.name, self.protocol)
            for cell in self.cells
            if (cell.variation, cell.model) == (variation, model)
            and (folder := self.finished.get(cell.name)) is not None
            for evaluation in cell.evaluations
            if evaluation.split == split
            and kind_of(evaluation.corruption) == kind_of(corruption)
            and evaluation.input_2d in (None, cell.input_2d)
        ]
        return ScoredModel(name, tuple(runs)) if runs else None

    def smoke_test(self) -> list[str]:
        """Return a line that warns of cells that were hardly trained, or nothing.

        Raises:
            HarnessError: the training curve of a cell is damaged.
        """
        curves = [folder / "history.csv" for folder in self.finished.values()]
        steps = [read_history(curve)[-1].step for curve in curves if curve.is_file()]
        if not steps or max(steps) >= _FEWEST_STEPS:
            return []
        return [
            f"**Smoke test.** No cell was trained for more than {max(steps)} steps. This shows "
            "that the experiment runs; the numbers say nothing about the methods."
        ]

    def corruptions(self) -> list[dict[str, Any]]:
        """Return what the grid does to the 2D input, whatever the draw, in its order."""
        found: list[dict[str, Any]] = []
        for evaluation in self.cells[0].evaluations:
            kind = kind_of(evaluation.corruption)
            if kind is not None and kind not in found:
                found.append(kind)
        return found


def kind_of(corruption: Corruption | None) -> dict[str, Any] | None:
    """Return a corruption with its defaults and without its draw."""
    if corruption is None:
        return None
    return corruption_settings(corruption).model_dump(exclude={"draw"})


def grid_cells(settings: Settings, grid: str, profile: str, results: Path) -> GridCells:
    """Return a grid's cells on a profile; neither data nor weights are needed.

    Raises:
        HarnessError: the grid is unknown, not for this profile, or a finished cell is damaged.
    """
    cells = resolve_cells(settings, grid, profile)
    finished, missing = {}, {}
    for cell in cells:
        folder = results / profile / "grids" / grid / cell.name
        reason = _why_not_shown(cell, folder)
        if reason is None:
            finished[cell.name] = folder
        else:
            missing[cell.name] = reason
    protocol = settings.profile_called(profile).protocols[0]
    return GridCells(grid, profile, protocol, tuple(cells), finished, missing)


def _why_not_shown(cell: Cell, folder: Path) -> str | None:
    if not (folder / "done.json").is_file():
        if (folder / "failed.json").is_file():
            return f"failed with exit code {left_by_cell(folder, 'failed.json', 'exit_code')}"
        return "not run"
    if resolved(read_cell(folder), {}) != resolved(cell, {}):
        return "run under settings other than today's"
    return None


def same_data(models: Sequence[ScoredModel]) -> None:
    """Raise unless all runs were scored on the same data set.

    Raises:
        HarnessError: two differ; the message names them.
    """
    runs = [run for model in models for run in model.runs]
    hashes = {run.score.header.conditions.predictions.data_hash: run.name for run in runs}
    if len(hashes) > 1:
        first, second, *_ = hashes.items()
        raise HarnessError(
            f"{first[1]} and {second[1]} were scored on different data ({first[0][:12]} and "
            f"{second[0][:12]}); run the grid again"
        )
