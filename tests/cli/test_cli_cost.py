"""`harness cost` counts and times lifters; table V is made of its times."""

import csv
import io
import json

import pytest
from click.testing import CliRunner

from harness.cli.cost import cost
from harness.cli.main import main


def printed(*arguments: str) -> str:
    result = CliRunner().invoke(cost, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as caught:
        main(["cost", *arguments])
    assert caught.value.code == 2
    return capsys.readouterr().err


def test_a_profiles_networks_are_counted_and_timed() -> None:
    rows = json.loads(printed("martinez", "semgcn", "--repetitions", "1", "--format", "json"))
    assert [row["model"] for row in rows] == ["martinez", "semgcn"]
    martinez = rows[0]
    assert martinez["network"] == {"width": 256}
    assert martinez["macs_per_window"] == 34 * 256 + 4 * 256**2 + 256 * 51
    assert martinez["frames"] == martinez["predicted_frames"] == 1
    for row in rows:
        assert row["window_ms"] > 0
        assert row["frames_per_second"] > 0
        assert row["peak_mib"] > 0


def test_published_sizes_stand_beside_what_was_printed_and_what_that_counts() -> None:
    text = printed("poseformerv2", "--published", "--repetitions", "0")
    row = next(line for line in text.splitlines() if line.startswith("| poseformerv2"))
    assert "14,381,899" in row
    assert "541.720 M" in row
    assert "1.0548 G" in row
    assert "poseformerv2's printed number counts two per MAC of linear layers" in text


def test_csv_has_a_row_a_lifter_and_nothing_where_nothing_was_timed() -> None:
    rows = list(
        csv.DictReader(io.StringIO(printed("martinez", "--repetitions", "0", "--format", "csv")))
    )
    assert [row["model"] for row in rows] == ["martinez"]
    assert rows[0]["window_ms"] == rows[0]["frames_per_second"] == ""


def test_mistakes_end_in_one_plain_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean 'dgnet'" in refused(capsys, "dgnett")
    assert "leave out MODELS" in refused(capsys, "dgnet", "--table-v")
    assert "--repetitions must be 1 or more" in refused(capsys, "--table-v", "--repetitions", "0")
    assert "torch sees no GPU" in refused(capsys, "--accelerator", "cuda")
