from pathlib import Path

import pytest

from harness.reporting.learning_curve import convergence_of


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        ("90 80 70 60 50.2 50.1 50.3 50.2 50.1", "flat"),  # the last third is level
        ("90 80 70 60 55 54 53.0 52.4 51.9", "still falling"),  # by 1.1 mm
        ("50 51 52 53 54 55 56 57 58", "flat"),  # rising is not falling
        ("60 50", "not known"),  # no line through two points says anything
        ("nan nan nan", "not known"),
    ],
)
def test_the_last_third_of_the_curve_tells(curve: str, expected: str, tmp_path: Path) -> None:
    rows = [f"{epoch},{value}" for epoch, value in enumerate(curve.split(), start=1)]
    (tmp_path / "history.csv").write_text("\n".join(["epoch,validation_MPJPE", *rows]))
    assert convergence_of(tmp_path) == expected


def test_without_a_history_nothing_is_known(tmp_path: Path) -> None:
    assert convergence_of(tmp_path) == "not known"
