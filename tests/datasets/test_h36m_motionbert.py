"""MotionBERT's pickle becomes a prepared set, to the last digit and without running anything."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from motionbert_files import VIDEOS, made_part, write_part

from harness.datasets.importers import prepare_set
from harness.datasets.inspection import inspect_set
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError


def prepared_from(tmp_path: Path, part: Any) -> PreparedSet:
    write_part(tmp_path / "raw", part)
    prepare_set("h36m_motionbert", tmp_path / "raw", tmp_path / "set", {})
    return PreparedSet(tmp_path / "set")


def test_arrays_come_back_in_the_precision_of_the_file(tmp_path: Path) -> None:
    part = made_part()
    prepared = prepared_from(tmp_path, part)
    assert prepared.image_25d is not None
    assert prepared.factor is not None
    np.testing.assert_array_equal(prepared.image_25d, part["joints_2.5d_image"])
    np.testing.assert_array_equal(prepared.factor, part["2.5d_factor"])
    detected = prepared.keypoints_2d("sh_finetuned")
    np.testing.assert_array_equal(detected, part["joint_2d"].astype(np.float32))
    label = prepared.keypoints_2d("label_xy")
    np.testing.assert_array_equal(label, part["joint3d_image"][..., :2].astype(np.float32))
    sure = prepared.confidence("sh_finetuned")
    assert sure is not None
    np.testing.assert_array_equal(sure, part["confidence"][..., 0].astype(np.float32))
    assert prepared.clips["frames"].tolist() == [video[3] for video in VIDEOS]
    first = prepared.clips.iloc[0]
    assert (first["subject"], first["action"], first["subaction"], first["camera"]) == (
        *("S9", "Greeting", "act_05_subact_01", "S9/54138969"),
    )
    assert prepared.camera("S9/54138969").height == 1002
    assert set(prepared.clips["split"]) == {"test"}


def test_inspect_names_the_shifted_takes(tmp_path: Path) -> None:
    text = inspect_set(prepared_from(tmp_path, made_part())).text()
    assert "ground truth of S9 act_05_subact_02 is shifted sideways" in text
    assert "joints_2.5d_image is joint3d_image times 2.5d_factor within" in text


def test_a_file_without_confidence_says_so(tmp_path: Path) -> None:
    part = made_part()
    del part["confidence"]
    prepared = prepared_from(tmp_path, part)
    assert prepared.confidence("sh_finetuned") is None
    assert "the file has no confidence" in prepared.manifest.notes


def test_there_is_no_camera_space(tmp_path: Path) -> None:
    prepared = prepared_from(tmp_path, made_part())
    with pytest.raises(HarnessError, match="score it under h36m17-motionbert25d"):
        _ = prepared.positions_3d


def _apart(part: dict[str, Any]) -> None:
    part["source"][-1] = part["source"][0]


def _zero(part: dict[str, Any]) -> None:
    part["2.5d_factor"][20] = 0


def _camera(part: dict[str, Any]) -> None:
    part["camera_name"] = part["camera_name"].copy()
    part["camera_name"][:19] = "54138968"


def _changing(part: dict[str, Any]) -> None:
    part["camera_name"] = part["camera_name"].copy()
    part["camera_name"][3] = "55011271"


def _odd_name(part: dict[str, Any]) -> None:
    part["source"] = [name.replace("s_11", "eleven") for name in part["source"]]


def _short(part: dict[str, Any]) -> None:
    part["action"] = part["action"][:-1]


def _nan(part: dict[str, Any]) -> None:
    part["joints_2.5d_image"][0, 3, 1] = np.nan


def _sixteen(part: dict[str, Any]) -> None:
    part["joint_2d"] = part["joint_2d"][:, :16]


def _unsure(part: dict[str, Any]) -> None:
    part["confidence"] = part["confidence"][:, :16]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda part: part.pop("2.5d_factor"), r"'test' lacks 2\.5d_factor \(it has joint_2d"),
        (_apart, "frames of s_09_act_05_subact_01_ca_01 stand apart, at rows 0 and 77"),
        (_zero, r"s_09_act_05_subact_02_ca_01: 0 millimetres a pixel at frame 1, expected more"),
        (_camera, "unknown camera of s_09_act_05_subact_01_ca_01 .*'54138968'"),
        (_changing, "camera_name of s_09_act_05_subact_01_ca_01 is 54138969 at first and 55011271"),
        (_odd_name, "source 'eleven_act_14_subact_02_ca_03' at row 59"),
        (_short, "has 78 frames of joint_2d but action 77"),
        (_nan, "2.5D positions hold NaN or infinity, first at frame 0, joint 3"),
        (_unsure, r"confidence has shape \(78, 16\), expected \(78, 17\)"),
        (lambda part: part.update(action=3), "action is no list of strings"),
        (lambda part: part.update(joint_2d="x"), "joint_2d holds no numbers"),
        (
            lambda part: part.update(joint_2d=part["joint_2d"][:, :16]),
            r"expected \(frames, 17, 2\)",
        ),
    ],
)
def test_bad_files_are_refused_in_one_plain_line(
    tmp_path: Path, spoil: Callable[[dict[str, Any]], Any], message: str
) -> None:
    part = made_part()
    spoil(part)
    with pytest.raises(HarnessError, match=message) as caught:
        prepared_from(tmp_path, part)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "set").exists()


class _Runs:
    """Unpickling this would make a file."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("open('ran', 'w')",)


@pytest.mark.parametrize("odd", [_Runs(), Path("x"), {1, 2}, object()])
def test_nothing_but_plain_values_is_read_and_nothing_is_run(
    tmp_path: Path, odd: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HarnessError, match="nothing was run"):
        prepared_from(tmp_path, made_part() | {"more": odd})
    assert not Path("ran").exists()


def test_other_files_are_told_what_is_expected(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    with pytest.raises(HarnessError, match="no such file; get h36m_sh_conf"):
        prepare_set("h36m_motionbert", tmp_path / "raw", tmp_path / "set", {})
    path = tmp_path / "raw/h36m_sh_conf_cam_source_final.pkl"
    path.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(HarnessError, match="has no dict 'test'"):
        prepare_set("h36m_motionbert", tmp_path / "raw", tmp_path / "set", {})
    path.write_bytes(b"\x80\x04garbage")
    with pytest.raises(HarnessError, match="damaged or truncated"):
        prepare_set("h36m_motionbert", tmp_path / "raw", tmp_path / "set", {})
