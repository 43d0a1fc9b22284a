"""Following a training run: a bar for people, a line an epoch for logs, files and MLflow."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from harness.foundation.history import EpochRecord, write_history
from harness.foundation.tracking import Tracker
from harness.training.state import TrainingState


class SilentWatcher:
    """Follows nothing: for all processes but the first."""

    def on_choice(self, text: str) -> None:
        """Do nothing."""

    def on_look(self, epoch: int, step: int, steps: int, loss: float) -> None:
        """Do nothing."""

    def on_epoch(self, state: TrainingState) -> None:
        """Do nothing."""


class RunWatcher:
    """Shows a run on standard error, keeps its history.csv and mirrors it to a tracker."""

    def __init__(
        self, name: str, epochs: int, history_csv: Path, tracker: Tracker, progress: Progress
    ) -> None:
        """Prepare to follow the run called `name`; see `watched`."""
        self._name, self._epochs = name, epochs
        self._history_csv, self._tracker, self._progress = history_csv, tracker, progress
        self._bar = progress.add_task("", total=None, loss="", error="", rate="")
        self._begun, self._done_before = time.monotonic(), 0

    def on_start(self, state: TrainingState) -> None:
        """Catch up with the epochs of a resumed run."""
        self._done_before = len(state.history)
        write_history(self._history_csv, state.history)
        for record in state.history:
            self._tracker.metrics(_metrics(record), record.epoch)
        if state.epoch > 1 or state.step:
            self._print(f"goes on in epoch {state.epoch}/{self._epochs} after step {state.step}")

    def on_choice(self, text: str) -> None:
        """Say it."""
        self._print(text)

    def on_look(self, epoch: int, step: int, steps: int, loss: float) -> None:
        """Move the bar."""
        self._progress.update(
            self._bar,
            total=self._epochs * steps,
            completed=(epoch - 1) * steps + step,
            description=f"epoch {epoch}/{self._epochs}",
            loss=f"loss {loss:.4g}",
        )

    def on_epoch(self, state: TrainingState) -> None:
        """Record the epoch."""
        record = state.history[-1]
        write_history(self._history_csv, state.history)
        self._tracker.metrics(_metrics(record), record.epoch)
        rate = f"learning rate {record.learning_rate:.2g}"
        done = record.epoch - self._done_before
        left = (time.monotonic() - self._begun) / done * (self._epochs - record.epoch)
        if record.validation_MPJPE is None:
            error = best = ""
        else:
            error = f"validation MPJPE {record.validation_MPJPE:.1f} mm"
            best = f" (best {state.best_value:.1f} in epoch {state.best_epoch})"
        self._progress.update(self._bar, error=error, rate=rate)
        self._print(
            f"epoch {record.epoch}/{self._epochs}  loss {record.train_loss:.4g}  {error}{best}  "
            f"{rate}  {_duration(left)} left"
        )

    def _print(self, text: str) -> None:
        if self._progress.disable:
            print(f"{self._name}  {text}", file=sys.stderr, flush=True)
        else:
            self._progress.console.print(f"{self._name}  {text}", highlight=False, soft_wrap=True)


@contextmanager
def watched(name: str, epochs: int, history_csv: Path, tracker: Tracker) -> Iterator[RunWatcher]:
    """Follow a run while the block lasts; the bar is shown on a terminal only."""
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=10),
        *(TextColumn(f"{{task.fields[{name}]}}") for name in ("loss", "error", "rate")),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with progress:
        yield RunWatcher(name, epochs, history_csv, tracker, progress)


def _metrics(record: EpochRecord) -> dict[str, float]:
    values = asdict(record)
    return {name: value for name, value in values.items() if name != "epoch" and value is not None}


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
