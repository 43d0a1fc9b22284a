"""The identity of a cell: a hash of everything that shapes its numbers but the code that scores.

A finished cell with the same key is the same experiment, whatever it is called, and is never run
again. Settings are hashed with all defaults filled in, so that writing one out changes nothing.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.experiments.grid import Cell, Evaluation
from harness.foundation.files import sha256_of_json
from harness.foundation.settings import ModelSettings
from harness.prediction.corruption import corruption_settings
from harness.scoring.protocols import protocol_called
from harness.training.plan import TrainingPlan


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
        train_subjects=None if cell.train_subjects is None else tuple(cell.train_subjects),
    )


def resolved(cell: Cell, code: Mapping[str, str]) -> dict[str, Any]:
    """Return all but data that shapes a cell's numbers, as plain values; names play no part.

    Args:
        cell: the cell.
        code: hash of each source file that the method's numbers depend on.

    Raises:
        HarnessError: a method, setting, corruption or protocol of the cell is unknown or wrong.
    """
    return {
        "model": cell.model,
        "seed": cell.seed,
        "parameters": plan_of(cell, Path(), Path()).parameters(),
        "flip_test": cell.flip_test,
        "protocols": {name: protocol_called(name).definition for name in cell.protocols},
        "evaluations": [_tested(cell, evaluation) for evaluation in cell.evaluations],
        "code": dict(code),
    }


def cell_key(cell: Cell, code: Mapping[str, str], data_hash: str) -> str:
    """Return the identity of a cell's numbers; arguments and errors as of `resolved`."""
    return sha256_of_json({**resolved(cell, code), "data": data_hash})


def _tested(cell: Cell, evaluation: Evaluation) -> dict[str, Any]:
    corruption = evaluation.corruption
    return {
        "name": evaluation.name,
        "split": evaluation.split,
        "input_2d": evaluation.input_2d or cell.input_2d,
        "corruption": None if corruption is None else corruption_settings(corruption).model_dump(),
    }
