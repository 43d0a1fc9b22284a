"""Stored errors and sums by clip: exact round trips, plain refusals, averages by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.foundation.errors import HarnessError
from harness.scoring.averages import averages
from harness.scoring.errors_file import ROWS_AT_ONCE, read_errors, write_errors
from harness.scoring.metrics import METRICS
from harness.scoring.protocols import protocol_called
from harness.scoring.sequences import MetricSums, SequenceSums, read_sequences, write_sequences


def make_sums() -> SequenceSums:
    """Three clips, two joints; sums that no decimal of few digits writes."""
    clips = pd.DataFrame(
        {
            "clip": [3, 4, 9],
            "subject": ["S1", "S1", "NA"],
            "action": ["Walking", "WalkDog", "Walking"],
            "subaction": ["", "1", "2"],
            "camera": ["1", "1", "1"],
        }
    )
    sums = np.array([[1 / 3, 2e-17], [0.1 + 0.2, 123456.789], [0.0, np.pi]])
    hits = np.array([[np.nan, 2.0], [np.nan, 4.0], [np.nan, 0.0]])
    return SequenceSums(
        clips,
        ("Hip", "Neck/Nose"),
        {
            "MPJPE": MetricSums(np.array([2, 4, 6]), sums),
            "PCK@150mm": MetricSums(np.array([2, 4, 6]), hits),
            "MPJVE": MetricSums(np.array([2, 4, 0]), sums * [[1], [1], [0]]),
        },
    )


def test_sums_come_back_to_the_last_bit(tmp_path: Path) -> None:
    made = make_sums()
    write_sequences(tmp_path / "sequences.csv", made)
    read = read_sequences(tmp_path / "sequences.csv")
    pd.testing.assert_frame_equal(read.clips, made.clips, check_dtype=False)
    assert read.joints == made.joints
    assert list(read.by_metric) == list(made.by_metric)
    for name, metric in made.by_metric.items():
        np.testing.assert_array_equal(read.by_metric[name].sums, metric.sums)
        np.testing.assert_array_equal(read.by_metric[name].frames, metric.frames)


@pytest.mark.parametrize("spoil", ["absent", "empty", "text", "row twice", "row gone", "columns"])
def test_a_table_that_is_no_sums_is_refused(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "sequences.csv"
    write_sequences(path, make_sums())
    lines = path.read_text().splitlines(keepends=True)
    if spoil == "absent":
        path.unlink()
    else:
        path.write_text(
            {
                "empty": "",
                "text": lines[0] + lines[1].replace("3,", "three,", 1),
                "row twice": "".join([*lines, lines[-1]]),
                "row gone": "".join(lines[:-1]),
                "columns": "a,b\n1,2\n",
            }[spoil]
        )
    with pytest.raises(HarnessError, match=r"sequences\.csv"):
        read_sequences(path)


def test_averages_by_hand() -> None:
    sums, protocol = make_sums(), protocol_called("h36m17-actionwise")
    pck = averages(sums, METRICS["PCK@150mm"], protocol)
    assert pck.groups == {"WalkDog": 100.0, "Walking": 25.0}
    assert pck.average == 62.5
    assert pck.framewise == pytest.approx(50.0)
    framewise = averages(sums, METRICS["PCK@150mm"], protocol_called("h36m17-framewise"))
    assert framewise.average == pytest.approx(50.0)
    by_subject = averages(sums, METRICS["PCK@150mm"], protocol_called("humaneva15-validate"))
    assert by_subject.groups == {"NA/Walking": 0.0, "S1/WalkDog": 100.0, "S1/Walking": 100.0}


def test_a_group_without_frames_is_absent_not_zero() -> None:
    sums = make_sums()
    empty = MetricSums(np.array([0, 4, 0]), np.array([[0.0, 0.0], [4.0, 12.0], [0.0, 0.0]]))
    sums = SequenceSums(sums.clips, sums.joints, {"MPJVE": empty})
    found = averages(sums, METRICS["MPJVE"], protocol_called("h36m17-actionwise"))
    assert found.groups == {"WalkDog": 2.0}
    assert found.average == 2.0
    nothing = MetricSums(np.zeros(3, dtype=int), np.zeros((3, 2)))
    sums = SequenceSums(sums.clips, sums.joints, {"MPJVE": nothing})
    assert averages(sums, METRICS["MPJVE"], protocol_called("h36m17-framewise")).average is None


def test_an_unscored_metric_is_refused_by_name() -> None:
    with pytest.raises(HarnessError, match="unknown metric of this score 'AUC'"):
        make_sums().metric("AUC")


def test_errors_come_back_in_order_over_many_row_groups(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lengths = [ROWS_AT_ONCE - 7, 3, 0, 10, ROWS_AT_ONCE // 2]
    made = [rng.normal(size=(length, 2)).astype(np.float32) for length in lengths]
    with write_errors(tmp_path / "errors.parquet", ["MPJPE"], 2, "{}") as writer:
        for clip, errors in enumerate(made):
            writer.add(clip, np.arange(len(errors)), {"MPJPE": errors})
    read = read_errors(tmp_path / "errors.parquet")
    np.testing.assert_array_equal(read.by_metric["MPJPE"], np.concatenate(made))
    np.testing.assert_array_equal(read.clip, np.repeat(np.arange(5), lengths))
    np.testing.assert_array_equal(read.frame, np.concatenate([np.arange(n) for n in lengths]))
    assert pq.ParquetFile(tmp_path / "errors.parquet").num_row_groups == 2


def test_a_failed_writing_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with write_errors(tmp_path / "errors.parquet", ["MPJPE"], 2, "{}") as writer:
            writer.add(0, np.arange(3), {"MPJPE": np.zeros((3, 2), dtype=np.float32)})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("spoil", ["absent", "truncated", "another table", "metric"])
def test_damaged_errors_are_refused(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "errors.parquet"
    with write_errors(path, ["MPJPE"], 2, "{}") as writer:
        writer.add(0, np.arange(3), {"MPJPE": np.zeros((3, 2), dtype=np.float32)})
    if spoil == "absent":
        path.unlink()
    elif spoil == "truncated":
        path.write_bytes(path.read_bytes()[:-20])
    elif spoil == "another table":
        pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(HarnessError, match=r"errors\.parquet"):
        read_errors(path, ["AUC"] if spoil == "metric" else None)
