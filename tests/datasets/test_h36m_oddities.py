"""Human3.6M under other names, at other rates, in other spaces; shifted takes in inspect."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from standing_body import STANDING

from harness.body.camera import h36m_cameras, project, world_to_camera
from harness.datasets.h36m.importer import IMPORTER
from harness.datasets.importers import prepare_set
from harness.datasets.inspection import inspect_set
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError

KEPT = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
METADATA = {
    "layout_name": "h36m",
    "num_joints": 17,
    "keypoints_symmetry": [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]],
}
OPTIONS = {
    "train_subjects": ["S1"],
    "validation_subjects": [],
    "test_subjects": ["S9"],
    "actions": ["WalkDog", "Walking"],
}
TAKES = ("WalkDog", "WalkDog 1", "Walking", "Walking 1")
Recordings = dict[str, dict[str, Any]]


def motion(frames: int = 60) -> Recordings:
    recordings: Recordings = {}
    for number, subject in enumerate(("S1", "S9")):
        recordings[subject] = {}
        for take in TAKES:
            full = np.zeros((frames, 32, 3))
            time = np.arange(frames)[:, None, None] / 8 + number + len(take)
            sway = 0.1 * np.sin(time + np.arange(17)[None, :, None]) * [1.0, 1.0, 0.3]
            full[:, KEPT] = STANDING + sway
            recordings[subject][take] = full.astype(np.float32)
    return recordings


def detections(recordings: Recordings) -> Recordings:
    rng = np.random.default_rng(0)
    return {
        subject: {
            take: [
                project(world_to_camera(world[:, KEPT].astype(float), camera), camera)
                + rng.normal(0, 3, (len(world), 17, 2))
                for camera in h36m_cameras()[subject]
            ]
            for take, world in takes.items()
        }
        for subject, takes in recordings.items()
    }


def prepared(folder: Path, positions: Recordings, keypoints: Recordings) -> PreparedSet:
    raw = folder / "raw"
    raw.mkdir()
    np.savez(raw / "data_3d_h36m.npz", positions_3d=positions)  # type: ignore[arg-type]
    np.savez(
        raw / "data_2d_h36m_det.npz",
        positions_2d=keypoints,  # type: ignore[arg-type]
        metadata=METADATA,  # type: ignore[arg-type]
    )
    prepare_set("h36m", raw, folder / "set", OPTIONS)
    return PreparedSet(folder / "set")


def changed(recordings: Recordings, change: Any) -> Recordings:
    return {
        subject: {take: change(subject, world) for take, world in takes.items()}
        for subject, takes in recordings.items()
    }


def test_original_names_in_npz_files_are_taken_for_the_usual_ones(tmp_path: Path) -> None:
    positions = motion()
    keypoints = detections(positions)
    for held in (positions, keypoints):
        for take in ("WalkDog", "WalkDog 1"):
            held["S1"][take.replace("WalkDog", "WalkingDog")] = held["S1"].pop(take)
    keypoints["S10"] = {"Walking": keypoints["S1"]["Walking"]}
    assert set(prepared(tmp_path, positions, keypoints).clips["action"]) == {"WalkDog", "Walking"}


def test_a_take_under_both_its_names_is_refused(tmp_path: Path) -> None:
    positions = motion()
    positions["S1"]["WalkingDog"] = positions["S1"]["WalkDog"]
    with pytest.raises(HarnessError, match="'WalkingDog' and another recording are both 'WalkDog'"):
        prepared(tmp_path, positions, detections(motion()))


def test_3d_at_half_the_rate_of_its_2d_is_refused(tmp_path: Path) -> None:
    positions = motion(frames=120)
    with pytest.raises(HarnessError, match="2 times as many: one of them has another frame rate"):
        prepared(tmp_path, changed(positions, lambda _, x: x[::2]), detections(positions))


def test_2d_at_half_the_rate_of_its_3d_is_refused(tmp_path: Path) -> None:
    positions = motion(frames=120)
    thinned = changed(positions, lambda _, x: x[::2])
    with pytest.raises(
        HarnessError, match=r"0\.5 times as many: one of them has another frame rate"
    ):
        prepared(tmp_path, positions, detections(thinned))


def test_what_is_cut_off_of_longer_2d_is_told(tmp_path: Path) -> None:
    positions = motion(frames=64)
    shorter = changed(positions, lambda _, x: x[:60])
    notes = prepared(tmp_path, shorter, detections(positions)).manifest.notes
    assert any(
        note.startswith(
            "2D source det is longer than 3D in 8 recordings; its ends are cut, at most 4"
        )
        for note in notes
    )


WRONG = {
    "millimetres": (lambda _, x: x * 1000, r"are 870 m long.*by 0\.001 it fits \(millimetres\)"),
    "relative": (lambda _, x: x - x[:, :1], "relative to the root, Hip is 0"),
    "camera space": (
        lambda s, x: world_to_camera(x.astype(float), h36m_cameras()[s][0]),
        "outside of the picture.*camera space already",
    ),
}


@pytest.mark.parametrize("fault", WRONG)
def test_3d_in_another_unit_or_space_is_refused(fault: str, tmp_path: Path) -> None:
    change, message = WRONG[fault]
    message = message.replace("870", r"\d+")
    with pytest.raises(HarnessError, match=message):
        prepared(tmp_path, changed(motion(), change), detections(motion()))
    assert not (tmp_path / "set").exists()


def test_inspect_names_the_take_that_is_shifted_against_its_video(tmp_path: Path) -> None:
    positions = motion()
    keypoints = detections(positions)
    positions["S9"]["Walking 1"] = positions["S9"]["Walking 1"] + np.float32([0.2, 0, 0])
    inspection = inspect_set(prepared(tmp_path, positions, keypoints))
    source = next(item for item in inspection.sources_2d if item.name == "det")
    assert {clip.clip.rpartition("/")[0] for clip in source.farthest[:4]} == {
        "S9/Walking/Walking 1"
    }
    assert source.farthest[3].mean_error_px > 3 * source.farthest[4].mean_error_px
    assert "S9/Walking/Walking 1" in inspection.text()


def test_the_number_of_frames_is_exact() -> None:
    # 1,559,752 to train and 543,344 to test, as two projects count them.
    assert IMPORTER.expected_counts["frames"] == (2_103_096, 2_103_096)
