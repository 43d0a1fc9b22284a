"""Resumable training state: all that decides what comes next, written while a run trains.

Random numbers need no state: the order of windows, mirroring and dropout are drawn from seeds
derived from the run's seed, the epoch and the step.
"""

import io
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.foundation.errors import HarnessError
from harness.foundation.files import atomic_file
from harness.foundation.history import EpochRecord

_FORMAT = 1


@dataclass
class TrainingState:
    """Where a run stands.

    Attributes:
        epoch: the epoch under way, from 1.
        step: steps of it that are done.
        losses: (step,) their losses.
        lifter: weights, or None before the first step.
        optimizer: the optimiser's state.
        scaler: the state of the loss scaling of mixed precision.
        best_weights: weights of the epoch to keep so far, on the CPU.
        best_epoch: that epoch, 0 before there is one.
        history: the epochs that are done.
        seconds: time trained, over all resumptions.
    """

    epoch: int = 1
    step: int = 0
    losses: Tensor = field(default_factory=lambda: torch.zeros(0))
    lifter: dict[str, Tensor] | None = None
    optimizer: dict[str, Any] = field(default_factory=dict)
    scaler: dict[str, Any] = field(default_factory=dict)
    best_weights: dict[str, Tensor] | None = None
    best_epoch: int = 0
    history: list[EpochRecord] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def best_value(self) -> float | None:
        """Validation MPJPE of the epoch to keep so far, in mm."""
        return self.history[self.best_epoch - 1].validation_MPJPE if self.best_epoch else None


def save_state(path: Path, key: str, state: TrainingState) -> None:
    """Write the state of the run called `key`, atomically.

    Raises:
        HarnessError: the place cannot be written.
    """
    content = {name: getattr(state, name) for name in TrainingState.__dataclass_fields__}
    content["history"] = [asdict(record) for record in state.history]
    # Through memory: on a full disk torch would hide the error that says so.
    serialised = io.BytesIO()
    torch.save({"format": _FORMAT, "key": key, "state": content}, serialised)
    with atomic_file(path, "wb") as stream:
        stream.write(serialised.getbuffer())


def load_state(path: Path, key: str) -> TrainingState | None:
    """Read the state of the run called `key`, on the CPU; None where there is none.

    Raises:
        HarnessError: the file is damaged, of another version or of another run.
    """
    if not path.exists():
        return None
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        found = stored["format"], stored["key"]
        content = dict(stored["state"])
        content["history"] = [EpochRecord(**record) for record in content["history"]]
    except Exception as error:  # a damaged file can raise any error at all
        raise HarnessError(
            f"{path}: is damaged and cannot be resumed; start over with --fresh"
        ) from error
    if found != (_FORMAT, key):
        raise HarnessError(
            f"{path}: is the state of another run or version ({found[1]}, expected {key}); "
            "start over with --fresh"
        )
    return TrainingState(**content)


def remove_state(path: Path) -> None:
    """Remove a state and what a killed process left of one half-written."""
    for leftover in (path, *path.parent.glob(f".{path.name}.*")):
        leftover.unlink(missing_ok=True)
