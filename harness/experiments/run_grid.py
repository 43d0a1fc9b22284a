"""Running a grid from its name to its last cell, as the command and the pipeline do it."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from harness.experiments.executor import (
    Executor,
    PlacedCell,
    local_executor,
    place_cells,
    run_missing,
)
from harness.foundation.errors import CheckFailed
from harness.foundation.files import only_writer, read_json, sha256_of_json, write_json
from harness.foundation.settings import Settings
from harness.foundation.tracking import ParentRun, open_parent


def run_grid(
    settings: Settings,
    name: str,
    profile: str | None = None,
    *,
    executor: Executor | None = None,
    tell: Callable[[str], None],
) -> list[PlacedCell]:
    """Run every cell of a grid that is not finished and return all cells.

    Beside the grid's folder its averages are written as NAME.json, for `dvc metrics`.

    Args:
        settings: params.yaml.
        name: the grid.
        profile: the profile to run it on; see `harness.experiments.grid.grid_profile`.
        executor: where cells run; by default on this machine, one a core.
        tell: told in a line how far the grid is.

    Raises:
        HarnessError: the grid or a cell is wrong; then nothing was started.
        CheckFailed: a cell failed; the others were run.
    """
    cells = place_cells(settings, name, profile)
    folder, chosen = cells[0].folder.parent, cells[0].cell.profile
    done = sum(cell.status == "finished" for cell in cells)
    tell(f"{name}: {done} of {len(cells)} cells are finished already")

    def on_change(placed: PlacedCell, what: str) -> None:
        finished = sum(cell.status == "finished" for cell in cells)
        tracker.metrics({"cells finished": finished}, step=finished)
        tell(f"[{finished}/{len(cells)}] {placed.cell.name} {what}")

    parent = ParentRun(
        execution=f"grid-{chosen}-{name}-{sha256_of_json([cell.key for cell in cells])[:12]}",
        experiment=f"{chosen}-{name}",
        run_name=f"{chosen} {name}",
        tags={"kind": "grid", "grid": name, "profile": chosen},
    )
    with (
        only_writer(folder),
        open_parent(parent) as tracker,
        contextlib.nullcontext(executor) if executor else local_executor() as where,
    ):
        tracker.parameters({"cells": len(cells)})
        failed = run_missing(cells, where, parent, on_change)
        if failed:
            logs = "\n".join(f"  {cell.cell.name}: {cell.folder / 'log.txt'}" for cell in failed)
            raise CheckFailed(
                f"{len(failed)} of {len(cells)} cells failed, see their logs:\n{logs}"
            )
        write_json(folder.with_suffix(".json"), _averages(cells))
        tracker.artifact(folder.with_suffix(".json"))
    return cells


def _averages(cells: list[PlacedCell]) -> dict[str, dict[str, dict[str, float]]]:
    """Return by cell and evaluation the averages over all actions, by protocol and metric."""
    return {
        placed.cell.name: {
            evaluation.name: _over_all_actions(placed.folder / "evaluations" / evaluation.name)
            for evaluation in placed.cell.evaluations
        }
        for placed in cells
    }


def _over_all_actions(evaluation: Path) -> dict[str, float]:
    metrics: dict[str, dict[str, float]] = read_json(evaluation / "metrics.json")
    return {
        f"{protocol} {name}": value
        for protocol, values in metrics.items()
        for name, value in values.items()
        if "/" not in name and "(" not in name
    }
