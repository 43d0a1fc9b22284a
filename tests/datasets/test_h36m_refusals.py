"""Whatever is wrong with files of Human3.6M: one plain error that names it, and no set."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h36m_fixtures as fixtures
import numpy as np
import pytest
from h36m_fixtures import CPN, SMALL, Recordings, Small, prepared

from harness.datasets.importers import prepare_set
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path)


Spoil = Callable[[Small], None]


def in_motion(change: Callable[[Recordings], Any]) -> Spoil:
    return lambda small: change(small.motion)


def in_keypoints(change: Callable[[Recordings], Any]) -> Spoil:
    return lambda small: change(small.keypoints)


def set_value(take: Any, place: Any, value: Any) -> None:
    take[place] = value


@pytest.mark.parametrize(
    ("spoil", "parts"),
    [
        (
            in_motion(lambda m: m["S1"].update(Photo=m["S1"]["Photo"][:, :17])),
            ["data_3d_h36m.npz", "S1 'Photo'", "(5, 17, 3)", "32"],
        ),
        (
            in_motion(lambda m: set_value(m["S1"]["Photo"], (2, 14, 1), np.nan)),
            ["data_3d_h36m.npz", "S1 'Photo'", "NaN", "frame 2", "joint 14"],
        ),
        (
            in_motion(lambda m: set_value(m["S11"]["Photo"], (1, 0, 0), np.inf)),
            ["data_3d_h36m.npz", "S11 'Photo'", "infinity", "frame 1", "joint 0"],
        ),
        (
            in_motion(lambda m: m["S1"].update(Photo=m["S1"]["Photo"][:0])),
            ["data_3d_h36m.npz", "S1 'Photo'", "no frames"],
        ),
        (
            in_motion(lambda m: m["S1"].update(Photo=None)),
            ["data_3d_h36m.npz", "S1 'Photo'", "(frames, 32, 3)"],
        ),
        (
            in_motion(lambda m: m.update(S99=m["S1"])),
            ["data_3d_h36m.npz", "unknown subject", "S99", "S9"],
        ),
        (
            in_motion(lambda m: m.pop("S1")),
            ["data_3d_h36m.npz", "no subject S1", "train_subjects"],
        ),
        (
            in_motion(lambda m: m["S1"].update({"Walkdog 1": m["S1"]["Photo"]})),
            ["data_3d_h36m.npz", "unknown action", "'Walkdog'", "did you mean 'WalkDog'"],
        ),
        (
            in_motion(lambda m: [m["S1"].pop("Photo"), m["S1"].pop("Photo 1")]),
            ["data_3d_h36m.npz", "no Photo of S1"],
        ),
        (
            in_motion(lambda m: m.update(S1=[1, 2])),
            ["data_3d_h36m.npz", "positions_3d", "no dict of subjects"],
        ),
        (
            in_keypoints(lambda k: k["S1"]["Photo"].pop()),
            [f"data_2d_h36m_{CPN}.npz", "S1 'Photo'", "3 cameras, expected 4"],
        ),
        (
            in_keypoints(lambda k: k["S1"].update(Photo=None)),
            [f"data_2d_h36m_{CPN}.npz", "S1 'Photo'", "0 cameras, expected 4"],
        ),
        (
            in_keypoints(lambda k: set_value(k["S1"]["Photo"], 1, None)),
            [f"data_2d_h36m_{CPN}.npz", "S1 'Photo'", "55011271", "missing"],
        ),
        (
            in_keypoints(lambda k: set_value(k["S1"]["Photo"], 1, k["S1"]["Photo"][1][:4])),
            [f"data_2d_h36m_{CPN}.npz", "S1 'Photo'", "55011271", "4 frames of 2D but 5 of 3D"],
        ),
        (
            in_keypoints(lambda k: set_value(k["S1"]["Photo"][3], (4, 2, 0), np.nan)),
            [f"data_2d_h36m_{CPN}.npz", "S1 'Photo'", "60457274", "NaN", "frame 4", "joint 2"],
        ),
        (
            in_keypoints(lambda k: k["S11"].pop("Directions 1")),
            [f"data_2d_h36m_{CPN}.npz", "S11 'Directions 1'", "leave 'cpn_ft_h36m_dbb' out"],
        ),
        (
            in_keypoints(lambda k: k.pop("S11")),
            [f"data_2d_h36m_{CPN}.npz", "no subject S11"],
        ),
        (
            in_keypoints(lambda k: k.update(s1=k["S1"])),
            [f"data_2d_h36m_{CPN}.npz", "unknown subject", "'s1'"],
        ),
        (
            in_keypoints(lambda k: k["S1"].update({"TakingPicture": []})),
            [f"data_2d_h36m_{CPN}.npz", "unknown action", "'TakingPicture'"],
        ),
        (
            in_keypoints(lambda k: k["S1"].update({"TakingPhoto": []})),
            [f"data_2d_h36m_{CPN}.npz", "'TakingPhoto' and another recording are both 'Photo'"],
        ),
        (
            in_keypoints(lambda k: set_value(k["S1"]["Photo"], 0, k["S1"]["Photo"][0][:, :14])),
            [f"data_2d_h36m_{CPN}.npz", "S1 'Photo'", "54138969", "(7, 14, 2)", "(frames, 17, 2)"],
        ),
    ],
)
def test_bad_data_is_one_plain_error(small: Small, spoil: Spoil, parts: list[str]) -> None:
    spoil(small)
    message = small.error()
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("metadata", "parts"),
    [
        ({**fixtures.H36M_METADATA, "num_joints": 14}, ["unknown layout", "14 joints", "mpii"]),
        ({**fixtures.H36M_METADATA, "layout_name": "coco"}, ["'coco'", "'h36m'"]),
        (
            {**fixtures.H36M_METADATA, "keypoints_symmetry": [[1, 2, 3], [4, 5, 6]]},
            ["unknown layout", "left [1, 2, 3]"],
        ),
        ({"num_joints": 17}, ["keypoints_symmetry"]),
        ({**fixtures.H36M_METADATA, "keypoints_symmetry": 3}, ["keypoints_symmetry"]),
    ],
)
def test_bad_metadata_is_one_plain_error(
    small: Small, metadata: dict[str, Any], parts: list[str]
) -> None:
    message = small.error(metadata)
    for part in (f"data_2d_h36m_{CPN}.npz", *parts):
        assert part in message


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"fps": 25}, ["'fps'", "25", "50"]),
        ({"train_subjects": ["S1", "S4"]}, ["train_subjects", "S4", "S1, S5, S6"]),
        ({"actions": ["Walk"]}, ["actions", "Walk", "WalkDog"]),
        ({"validation_subjects": ["S11"]}, ["S11", "test subject"]),
        ({"sources_2d": ["cpn"]}, ["2D source", "'cpn'", CPN]),
        ({"subjects": ["S1"]}, ["unknown key 'subjects'"]),
    ],
)
def test_bad_options_are_one_plain_error(
    small: Small, options: dict[str, Any], parts: list[str]
) -> None:
    message = small.error(**options)
    for part in parts:
        assert part in message


def test_cameras_in_another_order_are_noticed(small: Small) -> None:
    exact = fixtures.ground_truth_2d(small.motion)
    exact["S11"]["Photo"].reverse()
    fixtures.write_keypoints(small.raw, "gt", exact)
    message = small.error()
    for part in ("data_2d_h36m_gt.npz", "S11 'Photo'", "54138969", "pixels from the projection"):
        assert part in message


def test_a_folder_without_the_files_says_which_were_looked_for(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    with pytest.raises(HarnessError) as caught:
        prepare_set("h36m", tmp_path / "raw", tmp_path / "out", {})
    for part in ("data_3d_h36m.npz", "S1/MyPoseFeatures/D3_Positions/*.cdf", "docs/data.md"):
        assert part in str(caught.value)


def test_a_truncated_file_is_named(small: Small) -> None:
    small.prepare()
    before = small.data.data_hash
    path = small.raw / "data_3d_h36m.npz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(HarnessError, match=r"data_3d_h36m\.npz: is no \.npz file, or a truncated"):
        prepared(small.raw, small.out, SMALL)
    assert PreparedSet(small.out).data_hash == before


def test_a_malicious_file_is_refused_and_runs_nothing(small: Small, tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "code ran",)

    small.keypoints["S1"]["Photo"] = Attack()
    message = small.error()
    named = f"data_2d_h36m_{CPN}.npz: entry 'positions_2d': holds a pathlib.Path.touch; only"
    assert named in message
    assert not (tmp_path / "code ran").exists()


@pytest.mark.parametrize(
    ("spoil", "parts"),
    [
        (lambda path: path.write_bytes(b"CDF no more"), ["Pose cannot be read"]),
        (lambda path: path.write_bytes(path.read_bytes()[:300]), ["Pose cannot be read"]),
        (lambda path: path.write_bytes(b""), ["Pose cannot be read"]),
        (
            lambda path: fixtures.write_cdf(path, np.zeros((3, 96), "f4"), variable="Angles"),
            ["Pose cannot be read"],
        ),
        (
            lambda path: fixtures.write_cdf(path, np.zeros((3, 51), "f4")),
            ["(1, 3, 51)", "(1, frames, 96)"],
        ),
        (
            lambda path: fixtures.write_cdf(path, np.full((3, 96), np.nan, "f4")),
            ["NaN", "frame 0"],
        ),
    ],
)
def test_bad_original_files_are_named(
    tmp_path: Path, spoil: Callable[[Path], Any], parts: list[str]
) -> None:
    takes = ("Directions", "Directions 1", "Photo", "Photo 1")
    fixtures.write_cdf_files(tmp_path / "raw", fixtures.motion(("S1", "S11"), takes))
    path = tmp_path / "raw" / "S1" / "MyPoseFeatures" / "D3_Positions" / "TakingPhoto 1.cdf"
    spoil(path)
    with pytest.raises(HarnessError) as caught:
        prepare_set("h36m", tmp_path / "raw", tmp_path / "out", SMALL)
    for part in (str(path), *parts):
        assert part in str(caught.value)
    assert not (tmp_path / "out").exists()
