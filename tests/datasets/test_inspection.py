"""Inspecting a prepared set: every number against what was put in."""

import json
from pathlib import Path

import numpy as np
import pytest

from harness.body.camera import h36m_cameras
from harness.body.skeleton import H36M_17
from harness.datasets.inspection import Inspection, find_prepared_sets, inspect_set
from harness.datasets.pose_picture import save_pose_picture
from harness.datasets.prepared import PreparedSet, Source2D
from harness.datasets.prepared_writer import write_prepared_set
from harness.foundation.errors import HarnessError

SOURCES = {
    "gt": Source2D(layout="h36m_17", exact=True, confidence=False),
    "cpn": Source2D(layout="h36m_16", exact=False, confidence=False),
}
KEPT = [joint for joint in range(17) if H36M_17.joints[joint] != "Neck/Nose"]


def body(scale: float) -> np.ndarray:
    """A pose (17, 3) whose right bones are 300 mm long, left ones 330 mm, others 200 mm."""
    pose = np.zeros((17, 3))
    for parent, child in H36M_17.edges:
        length = 0.33 if child in H36M_17.left else 0.30 if child in H36M_17.right else 0.20
        direction = np.random.default_rng(child).normal(size=3)
        pose[child] = pose[parent] + scale * length * direction / np.linalg.norm(direction)
    return pose + np.array([0.0, 0.0, 4.0])


@pytest.fixture
def prepared(tmp_path: Path) -> PreparedSet:
    """Three clips: two subjects, two actions, both splits; CPN is off by (3, 4) pixels."""
    cameras = h36m_cameras()["S1"]
    with write_prepared_set(tmp_path / "prepared" / "made", H36M_17) as writer:
        for number, (subject, action, split, frames) in enumerate(
            [("A", "Walk", "train", 10), ("A", "Sit", "train", 6), ("B", "Walk", "test", 5)]
        ):
            pose = body(1.0 if subject == "A" else 1.5)
            exact = np.full((frames, 17, 2), 500.0) + np.arange(17)[:, None]
            exact[0, 3] = [-1.0, 500.0]
            writer.add_clip(
                origin="test",
                subject=subject,
                action=action,
                subaction="1",
                split=split,
                fps=50,
                camera=cameras[number % 2],
                camera_key=f"c{number % 2}",
                positions_3d=np.repeat(pose[None], frames, axis=0),
                keypoints_2d={"gt": exact, "cpn": exact[:, KEPT] + [3.0, 4.0]},
                layouts=SOURCES,
                valid=np.arange(frames) > 0,
            )
        writer.notes.append("a note")
        writer.finish(
            name="made",
            title="Made up",
            licence="any use",
            citation="cite me",
            importer_version=1,
            settings={"annotation": "universal", "detector": {"scale": 1.5}, "test": ["S9", "S11"]},
        )
    return PreparedSet(tmp_path / "prepared" / "made")


@pytest.fixture
def inspection(prepared: PreparedSet) -> Inspection:
    return inspect_set(prepared, {"test frames": (5, 5), "train clips": (3, 4), "frames": (20, 22)})


def test_clips_and_frames_are_counted_by_every_column(inspection: Inspection) -> None:
    assert (inspection.clips, inspection.frames, inspection.frames_not_scored) == (3, 21, 3)
    found = {(count.by, count.name): (count.clips, count.frames) for count in inspection.counts}
    assert found == {
        ("split", "train"): (2, 16),
        ("split", "test"): (1, 5),
        ("subject", "A"): (2, 16),
        ("subject", "B"): (1, 5),
        ("action", "Walk"): (2, 15),
        ("action", "Sit"): (1, 6),
        ("camera", "c0"): (2, 15),
        ("camera", "c1"): (1, 6),
    }


def test_the_options_it_was_prepared_with_are_told(inspection: Inspection) -> None:
    told = "Options: annotation universal; detector.scale 1.5; test [S9, S11]"
    assert told in inspection.text().splitlines()


def test_expected_counts_stand_beside_those_found(inspection: Inspection) -> None:
    assert [(item.what, item.found, item.met) for item in inspection.expected] == [
        ("test frames", 5, True),
        ("train clips", 2, False),
        ("frames", 21, True),
    ]
    rows = [line.split() for line in inspection.text().splitlines()]
    assert ["test", "frames", "5", "5", "yes"] in rows
    assert ["train", "clips", "2", "3", "to", "4", "NO"] in rows


def test_bone_lengths_are_in_millimetres_by_subject_with_the_other_side(
    inspection: Inspection,
) -> None:
    bones = {(bone.subject, bone.bone): bone for bone in inspection.bones}
    left, right = bones["A", "LKnee - LFoot"], bones["A", "RKnee - RFoot"]
    assert left.mean == pytest.approx(330, abs=1e-3)
    assert left.other_side == pytest.approx(300, abs=1e-3)
    assert right.other_side == pytest.approx(330, abs=1e-3)
    spine = bones["B", "Hip - Spine"]
    assert (spine.mean, spine.least, spine.greatest) == pytest.approx((300, 300, 300), abs=1e-3)
    assert spine.other_side is None
    assert len(bones) == 2 * 16


def test_2d_sources_are_measured_against_the_exact_one_joint_by_joint(
    inspection: Inspection,
) -> None:
    sources = {source.name: source for source in inspection.sources_2d}
    assert sources["gt"].mean_error_px is None
    assert sources["cpn"].mean_error_px == pytest.approx(5.0)
    assert sources["gt"].outside_image == pytest.approx(3 / (21 * 17))
    assert sources["cpn"].outside_image == 0


def test_missing_values_are_counted_where_a_file_was_spoilt(prepared: PreparedSet) -> None:
    positions = np.load(prepared.path / "positions_3d.npy")
    positions[4, 2] = np.nan
    np.save(prepared.path / "positions_3d.npy", positions)
    assert inspect_set(PreparedSet(prepared.path)).missing_values == 3


def test_text_and_json_hold_the_same(inspection: Inspection) -> None:
    assert Inspection.model_validate(json.loads(inspection.model_dump_json())) == inspection
    text = inspection.text()
    for part in ("Made up", "3 clips, 21 frames, 3 of them not scored", "a note", "cite me"):
        assert part in text


def test_the_picture_is_a_png_and_nothing_is_written_into_the_set(
    prepared: PreparedSet, tmp_path: Path
) -> None:
    before = sorted(prepared.path.rglob("*"))
    drawn = save_pose_picture(prepared, tmp_path / "deep" / "poses.png")
    assert drawn.read_bytes().startswith(b"\x89PNG")
    assert sorted(prepared.path.rglob("*")) == before


def test_a_picture_that_cannot_be_written_is_refused(prepared: PreparedSet, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(HarnessError, match="cannot be written"):
        save_pose_picture(prepared, tmp_path / "file" / "poses.png")


def test_prepared_sets_are_found_by_the_name_of_their_data_set(prepared: PreparedSet) -> None:
    folder = prepared.path.parent
    (folder / "half").mkdir()
    (folder / "half" / "manifest.json").write_text("{")
    assert find_prepared_sets(folder) == {"made": [prepared.path]}
    assert find_prepared_sets(folder / "none") == {}
