"""Running the cells of a grid that are missing, in parallel processes.

Each cell is a process of its own with a folder of its own, and ends with its runner. What a killed
runner leaves behind is finished cells, which are never run again, and cells that were running,
which go on from their last training state. A cell whose equal was finished under another name or in
another grid of the profile is copied. Where the processes run, an `Executor` decides: on this
machine, or on others (`harness.experiments.ray_executor`).
"""

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Protocol

from harness.datasets.prepared import PreparedSet
from harness.experiments.grid import Cell, left_by_cell, resolve_cells
from harness.experiments.identity import cell_key
from harness.foundation.cores import usable_cores
from harness.foundation.errors import HarnessError
from harness.foundation.files import Unwritable, read_json, write_json
from harness.foundation.preloaded import Interpreter, preloaded
from harness.foundation.settings import Settings
from harness.foundation.tracking import ParentRun
from harness.lifting.registry import method_sources

_CELL = "harness.experiments.cell"

Status = Literal["missing", "stale", "running or killed", "failed", "finished"]
Told = Callable[["PlacedCell", str], None]


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
            key = left_by_cell(self.folder, "done.json", "key")
            return "finished" if key == self.key else "stale"
        if (self.folder / "failed.json").exists():
            return "failed"
        return "running or killed" if (self.folder / "cell.json").exists() else "missing"


class CellProcess(Protocol):
    """A cell under way, here or elsewhere, as `subprocess.Popen` shows a process."""

    def poll(self) -> int | None:
        """Return the exit code, or None while the cell runs."""

    def terminate(self) -> None:
        """End the cell."""

    def wait(self) -> int:
        """Wait for the cell to end and return the exit code."""


@dataclass(frozen=True)
class Executor:
    """Where cells run.

    Attributes:
        workers: cells under way at a time.
        start: starts a cell, given MLflow's run of the grid.
    """

    workers: int
    start: Callable[[PlacedCell, ParentRun], CellProcess]


