"""The learning curve of a run, history.csv: written and read by one schema."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from harness.foundation.budget import BUDGET
from harness.foundation.errors import HarnessError
from harness.foundation.files import atomic_file, read_text
from harness.foundation.shown import shown


@dataclass(frozen=True)
class EpochRecord:
    """One epoch, a row of history.csv.

    Attributes:
        epoch: its number, from 1.
        step: optimiser steps until its end, over all epochs.
        learning_rate: of its last step.
        train_loss: mean over its steps.
        validation_MPJPE: mm on validation clips, or None where the set has none.
    """

    epoch: int
    step: int
    learning_rate: float
    train_loss: float
    validation_MPJPE: float | None


_NAMES = [field.name for field in fields(EpochRecord)]
_ROW = TypeAdapter(EpochRecord)


def write_history(path: Path, history: Sequence[EpochRecord]) -> None:
    """Write history.csv, atomically: a row an epoch.

    Raises:
        HarnessError: the place cannot be written.
    """
    with atomic_file(path) as stream:
        writer = csv.DictWriter(stream, _NAMES, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(record) for record in history)


def read_history(path: Path) -> list[EpochRecord]:
    """Read history.csv.

    Raises:
        HarnessError: the file is missing or is no learning curve, epoch after epoch.
    """
    text = read_text(path, BUDGET.text_bytes, "CSV")
    try:
        head, *rows = list(csv.reader(io.StringIO(text))) or [[]]
        if head != _NAMES:
            raise ValueError(f"columns {shown(head)}, expected {', '.join(_NAMES)}")
        history = [
            _ROW.validate_python(
                {key: value or None for key, value in zip(_NAMES, row, strict=True)}
            )
            for row in rows
        ]
        if [record.epoch for record in history] != list(range(1, len(history) + 1)):
            raise ValueError("its rows are not epoch 1, 2 and so on")
    except (csv.Error, ValueError) as error:  # pydantic's ValidationError is a ValueError
        told = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise HarnessError(
            f"{path}: is no learning curve of a run ({shown(told)}); train the run again"
        ) from error
    return history
