"""Running the cells of a grid that are missing, in parallel processes of this machine.

Each cell is a process of its own with a folder of its own, and ends with its runner. What a killed
runner leaves behind is finished cells, which are never run again, and cells that were running,
which go on from their last training state.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.datasets.prepared import PreparedSet
from harness.experiments.cell import plan_of
from harness.experiments.grid import Cell, resolve_cells
from harness.lifting.registry import method_sources
from harness.runs.files import read_json, write_json
from harness.runs.settings import Settings

Status = Literal["missing", "stale", "running or killed", "failed", "finished"]


@dataclass(frozen=True, eq=False)
class PlacedCell:
    """A cell, its folder, its data, and the key that it has with today's data and code."""

    cell: Cell
    folder: Path
    prepared: Path
    key: str

    @property
    def status(self) -> Status:
        """Where the cell stands: a finished cell whose key has changed is stale."""
        if (self.folder / "done.json").exists():
            done = read_json(self.folder / "done.json")
            return "finished" if done["key"] == self.key else "stale"
        if (self.folder / "failed.json").exists():
            return "failed"
        return "running or killed" if (self.folder / "cell.json").exists() else "missing"


def place_cells(settings: Settings, name: str) -> list[PlacedCell]:
    """Return the cells of grid `name` with their folders, data and keys.

    Raises:
        HarnessError: the grid is wrong, or its data set is not prepared.
    """
    cells = resolve_cells(settings, name)
    prepared = Path("data/prepared") / cells[0].profile
    data_hash = PreparedSet(prepared).data_hash
    sources = {model: method_sources(model) for model in {cell.model for cell in cells}}
    folder = Path("results") / cells[0].profile / "grids" / name
    return [
        PlacedCell(cell, folder / cell.name, prepared, cell.key(data_hash, sources[cell.model]))
        for cell in cells
    ]


def run_missing(
    cells: Sequence[PlacedCell],
    workers: int,
    cores: int,
    on_change: Callable[[PlacedCell, str], None],
) -> list[PlacedCell]:
    """Run every cell that is not finished, `workers` at a time, and return those that failed.

    Args:
        cells: the cells of a grid.
        workers: processes at a time.
        cores: processor cores shared out evenly among them.
        on_change: told of each cell that starts, finishes or fails.

    Raises:
        HarnessError: a cell has an unknown model or a wrong setting; then none was started.
    """
    waiting = [cell for cell in cells if cell.status != "finished"]
    for placed in waiting:
        plan_of(placed.cell, placed.folder, placed.prepared).parameters()
    running: dict[PlacedCell, subprocess.Popen[bytes]] = {}
    failed = []
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                placed = waiting.pop(0)
                running[placed] = _start(placed, max(1, cores // workers))
                on_change(placed, "started")
            for placed, process in list(running.items()):
                if process.poll() is None:
                    continue
                del running[placed]
                if process.returncode == 0:
                    on_change(placed, "finished")
                else:
                    failed.append(placed)
                    write_json(placed.folder / "failed.json", {"exit_code": process.returncode})
                    on_change(placed, "failed")
            time.sleep(0.2)
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait()
    return failed


def _start(placed: PlacedCell, threads: int) -> subprocess.Popen[bytes]:
    placed.folder.mkdir(parents=True, exist_ok=True)
    for leftover in ("done.json", "failed.json"):
        (placed.folder / leftover).unlink(missing_ok=True)
    write_json(placed.folder / "cell.json", placed.cell.model_dump(mode="json"))
    arguments = (placed.folder, placed.key, placed.prepared)
    with (placed.folder / "log.txt").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "harness.experiments.cell", *map(str, arguments)],
            stdin=subprocess.PIPE,  # never written to: it ends when this process does
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_environment(threads),
        )


def _environment(threads: int) -> Mapping[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
