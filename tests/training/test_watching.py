"""What people and files see of a training run."""

from pathlib import Path

import pytest

from harness.foundation.history import EpochRecord
from harness.foundation.tracking import NullTracker
from harness.training.state import TrainingState
from harness.training.watching import watched

HISTORY = [
    EpochRecord(1, 10, 0.1, 2.0, 90.0),
    EpochRecord(2, 20, 0.05, 1.0, 80.0),
    EpochRecord(3, 30, 0.025, 0.5, 85.0),
]


class RecordingTracker(NullTracker):
    def __init__(self) -> None:
        self.seen: list[tuple[int, float]] = []

    def metrics(self, values: dict[str, float], step: int = 0) -> None:  # type: ignore[override]
        self.seen.append((step, values["validation_MPJPE"]))


def test_a_line_an_epoch_where_no_person_watches(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tracker = RecordingTracker()
    state = TrainingState(epoch=3, best_epoch=2, history=HISTORY[:2])
    with watched("quick/dgnet-seed0", 4, tmp_path / "history.csv", tracker) as watcher:
        watcher.on_start(state)
        watcher.on_look(3, 5, 10, 0.75)
        state.history = HISTORY
        watcher.on_epoch(state)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "quick/dgnet-seed0  goes on in epoch 3/4 after step 0"
    assert "epoch 3/4  loss 0.5  validation MPJPE 85.0 mm (best 80.0 in epoch 2)" in lines[1]
    assert "learning rate 0.025" in lines[1]
    assert lines[1].endswith(" left")
    assert len(lines) == 2
    assert tracker.seen == [(1, 90.0), (2, 80.0), (3, 85.0)]


def test_history_has_a_row_an_epoch_and_is_empty_where_nothing_was_validated(
    tmp_path: Path,
) -> None:
    path = tmp_path / "history.csv"
    with watched("run", 1, path, NullTracker()) as watcher:
        watcher.on_start(TrainingState())
        assert path.read_text() == "epoch,step,learning_rate,train_loss,validation_MPJPE\n"
        record = EpochRecord(1, 10, 0.1, 1 / 3, None)
        watcher.on_epoch(TrainingState(epoch=2, best_epoch=1, history=[record]))
    assert path.read_text().splitlines()[1] == "1,10,0.1,0.3333333333333333,"
