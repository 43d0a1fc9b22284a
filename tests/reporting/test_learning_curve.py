from pathlib import Path

import pytest

from harness.foundation.errors import HarnessError
from harness.foundation.history import EpochRecord, read_history, write_history
from harness.reporting.stored.learning_curve import convergence_of


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        ("90 80 70 60 50.2 50.1 50.3 50.2 50.1", "flat"),  # the last four are level
        ("90 80 70 60 55 53.0 52.7 52.3 51.9", "still falling"),  # the last four, by 1.1 mm
        ("90 80 70 60 55 52.8 52.6 52.3 51.9", "flat"),  # by 0.9 mm
        ("90 80 70 60 55 55.0 51.0 54.9 52.0", "flat"),  # by 1.5 mm, lost in the jumps
        ("50 51 52 53 54 55 56 57 58", "flat"),  # rising is not falling
        ("60 50 40", "not known"),  # a line through three points says little
        ("nan nan nan nan", "not known"),
    ],
)
def test_the_end_of_the_curve_tells(curve: str, expected: str, tmp_path: Path) -> None:
    values = enumerate(map(float, curve.split()), start=1)
    history = [EpochRecord(epoch, epoch, 0.001, 1.0, value) for epoch, value in values]
    write_history(tmp_path / "history.csv", history)
    assert read_history(tmp_path / "history.csv")[0] == history[0] or "nan" in curve
    assert convergence_of(tmp_path) == expected


@pytest.mark.parametrize(
    "change",
    [
        ("epoch,step", "step,epoch"),
        ("2,2,", "3,2,"),
        ("2,2,", "two,2,"),
        ("1.0,50.0", "1.0"),
        ("0.001", "\x1b[31m"),
    ],
)
def test_what_is_no_learning_curve_is_refused(change: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    write_history(path, [EpochRecord(n, n, 0.001, 1.0, 50.0) for n in (1, 2)])
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(HarnessError, match=r"history\.csv: is no learning curve of a run"):
        convergence_of(tmp_path)


def test_without_a_history_nothing_is_known(tmp_path: Path) -> None:
    assert convergence_of(tmp_path) == "not known"
