"""Stored predictions come back as written, and nothing damaged is ever scored."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from full_disk import full_disk

from harness.datasets.clip_table import CLIP_COLUMNS
from harness.foundation.errors import HarnessError
from harness.prediction.stored import PredictionContract, read_predictions, write_predictions


def contract(**changes: object) -> PredictionContract:
    values: dict[str, object] = {
        "model": "linear",
        "run_id": "r1",
        "checkpoint_sha256": "00",
        "dataset": "tiny",
        "data_hash": "11",
        "input_2d": "gt",
        "trained_on_2d": "gt",
        "split": "test",
        "skeleton": "h36m_17",
        "frames": 4,
        "predicts": "all",
        "flip_test": True,
        "uses_root_depth": False,
        "seed": 0,
        "corruption": {"kind": "gaussian", "sigma_px": 5, "draw": 0},
    }
    return PredictionContract.model_validate(values | changes)


def clips(*frames: int) -> pd.DataFrame:
    rows = [
        {
            "clip": 10 + number,
            "subject": "S9",
            "action": "Walking",
            "subaction": str(number),
            "camera": "S9/1",
            "split": "test",
            "fps": 50.0,
            "first_row": 1000 * (number + 1),
            "frames": count,
        }
        for number, count in enumerate(frames)
    ]
    return pd.DataFrame(rows).astype(CLIP_COLUMNS)


def positions(rows: int, joints: int = 17) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, joints, 3)).astype(np.float32)


def test_round_trip_renumbers_rows_and_maps_the_array(tmp_path: Path) -> None:
    written = positions(12)
    write_predictions(tmp_path / "p", contract(), clips(5, 7), written)
    read = read_predictions(tmp_path / "p")
    assert read.contract == contract()
    assert isinstance(read.positions, np.memmap)
    np.testing.assert_array_equal(read.positions, written)
    assert read.clips["first_row"].tolist() == [0, 5]
    assert read.clips["clip"].tolist() == [10, 11]


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999, 0.99999])
def test_a_limit_inside_the_array_leaves_the_older_predictions(tmp_path: Path, part: float) -> None:
    """numpy.save would cut the array, and the hash would be of what was left of it."""
    older, rows = positions(12), 5000
    write_predictions(tmp_path / "p", contract(), clips(5, 7), older)
    with full_disk() as limit:
        limit(int(part * rows * 17 * 3 * 4))
        with pytest.raises(HarnessError, match=r"p/predictions\.npy|p: cannot be written"):
            write_predictions(tmp_path / "p", contract(), clips(rows), positions(rows))
    np.testing.assert_array_equal(read_predictions(tmp_path / "p").positions, older)
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


def test_a_changed_array_is_refused(tmp_path: Path) -> None:
    write_predictions(tmp_path / "p", contract(), clips(5), positions(5))
    path = tmp_path / "p" / "predictions.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(HarnessError, match=r"predictions\.npy: was changed or damaged"):
        read_predictions(tmp_path / "p")


@pytest.mark.parametrize("name", ["predictions.npy", "clips.parquet", "contract.json"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    write_predictions(tmp_path / "p", contract(), clips(5), positions(5))
    (tmp_path / "p" / name).unlink()
    with pytest.raises(HarnessError, match=name.replace(".", r"\.")):
        read_predictions(tmp_path / "p")


def test_a_foreign_contract_is_refused(tmp_path: Path) -> None:
    write_predictions(tmp_path / "p", contract(), clips(5), positions(5))
    (tmp_path / "p" / "contract.json").write_text('{"contract": {"model": 3}}')
    with pytest.raises(HarnessError, match="predict again"):
        read_predictions(tmp_path / "p")


def test_wrong_joint_count_is_refused_and_the_old_folder_stays(tmp_path: Path) -> None:
    write_predictions(tmp_path / "p", contract(), clips(5), positions(5))
    with pytest.raises(HarnessError, match=r"expected \(5, 17, 3\)"):
        write_predictions(tmp_path / "p", contract(), clips(5), positions(5, joints=16))
    assert len(read_predictions(tmp_path / "p").positions) == 5


def test_non_finite_predictions_name_clip_and_frame(tmp_path: Path) -> None:
    bad = positions(12)
    bad[7, 3, 1] = np.nan
    with pytest.raises(HarnessError, match=r"frame 2 of clip S9 Walking 1"):
        write_predictions(tmp_path / "p", contract(), clips(5, 7), bad)
    assert not (tmp_path / "p").exists()
