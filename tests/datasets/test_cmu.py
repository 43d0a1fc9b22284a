"""The cmu importer: joints, splits, damage, bad folders, and the real files where at hand."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from acclaim_files import METRES, asf_text, walking, write_cmu

from harness.body.camera import project
from harness.body.skeleton import H36M_17
from harness.datasets.cmu.acclaim import read_amc, read_asf
from harness.datasets.cmu.motion import joint_positions, motion_pieces
from harness.datasets.damage import repair_spikes
from harness.datasets.importers import prepare_set
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError

JOINT = {name: number for number, name in enumerate(H36M_17.joints)}


@pytest.fixture(scope="module")
def prepared(tiny_cmu: Path, tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    out = tmp_path_factory.mktemp("prepared") / "cmu"
    prepare_set("cmu", tiny_cmu, out, {})
    return PreparedSet(out)


def test_joints_stand_where_the_body_has_them(tmp_path: Path) -> None:
    (tmp_path / "09.asf").write_text(asf_text())
    skeleton = read_asf(tmp_path / "09.asf")
    standing = np.zeros((1, skeleton.channels))
    standing[0, 1] = 16.5
    pose = joint_positions(skeleton, standing)[0]
    height = {name: pose[number, 2] for name, number in JOINT.items()}
    np.testing.assert_allclose(pose[JOINT["Hip"]], (pose[JOINT["LHip"]] + pose[JOINT["RHip"]]) / 2)
    order = ["LFoot", "LKnee", "Hip", "Spine", "Thorax", "Neck/Nose", "Head"]
    assert [height[name] for name in order] == sorted(height[name] for name in order)
    assert height["LFoot"] > 0
    # Facing +z of the file is -y of the world: the toes point there, the left side is at +x.
    for side, sign in (("L", 1), ("R", -1)):
        for name in ("Hip", "Knee", "Foot", "Shoulder", "Elbow", "Wrist"):
            assert sign * pose[JOINT[side + name], 0] > 0.05
    hips = skeleton.joint_ends(standing)[0, skeleton.index["ltoes"]]
    assert hips[2] > 0.1
    forearm = np.linalg.norm(pose[JOINT["LWrist"]] - pose[JOINT["LElbow"]])
    assert forearm == pytest.approx((3.4 + 1.7) * METRES, rel=1e-6)


def test_splits_follow_the_lists_and_a_trial_goes_before_its_subject(prepared: PreparedSet) -> None:
    splits = dict(zip(prepared.clips["subaction"], prepared.clips["split"], strict=True))
    assert splits == {
        "01_01": "train",
        "01_14": "validation",
        "02_01": "test",
        "03_01": "validation",
        "03_03": "train",
    }
    actions = dict(zip(prepared.clips["subaction"], prepared.clips["action"], strict=True))
    assert actions["02_01"] == "Walk"
    assert actions["03_03"] == "UnevenWalk"
    assert prepared.clips.groupby("subaction")["camera"].nunique().eq(4).all()


def test_exact_2d_is_the_projection_and_detections_are_near_it(prepared: PreparedSet) -> None:
    exact, detected = prepared.keypoints_2d("gt"), prepared.keypoints_2d("detected")
    for clip in prepared.clips.itertuples():
        rows = slice(clip.first_row, clip.first_row + clip.frames)
        seen = project(prepared.positions_3d[rows], prepared.camera(clip.camera))
        np.testing.assert_allclose(exact[rows], seen, atol=2e-3)
    error = np.linalg.norm(detected - exact, axis=-1)
    assert 1 < error.mean() < 20
    confidence = prepared.confidence("detected")
    assert confidence is not None
    assert confidence.min() >= 0
    assert confidence.max() <= 1


def test_subjects_borrow_different_cameras(prepared: PreparedSet) -> None:
    cameras = [prepared.camera(f"{subject}/54138969") for subject in ("01", "02", "03")]
    assert len({camera.translation for camera in cameras}) == 3
    assert len({camera.focal_length for camera in cameras}) == 1


def test_the_same_files_and_settings_give_the_same_set(
    prepared: PreparedSet, tiny_cmu: Path, tmp_path: Path
) -> None:
    assert prepare_set("cmu", tiny_cmu, tmp_path / "a", {}).data_hash == prepared.data_hash
    subjects = tiny_cmu / "subjects"
    assert prepare_set("cmu", subjects, tmp_path / "b", {}).data_hash == prepared.data_hash
    assert prepare_set("cmu", tiny_cmu, tmp_path / "c", {"seed": 1}).data_hash != prepared.data_hash


def test_a_spike_is_replaced_by_the_middle_of_its_neighbours_and_nothing_else_changes() -> None:
    time = np.arange(100)[:, None, None] / 120
    positions = np.broadcast_to([[0.1, 0.2, 1.0]], (100, 17, 3)) + np.sin(3 * time)
    spoilt = positions.copy()
    spoilt[40, 13] += [0.0, 0.05, 0.0]
    repaired, spikes = repair_spikes(spoilt, 120)
    assert spikes == [40]
    np.testing.assert_allclose(repaired, positions, atol=1e-3)
    np.testing.assert_array_equal(np.delete(repaired, 40, 0), np.delete(spoilt, 40, 0))


def test_fast_but_real_motion_is_no_spike() -> None:
    # A punch: 10 m/s reached and stopped within 0.1 s each, 100 m/s^2.
    time = np.arange(60) / 120
    reach = np.zeros((60, 17, 3))
    reach[:, 13, 0] = 0.5 - 0.5 * np.cos(np.clip(2 * np.pi * 2.3 * time, 0, np.pi))
    assert repair_spikes(reach, 120)[1] == []


def test_spikes_are_counted_in_the_file_s_frames(tmp_path: Path) -> None:
    values = walking(140)
    values[99, 0] += 3.0
    raw = write_cmu(tmp_path, {"02_01": values})
    skeleton = read_asf(raw / "subjects/02/02.asf")
    _, notes = motion_pieces(raw / "subjects/02/02_01.amc", skeleton, 120, 50)
    assert notes == ["02_01: replaced by the middle of their neighbours: 100"]


def test_options_choose_trials_actions_and_rates(tiny_cmu: Path, tmp_path: Path) -> None:
    options = {
        "train": ["01_01"],
        "validation": [],
        "test": ["02"],
        "actions": {"01_01": "Hop"},
        "frame_rates": {"02": 60},
        "fps": 25,
    }
    prepare_set("cmu", tiny_cmu, tmp_path / "set", options)
    clips = PreparedSet(tmp_path / "set").clips.drop_duplicates("subaction").set_index("subaction")
    assert set(clips.index) == {"01_01", "02_01"}
    assert clips.loc["01_01", "action"] == "Hop"
    assert clips.loc["01_01", "frames"] == (200 - 1) * 25 // 120 + 1
    assert clips.loc["02_01", "frames"] == (150 - 1) * 25 // 60 + 1
    assert set(clips["fps"]) == {25.0}


BAD_OPTIONS = {
    "absent subject": ({"test": ["04"]}, r"listed as test, '04'.*known: 01, 01_01"),
    "absent trial": ({"validation": ["01_15"]}, r"'01_15'; did you mean '01_1"),
    "twice": ({"test": ["01"]}, "01 is listed as train and as test"),
    "unquoted number": ({"train": [1]}, "found 1, expected a valid string"),
    "action of nothing": ({"actions": {"09_01": "Hop"}}, "'09_01'"),
    "too few frames a second": ({"frame_rates": {"01": 30}}, "30 frames a second, fewer than"),
    "mistyped": ({"tran": ["01"]}, "unknown key 'tran'; did you mean 'train'"),
    "rate": ({"fps": 29.97}, "cannot be resampled from 120 to 29.97"),
}


@pytest.mark.parametrize("fault", BAD_OPTIONS)
def test_bad_options_are_refused_by_name(fault: str, tiny_cmu: Path, tmp_path: Path) -> None:
    options, message = BAD_OPTIONS[fault]
    with pytest.raises(HarnessError, match=message):
        prepare_set("cmu", tiny_cmu, tmp_path / "set", options)
    assert not (tmp_path / "set").exists()


def test_bad_folders_are_refused(tiny_cmu: Path, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="with --raw"):
        prepare_set("cmu", None, tmp_path / "set", {})
    with pytest.raises(HarnessError, match="is not a folder"):
        prepare_set("cmu", tmp_path / "gone", tmp_path / "set", {})
    (tmp_path / "empty").mkdir()
    with pytest.raises(HarnessError, match="holds no motions"):
        prepare_set("cmu", tmp_path / "empty", tmp_path / "set", {})
    raw = tmp_path / "raw"
    shutil.copytree(tiny_cmu, raw)
    (raw / "subjects/03/03.asf").unlink()
    with pytest.raises(HarnessError, match=r"03\.asf: no such file"):
        prepare_set("cmu", raw, tmp_path / "set", {})


def test_a_truncated_motion_leaves_the_older_set_as_it_was(tiny_cmu: Path, tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "set"
    shutil.copytree(tiny_cmu, raw)
    before = prepare_set("cmu", raw, out, {}).data_hash
    path = raw / "subjects/03/03_03.amc"
    text = path.read_bytes()
    path.write_bytes(text[: text.rindex(b"lhumerus")])
    with pytest.raises(HarnessError, match="cut short"):
        prepare_set("cmu", raw, out, {})
    assert PreparedSet(out).data_hash == before


@pytest.mark.parametrize("fault", ["length 0", "direction 0 0 0"])
def test_a_bone_without_length_is_refused(fault: str, tiny_cmu: Path, tmp_path: Path) -> None:
    raw = Path(shutil.copytree(tiny_cmu, tmp_path / "raw"))
    path = raw / "subjects/02/02.asf"
    before, bone, after = path.read_text().partition("name lfemur")
    entry, *_ = fault.split(maxsplit=1)
    changed = re.sub(rf"{entry} .*", fault, after, count=1)
    path.write_text(before + bone + changed)
    with pytest.raises(HarnessError, match=r"02\.asf: from LHip to LKnee there is no length"):
        prepare_set("cmu", raw, tmp_path / "set", {})
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("fps", [0.3, 0, -50, 1e9])
def test_a_rate_that_no_set_has_is_refused(fps: float, tiny_cmu: Path, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"options of data set cmu: 'fps': found"):
        prepare_set("cmu", tiny_cmu, tmp_path / "set", {"fps": fps})


def test_a_file_that_cannot_be_read_is_the_one_that_is_named(
    tiny_cmu: Path, tmp_path: Path
) -> None:
    raw = Path(shutil.copytree(tiny_cmu, tmp_path / "raw"))
    motion = raw / "subjects/02/02_01.amc"
    motion.unlink()
    motion.symlink_to(tmp_path / "gone")
    with pytest.raises(HarnessError, match=r"02_01\.amc: cannot be read \(No such file"):
        prepare_set("cmu", raw, tmp_path / "set", {})


def test_a_skeleton_without_a_needed_bone_is_refused(tmp_path: Path) -> None:
    raw = write_cmu(tmp_path / "raw", {"01_01": walking(130)})
    for path in (raw / "subjects/01/01.asf", raw / "subjects/01/01_01.amc"):
        path.write_text(path.read_text().replace("lwrist", "lpaw"))
    with pytest.raises(HarnessError, match="lacks the bones lwrist"):
        prepare_set("cmu", raw, tmp_path / "set", {"train": ["01"], "validation": [], "test": []})


def real_positions(root: Path, trial: str) -> np.ndarray:
    subject = trial[:2]
    skeleton = read_asf(root / f"subjects/{subject}/{subject}.asf")
    motion = read_amc(root / f"subjects/{subject}/{trial}.amc", skeleton)
    return joint_positions(skeleton, motion)


@pytest.mark.parametrize("trial", ["01_01", "02_01", "03_03"])
def test_real_people_are_as_tall_as_documented(real_cmu: Path, trial: str) -> None:
    # Who stands straight measures 1.57 m from the lower toe joint to the end of the head bone
    # (README of the subset); knees bend and feet stretch by a few centimetres around that.
    skeleton = read_asf(real_cmu / f"subjects/{trial[:2]}/{trial[:2]}.asf")
    ends = skeleton.joint_ends(read_amc(real_cmu / f"subjects/{trial[:2]}/{trial}.amc", skeleton))
    toes = ends[:, [skeleton.index["ltoes"], skeleton.index["rtoes"]], 1].min(axis=1)
    height = ends[:, skeleton.index["head"], 1] - toes
    assert np.median(height) == pytest.approx(1.57, abs=0.03)


@pytest.mark.parametrize("subject", ["01", "02", "03"])
def test_real_people_at_rest_have_their_left_side_at_positive_x(
    real_cmu: Path, subject: str
) -> None:
    skeleton = read_asf(real_cmu / f"subjects/{subject}/{subject}.asf")
    rest = joint_positions(skeleton, np.zeros((1, skeleton.channels)))[0]
    assert (rest[list(H36M_17.left), 0] > 0.05).all()
    assert (rest[list(H36M_17.right), 0] < -0.05).all()


def test_a_real_jump_falls_as_the_earth_has_it(real_cmu: Path) -> None:
    positions = real_positions(real_cmu, "02_04")
    # The trunk stands for the centre of mass; in flight the feet leave the floor.
    trunk = positions[:, [JOINT["Hip"], JOINT["Spine"], JOINT["Thorax"]], 2].mean(axis=1)
    top = int(trunk.argmax())
    flight = slice(top - 15, top + 16)
    time = np.arange(-15, 16) / 120
    acceleration = 2 * np.polyfit(time, trunk[flight], 2)[0]
    assert acceleration == pytest.approx(-9.8, abs=0.8)


@pytest.mark.parametrize("trial", ["01_01", "02_06", "03_03"])
def test_real_limbs_keep_their_lengths_and_bodies_stand_upright(real_cmu: Path, trial: str) -> None:
    positions = real_positions(real_cmu, trial)
    for parent, child in (
        ("LHip", "LKnee"),
        ("LKnee", "LFoot"),
        ("RHip", "RKnee"),
        ("RKnee", "RFoot"),
        ("LShoulder", "LElbow"),
        ("LElbow", "LWrist"),
        ("RShoulder", "RElbow"),
        ("RElbow", "RWrist"),
        ("Thorax", "LShoulder"),
    ):
        length = np.linalg.norm(positions[:, JOINT[parent]] - positions[:, JOINT[child]], axis=-1)
        assert np.ptp(length) < 1e-6
        assert 0.18 < length[0] < 0.50
    up = positions[:, JOINT["Head"], 2] - positions[:, [JOINT["LFoot"], JOINT["RFoot"]], 2].mean(1)
    assert np.median(up) > 1.2


def test_the_real_subset_imports_with_every_trial_and_no_jump(
    real_cmu: Path, tmp_path: Path
) -> None:
    prepare_set("cmu", real_cmu, tmp_path / "cmu", {})
    prepared = PreparedSet(tmp_path / "cmu")
    trials = prepared.clips["subaction"].str[:5]
    assert trials.nunique() == 17
    by_split = prepared.clips.groupby("split")["frames"].sum()
    assert 0.1 < by_split["validation"] / (by_split["validation"] + by_split["train"]) < 0.2
    for split in ("train", "validation"):
        assert set(prepared.select(split)["subject"]) == {"01", "03"}
    for clip in prepared.clips.itertuples():
        rows = slice(clip.first_row, clip.first_row + clip.frames)
        positions = prepared.positions_3d[rows]
        assert positions[..., 2].min() > 1.5
        # 12 m/s at 50 frames a second: nobody here moves faster, so this would be a jump.
        assert np.linalg.norm(np.diff(positions, axis=0), axis=-1).max() < 0.24
    outside = (prepared.keypoints_2d("gt") < 0).any(-1) | (prepared.keypoints_2d("gt") > 1000).any(
        -1
    )
    assert outside.mean() < 0.01
