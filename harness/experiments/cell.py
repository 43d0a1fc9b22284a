"""Running one cell of a grid: train, then predict and score every evaluation.

As a process of its own it takes the cell's folder, its key and the prepared set as arguments. Its
standard input is a pipe that the runner holds open: when the runner ends, however it ends, the
cell ends too, so that no cell is left that a new runner would meet.
"""

import os
import shutil
import sys
import threading
from pathlib import Path

from pydantic import ValidationError

from harness.experiments.grid import Cell
from harness.lifting.plan import TrainingPlan
from harness.lifting.run import predict_run, train_run
from harness.runs.errors import HarnessError
from harness.runs.files import read_json, write_json
from harness.runs.settings import ModelSettings
from harness.scoring.run import score_run


def plan_of(cell: Cell, folder: Path, prepared: Path) -> TrainingPlan:
    """Return the training run of a cell that lies in `folder`."""
    return TrainingPlan(
        experiment=f"{cell.profile}-{cell.grid}",
        model=cell.model,
        seed=cell.seed,
        settings=ModelSettings(network=cell.network, training=cell.training),
        input_2d=cell.input_2d,
        prepared=prepared,
        folder=folder,
        train_actions=None if cell.train_actions is None else tuple(cell.train_actions),
    )


def run_cell(folder: Path, key: str, prepared: Path) -> None:
    """Run the cell in `folder`/cell.json; `done.json` is written last and says that it is whole.

    Predictions are scored and dropped; what stays is the training record and history, and the
    scores of each evaluation under evaluations/NAME/.

    Args:
        folder: the cell's folder.
        key: the cell's key, see `Cell.key`.
        prepared: the prepared set.

    Raises:
        HarnessError: the cell or its data are unusable, or training failed.
    """
    try:
        cell = Cell.model_validate(read_json(folder / "cell.json"))
    except ValidationError as error:
        raise HarnessError(f"{folder / 'cell.json'}: is not a cell of this version") from error
    plan = plan_of(cell, folder, prepared)
    record = train_run(plan)
    shutil.rmtree(folder / "evaluations", ignore_errors=True)  # none that is no longer asked for
    for evaluation in cell.evaluations:
        out = folder / "evaluations" / evaluation.name
        predictions = predict_run(
            folder,
            prepared,
            flip_test=cell.flip_test,
            split=evaluation.split,
            input_2d=evaluation.input_2d,
            corruption=evaluation.corruption,
            allow_other_input=evaluation.input_2d is not None,
            out=out / "predictions",
        )
        name = f"{plan.name} {evaluation.name}"
        score_run(name, out, prepared, cell.protocols, predictions)
        shutil.rmtree(predictions)
    write_json(folder / "done.json", {"key": key, "run_id": record.run_id})


def _end_with_the_runner() -> None:
    """End this process at once when standard input ends; files are whole at any moment."""

    def wait() -> None:
        os.read(0, 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    _end_with_the_runner()
    try:
        run_cell(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
    except HarnessError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
