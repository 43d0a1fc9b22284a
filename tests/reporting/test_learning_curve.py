from pathlib import Path

import pytest

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
    rows = [f"{epoch},{value}" for epoch, value in enumerate(curve.split(), start=1)]
    (tmp_path / "history.csv").write_text("\n".join(["epoch,validation_MPJPE", *rows]))
    assert convergence_of(tmp_path) == expected


def test_without_a_history_nothing_is_known(tmp_path: Path) -> None:
    assert convergence_of(tmp_path) == "not known"