@contextlib.contextmanager
def local_executor(workers: int | None = None, cores: int | None = None) -> Iterator[Executor]:
    """Yield the executor whose cells are processes of this machine.

    They are forks of one process where that can be, for importing torch takes longer than a small
    cell; it is started with the first of them.

    Args:
        workers: cells at a time; by default one a core.
        cores: cores shared out evenly among them; by default all that this process may use.
    """
    cores = cores or usable_cores()
    workers = workers or cores
    threads = max(1, cores // workers)
    with contextlib.ExitStack() as stack:

        @functools.cache
        def interpreter() -> Interpreter:
            environment = interpreter_with(threads).environment
            return stack.enter_context(preloaded(environment, [_CELL], [_CELL, "torch._dynamo"]))

        def start(placed: PlacedCell, parent: ParentRun) -> CellProcess:
            return start_process(placed, parent, interpreter())

        yield Executor(workers, start)


def interpreter_with(threads: int) -> Interpreter:
    """Return this process's interpreter, for processes that compute with `threads`."""
    number = str(threads)
    environment = {**os.environ, "OMP_NUM_THREADS": number, "MKL_NUM_THREADS": number}
    return Interpreter(sys.executable, environment)


def place_cells(settings: Settings, name: str, profile: str | None = None) -> list[PlacedCell]:
    """Return the cells of grid `name` with their folders, data and keys.

    Raises:
        HarnessError: the grid or a setting of a cell is wrong, or its data set is not prepared.
    """
    cells = resolve_cells(settings, name, profile)
    chosen = cells[0].profile
    prepared = Path("data/prepared") / chosen
    if not (prepared / "manifest.json").is_file():
        raise HarnessError(
            f"{prepared}: the data of profile {chosen} is not prepared; run 'harness data prepare "
            f"{settings.profile_called(chosen).dataset.name} --profile {chosen}'"
        )
    data_hash = PreparedSet(prepared).data_hash
    sources = {model: method_sources(model) for model in {cell.model for cell in cells}}
    folder = Path("results") / chosen / "grids" / name
    return [
        PlacedCell(
            cell, folder / cell.name, prepared, cell_key(cell, sources[cell.model], data_hash)
        )
        for cell in cells
    ]


def run_missing(
    cells: Sequence[PlacedCell], executor: Executor, parent: ParentRun, on_change: Told
) -> list[PlacedCell]:
    """Run every cell that is not finished and return those that failed.

    Args:
        cells: the cells of a grid.
        executor: where they run.
        parent: MLflow's run of the grid.
        on_change: told of each cell that starts, is copied, finishes or fails.
    """
    waiting = [cell for cell in cells if cell.status != "finished"]
    running: dict[PlacedCell, CellProcess] = {}
    failed: list[PlacedCell] = []
    equals = _finished_cells(cells)
    try:
        while waiting or running:
            for placed in _ready(waiting, running):
                if placed.key in equals:
                    _copy(equals[placed.key], placed)
                    on_change(placed, f"copied from its equal {equals[placed.key]}")
                elif len(running) < executor.workers:
                    running[placed] = executor.start(placed, parent)
                    on_change(placed, "started")
                else:
                    continue
                waiting.remove(placed)
            for placed, process in list(running.items()):
                code = process.poll()
                if code is None:
                    continue
                del running[placed]
                if code == 0:
                    equals[placed.key] = placed.folder
                    on_change(placed, "finished")
                else:
                    failed.append(placed)
                    write_json(placed.folder / "failed.json", {"exit_code": code})
                    on_change(placed, "failed")
            time.sleep(0.2)
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait()
    return failed


def _ready(
    waiting: Sequence[PlacedCell], running: Mapping[PlacedCell, object]
) -> Sequence[PlacedCell]:
    """Return the first of each key among the cells that wait; its equals wait for it to end."""
    first = {placed.key: placed for placed in reversed(waiting)}
    busy = {placed.key for placed in running}
    return [placed for placed in waiting if first[placed.key] is placed and placed.key not in busy]


def _finished_cells(cells: Sequence[PlacedCell]) -> dict[str, Path]:
    """Return the folders of all finished cells of the profile's grids, by key."""
    profile = Path("results") / cells[0].cell.profile
    return {
        left_by_cell(path.parent, path.name, "key"): path.parent
        for path in sorted(profile.glob("grids/*/*/done.json"))
    }


def _copy(equal: Path, placed: PlacedCell) -> None:
    """Copy a finished cell of the same key; `done.json` comes last: it says that all is there."""
    shutil.rmtree(placed.folder, ignore_errors=True)
    kept_back = shutil.ignore_patterns("done.json", "cell.json", "log.txt", "*.lock")
    shutil.copytree(equal, placed.folder, ignore=kept_back)
    write_json(placed.folder / "cell.json", placed.cell.model_dump(mode="json"))
    write_json(placed.folder / "done.json", read_json(equal / "done.json"))


def start_process(
    placed: PlacedCell, parent: ParentRun, interpreter: Interpreter
) -> subprocess.Popen[bytes]:
    """Start a cell as a process of this machine, which ends when this process does.

    Args:
        placed: the cell; its paths are relative to the current folder.
        parent: MLflow's run of the grid.
        interpreter: what runs it, see `interpreter_with`.

    Raises:
        HarnessError: the cell's folder cannot be written.
    """
    try:
        placed.folder.mkdir(parents=True, exist_ok=True)
        for leftover in ("done.json", "failed.json"):
            (placed.folder / leftover).unlink(missing_ok=True)
        kept_open = (placed.folder / "log.txt").open("ab")
    except OSError as error:
        raise Unwritable(placed.folder, error) from error
    above = json.dumps(asdict(parent))
    arguments = (placed.folder, placed.key, placed.prepared, above)
    with kept_open as log:
        write_json(placed.folder / "cell.json", placed.cell.model_dump(mode="json"))
        return subprocess.Popen(
            [interpreter.python, "-m", _CELL, *map(str, arguments)],
            stdin=subprocess.PIPE,  # never written to: it ends when this process does
            stdout=log,
            stderr=subprocess.STDOUT,
            env=interpreter.environment,
        )
