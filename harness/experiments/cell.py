"""Running one cell of a grid: train, then predict and score every evaluation.

As a process of its own it takes the cell's folder, its key, the prepared set and MLflow's run of
the grid as arguments. Its standard input is a pipe that the runner holds open: when the runner
ends, however it ends, the cell ends too, so that no cell is left that a new runner would meet.
"""

import json
import os
import shutil
import sys
import threading
from pathlib import Path

from harness.datasets.prepared import PreparedSet
from harness.experiments.grid import read_cell
from harness.experiments.identity import cell_key, plan_of
from harness.foundation.errors import HarnessError
from harness.foundation.files import write_json
from harness.foundation.tracking import ParentRun, open_tracker
from harness.lifting.registry import method_sources
from harness.prediction.predict_run import predict_run
from harness.scoring.all_protocols import plain_names, score_folder
from harness.training.train_run import train_run


def run_cell(folder: Path, key: str, prepared: Path, parent: ParentRun | None = None) -> None:
    """Run the cell in `folder`/cell.json; `done.json` is written last and says that it is whole.

    Predictions are scored and dropped; what stays is the training record and history, and the
    scores of each evaluation under evaluations/NAME/. Training and scores are one run of MLflow.

    Args:
        folder: the cell's folder.
        key: the cell's key, see `harness.experiments.identity`.
        prepared: the prepared set.
        parent: MLflow's run of the grid.

    Raises:
        HarnessError: the cell or its data are unusable, the key is not theirs, or training failed.
    """
    cell = read_cell(folder)
    if cell_key(cell, method_sources(cell.model), PreparedSet(prepared).data_hash) != key:
        raise HarnessError(
            f"{folder}: code or data are not those that the grid was started with; bring them in "
            "line, on all machines, and start the grid again"
        )
    plan = plan_of(cell, folder, prepared)
    tags = {"kind": "cell", "grid": cell.grid, "variation": cell.variation, "key": key}
    with open_tracker(plan.experiment, plan.name, tags, parent=parent) as tracker:
        record = train_run(plan, tracker=tracker)
        tracker.tags({"kind": "cell"})
        shutil.rmtree(folder / "evaluations", ignore_errors=True)  # none no longer asked for
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
            scores = score_folder(out, prepared, cell.protocols, predictions)
            shutil.rmtree(predictions)
            for protocol, values in scores.items():
                tracker.metrics(plain_names(f"{evaluation.name}/{protocol}", values))
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
        _, place, its_key, data, above = sys.argv
        run_cell(Path(place), its_key, Path(data), ParentRun(**json.loads(above)))
    except HarnessError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
