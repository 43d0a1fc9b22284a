"""The bvh importer: joints, units, rates, splits, mappings, damage, and bad ones of each."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import yaml
from bvh_files import LAFAN1, bvh_text, moving, write_raw, write_split
from click.testing import CliRunner

from harness.body.camera import camera_to_world
from harness.body.skeleton import H36M_17
from harness.cli.main import harness
from harness.datasets.bvh.hierarchy import BvhJoint
from harness.datasets.bvh.mapping import mapping_called
from harness.datasets.bvh.motion import motion_pieces
from harness.datasets.bvh.reader import BvhMotion, read_bvh
from harness.datasets.importers import prepare_set
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError

SPLIT = "anna,walk1,Walk,train\nbert,walk2,Walk,validation\ncarl,jump,Jump,test\n"
SHIPPED = ("100style", "bandai_namco", "cmu_cgspeed", "lafan1")


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three short files of three people."""
    folder = tmp_path_factory.mktemp("bvh")
    write_raw(folder / "deep/er", {"walk1": bvh_text(moving(64, 1))})
    write_raw(folder, {"jump": bvh_text(moving(50, 3)), "unlisted": "no BVH"})
    (folder / "walk2.BVH").write_text(bvh_text(moving(70, 2)))
    return folder


@pytest.fixture
def options(tmp_path: Path) -> dict[str, object]:
    return {
        "skeleton": "lafan1",
        "split": write_split(tmp_path / "split.csv", SPLIT),
        "fps": 30,
    }


def joint(name: str) -> int:
    return H36M_17.joints.index(name)


def mapping_file(path: Path, **changes: object) -> str:
    """Write LAFAN1's mapping with changes; of `joints`, only those named change."""
    content = mapping_called("lafan1").model_dump()
    joints = changes.pop("joints", {})
    assert isinstance(joints, dict)
    content["joints"] = {**content["joints"], **joints}
    path.write_text(yaml.safe_dump({**content, **changes}))
    return str(path)


def test_a_set_is_prepared_by_command_and_says_units_rates_and_split(
    raw: Path, options: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["--split", str(options["split"]), "--set", "skeleton=lafan1", "--set", "fps=30"]
    command = ["data", "prepare", "bvh", "--raw", str(raw), *arguments]
    done = CliRunner().invoke(harness, command)
    assert done.exit_code == 0, done.output
    assert "prepared LAFAN1 in data/prepared/bvh: 12 clips, 736 frames" in done.output
    for told in (
        "split split.csv (SHA-256 ",
        "in centimetres (told): jump, walk1, walk2",
        "30 frames a second: jump, walk1, walk2",
    ):
        assert told in done.output
    prepared = PreparedSet(Path("data/prepared/bvh"))
    clips = prepared.clips.drop_duplicates("subaction").set_index("subaction")
    assert clips["subject"].to_dict() == {"jump": "carl", "walk1": "anna", "walk2": "bert"}
    assert clips["split"].to_dict() == {"jump": "test", "walk1": "train", "walk2": "validation"}
    assert clips["action"].to_dict() == {"jump": "Jump", "walk1": "Walk", "walk2": "Walk"}
    assert set(prepared.clips["fps"]) == {30.0}
    assert prepared.clips.groupby("subaction")["camera"].nunique().eq(4).all()
    manifest = prepared.manifest
    assert manifest.name == "bvh"
    assert "CC BY-NC-ND" in manifest.licence
    digest = hashlib.sha256((raw / "deep/er/walk1.bvh").read_bytes()).hexdigest()
    assert manifest.source_files["deep/er/walk1.bvh"] == digest
    assert set(manifest.source_files) == {"deep/er/walk1.bvh", "jump.bvh", "walk2.BVH"}


def test_clips_hold_the_file_s_joints_in_metres_before_their_camera(
    raw: Path, options: dict[str, object], tmp_path: Path
) -> None:
    prepare_set("bvh", raw, tmp_path / "set", options)
    prepared = PreparedSet(tmp_path / "set")
    motion = read_bvh(raw / "jump.bvh")
    for clip in prepared.clips[prepared.clips["subaction"] == "jump"].itertuples():
        rows = slice(clip.first_row, clip.first_row + clip.frames)
        world = camera_to_world(
            prepared.positions_3d[rows].astype(np.float64), prepared.camera(clip.camera)
        )
        # Moved along the floor, so differences of places and all heights are the file's.
        for ours, theirs in (("LKnee", "LeftLeg"), ("RWrist", "RightHand"), ("Thorax", "Neck")):
            x, y, z = np.moveaxis(motion.places([theirs])[:, 0] / 100, -1, 0)
            found = world[:, joint(ours)]
            np.testing.assert_allclose(found[:, 2], y, atol=1e-5)
            np.testing.assert_allclose(np.diff(found[:, 0]), np.diff(x), atol=1e-5)
            np.testing.assert_allclose(np.diff(found[:, 1]), np.diff(-z), atol=1e-5)


def test_the_same_files_and_options_give_the_same_set(
    raw: Path, options: dict[str, object], tmp_path: Path
) -> None:
    one = prepare_set("bvh", raw, tmp_path / "one", options).data_hash
    assert prepare_set("bvh", raw, tmp_path / "two", options).data_hash == one
    other = options | {"seed": 1}
    assert prepare_set("bvh", raw, tmp_path / "three", other).data_hash != one


@pytest.mark.parametrize(
    ("scale", "unit"),
    [
        (1, "centimetres"),
        (10, "millimetres"),
        (0.01, "metres"),
        (1 / 2.54, "inches"),
        (0.45 / 2.54, "the CMU database's units, inches divided by 0.45"),
    ],
)
def test_a_unit_that_nobody_says_is_inferred_from_legs_and_shown(
    scale: float, unit: str, raw: Path, tmp_path: Path
) -> None:
    files = write_raw(tmp_path / "raw", {"a": bvh_text(moving(40), scale=scale)})
    options = {
        "skeleton": mapping_file(tmp_path / "mine.yaml", metres_per_unit=None),
        "split": write_split(tmp_path / "split.csv", "anna,a,Walk,train\n"),
        "fps": 30,
    }
    manifest = prepare_set("bvh", files, tmp_path / "set", options)
    assert f"in {unit} (by their legs): a" in manifest.notes
    positions = PreparedSet(tmp_path / "set").positions_3d
    thigh = np.linalg.norm(positions[:, joint("LHip")] - positions[:, joint("LKnee")], axis=-1)
    np.testing.assert_allclose(thigh, 0.43, atol=1e-4)


def test_a_told_unit_comes_before_the_mapping_s_and_a_wrong_one_is_refused(
    options: dict[str, object], tmp_path: Path
) -> None:
    files = write_raw(
        tmp_path / "raw", dict.fromkeys(("walk1", "walk2", "jump"), bvh_text(moving(40), scale=10))
    )
    with pytest.raises(
        HarnessError, match=r"jump\.bvh: .* legs are 8\.5 m .*--set metres_per_unit=0\.001\)"
    ):
        prepare_set("bvh", files, tmp_path / "set", options)
    manifest = prepare_set("bvh", files, tmp_path / "set", options | {"metres_per_unit": 0.001})
    assert "in millimetres (told): jump, walk1, walk2" in manifest.notes


def test_files_of_another_rate_are_resampled_or_refused(
    raw: Path, options: dict[str, object], tmp_path: Path
) -> None:
    prepare_set("bvh", raw, tmp_path / "slow", options | {"fps": 15})
    clips = PreparedSet(tmp_path / "slow").clips.drop_duplicates("subaction")
    frames = dict(zip(clips["subaction"], clips["frames"], strict=True))
    assert frames == {"walk1": 32, "walk2": 35, "jump": 25}
    told = options | {"fps": 25, "frame_rates": {"anna": 25, "bert": 50, "jump": 25, "walk2": 25}}
    manifest = prepare_set("bvh", raw, tmp_path / "told", told)
    assert "25 frames a second: jump, walk1, walk2" in manifest.notes  # a trial before its subject
    with pytest.raises(HarnessError, match=r"30 frames a second, fewer than the 50 .*option fps"):
        prepare_set("bvh", raw, tmp_path / "fast", options | {"fps": 50})
    assert not (tmp_path / "fast").exists()


def test_damage_is_left_out_and_told(options: dict[str, object], tmp_path: Path) -> None:
    values = moving(120, rate=120)
    values[:, 3:6] += np.linspace(0, 20, 120)[:, None]
    values[60:66] = values[60]
    stiff = slice(-6, -3)  # moves only from the pose that conversions put in front
    values[1:, stiff] = 5
    values[0, 3:] = 80
    files = write_raw(tmp_path / "raw", {"a": bvh_text(values, "0.0083333")})
    pieces = motion_pieces("a", read_bvh(files / "a.bvh"), mapping_called("lafan1"), 30)
    kinds = [note.split("(")[0] for note in pieces.notes]
    assert kinds[0] == "a: left out 1-1 "
    assert "a: left out 62-66 (repeats of frame 61)" in pieces.notes
    assert len(kinds) == 2
    assert [len(piece) for piece in pieces.sound] == [15, 14]
    options |= {"split": write_split(tmp_path / "one.csv", "anna,a,Walk,train\n"), "fps": 30}
    with pytest.raises(HarnessError, match=r"left of the 1 train .*shorter than a second"):
        prepare_set("bvh", files, tmp_path / "set", options)


def test_who_lies_or_whose_axis_is_wrong_is_noted(tmp_path: Path) -> None:
    write_raw(tmp_path, {"a": bvh_text(moving(40))})
    motion = read_bvh(tmp_path / "a.bvh")
    assert not motion_pieces("a", motion, mapping_called("lafan1"), 30).notes
    lying = mapping_called(mapping_file(tmp_path / "z.yaml", up="z"))
    notes = motion_pieces("a", motion, lying, 30).notes
    assert len(notes) == 1
    assert "another axis points up" in notes[0]


def test_every_shipped_mapping_makes_a_body_of_its_hierarchy() -> None:
    for name in SHIPPED:
        mapping = mapping_called(name)
        assert mapping.metres_per_unit in (0.01, pytest.approx(0.0254 / 0.45))
        for ours, made in mapping.weights.items():
            sides = {side for side in ("Left", "Right", "_L", "_R") for of in made if side in of}
            if ours in ("Hip", "Spine", "Thorax", "Neck/Nose", "Head"):
                assert len(sides) in (0, 2)
            else:
                assert sides <= ({"Left", "_L"} if ours[0] == "L" else {"Right", "_R"})
                assert sides


def test_the_conversions_of_the_cmu_database_get_their_lost_bones_back(real_cmu: Path) -> None:
    from harness.datasets.cmu.acclaim import read_amc, read_asf
    from harness.datasets.cmu.motion import joint_positions

    skeleton = read_asf(real_cmu / "subjects/02/02.asf")
    values = read_amc(real_cmu / "subjects/02/02_01.amc", skeleton)[::20]
    ends = skeleton.joint_ends(values) / skeleton.metres
    # What the conversion makes: joints where bones begin, but those above the thorax and beyond
    # the wrists' bones as if these had no length.
    thorax = ends[:, skeleton.index["thorax"]] - ends[:, skeleton.index["upperback"]]
    places = {"LeftUpLeg": "lhipjoint", "LeftLeg": "lfemur", "LeftFoot": "ltibia"}
    places |= {theirs.replace("Left", "Right"): f"r{bone[1:]}" for theirs, bone in places.items()}
    places |= {"Spine": "lowerback", "Spine1": "upperback"}
    above = {"Neck1": "lowerneck", "Head": "upperneck", "end of Head": "head"}
    for side, start in (("Left", "l"), ("Right", "r")):
        above |= {f"{side}Arm": f"{start}clavicle", f"{side}ForeArm": f"{start}humerus"}
        above |= {f"{side}Hand": f"{start}radius"}
    given = {name: ends[:, skeleton.index[bone]] for name, bone in places.items()}
    given |= {name: ends[:, skeleton.index[bone]] - thorax for name, bone in above.items()}
    joints = tuple(
        BvhJoint(name, -1, np.zeros(3), ("xposition", "yposition", "zposition")) for name in given
    )
    motion = BvhMotion(Path("a"), joints, np.concatenate(list(given.values()), axis=1), 120.0)
    mapping = mapping_called("cmu_cgspeed")
    found = mapping.mapped(motion) * mapping.metres_per_unit
    off = np.linalg.norm(found - joint_positions(skeleton, values), axis=-1)
    lower = [joint(name) for name in ("Hip", "LFoot", "RKnee", "Spine")]
    assert off[:, lower].max() < 1e-6
    assert off.mean() < 0.02
    assert off.max() < 0.08


BAD_OPTIONS: dict[str, tuple[dict[str, object], str]] = {
    "no skeleton": ({"skeleton": None}, "skeleton"),
    "an unknown skeleton": ({"skeleton": "lafan2"}, r"unknown skeleton .*did you mean 'lafan1'"),
    "a mapping that is gone": ({"skeleton": "gone.yaml"}, r"gone\.yaml: no such file"),
    "a split that is gone": ({"split": "gone.csv"}, r"gone\.csv: no such file"),
    "a rate for nobody": ({"frame_rates": {"dora": 60}}, "frame_rates, 'dora'"),
    "a rate of zero": ({"frame_rates": {"anna": 0}}, "frame_rates"),
    "a negative unit": ({"metres_per_unit": -1}, "metres_per_unit"),
    "an infinite unit": ({"metres_per_unit": float("inf")}, "metres_per_unit"),
    "cameras of no kind": ({"cameras": "hidden"}, "'shared' or 'unseen'"),
    "an unknown option": ({"skelton": "lafan1"}, "did you mean 'skeleton'"),
}


@pytest.mark.parametrize("fault", BAD_OPTIONS)
def test_bad_options_are_refused_by_name(
    fault: str, raw: Path, options: dict[str, object], tmp_path: Path
) -> None:
    changes, message = BAD_OPTIONS[fault]
    with pytest.raises(HarnessError, match=message) as caught:
        prepare_set("bvh", raw, tmp_path / "set", options | changes)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "set").exists()


BAD_SPLITS = {
    "a trial that is not there": (
        "dora,swim,Swim,test\n",
        r"lacks swim of the 4 trials of split .*split\.csv; a trial is called like its file",
    ),
    "a subject in two splits": (
        "carl,unlisted,Jump,train\n",
        r"subject carl is in test \(jump\) and in train \(unlisted\)",
    ),
    "a file that is no BVH": ("dora,unlisted,Swim,test\n", r"unlisted\.bvh: is no whole BVH file"),
}


@pytest.mark.parametrize("fault", BAD_SPLITS)
def test_a_bad_split_is_refused_and_an_older_set_stays(
    fault: str, raw: Path, options: dict[str, object], tmp_path: Path
) -> None:
    before = prepare_set("bvh", raw, tmp_path / "set", options).data_hash
    lines, message = BAD_SPLITS[fault]
    bad = options | {"split": write_split(tmp_path / "split.csv", SPLIT + lines)}
    with pytest.raises(HarnessError, match=message) as caught:
        prepare_set("bvh", raw, tmp_path / "set", bad)
    assert "\n" not in str(caught.value)
    assert PreparedSet(tmp_path / "set").data_hash == before


def test_folders_without_files_or_with_one_name_twice_are_refused(
    raw: Path, options: dict[str, object], tmp_path: Path
) -> None:
    with pytest.raises(HarnessError, match="with --raw"):
        prepare_set("bvh", None, tmp_path / "set", options)
    (tmp_path / "empty").mkdir()
    with pytest.raises(HarnessError, match=r"holds no \.bvh files"):
        prepare_set("bvh", tmp_path / "empty", tmp_path / "set", options)
    text = bvh_text(moving(40))
    files = write_raw(tmp_path / "two", dict.fromkeys(("walk1", "walk2", "jump"), text))
    write_raw(files / "more", {"jump": text, "other": text})
    with pytest.raises(HarnessError, match=r"more/jump\.bvh|jump\.bvh: trial jump is also"):
        prepare_set("bvh", files, tmp_path / "set", options)


BAD_FILES = {
    "no joint for a needed name": (
        bvh_text(moving(40)).replace("LeftForeArm", "leftforearm"),
        r"lacks the joint LeftForeArm, which the mapping 'LAFAN1' needs, letter by letter; found "
        r"Hips, LeftUpLeg, .*leftforearm",
    ),
    "no joints for many": (
        bvh_text(moving(40)).replace("Left", "L_"),
        "lacks the joints LeftUpLeg, ",
    ),
    "a bone of no length": (
        bvh_text(moving(40)).replace("OFFSET 0.000000 -43.000000 0.000000", "OFFSET 0 0 0"),
        r"frame 1: the bone from RHip to RKnee has no length \(RightUpLeg and RightLeg\)",
    ),
    "NaN": (bvh_text(moving(40)).replace(" 93.000000", " nan", 1), "frame 1: has the value 'nan'"),
    "places beyond all numbers": (
        bvh_text(moving(40)).replace("OFFSET 0.000000 -43.000000 0.000000", "OFFSET 0 1e308 1e308"),
        r"a joint is 1e\+09 units or more away",
    ),
}


@pytest.mark.parametrize("fault", BAD_FILES)
def test_a_file_that_is_no_person_is_refused_in_one_line(
    fault: str, options: dict[str, object], tmp_path: Path
) -> None:
    text, message = BAD_FILES[fault]
    assert text != bvh_text(moving(40))
    files = write_raw(tmp_path / "raw", dict.fromkeys(("walk1", "walk2", "jump"), text))
    with pytest.raises(HarnessError, match=message) as caught:
        prepare_set("bvh", files, tmp_path / "set", options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "set").exists()


def test_legs_that_no_unit_makes_a_person_s_are_refused(tmp_path: Path) -> None:
    mapping = mapping_called(mapping_file(tmp_path / "mine.yaml", metres_per_unit=None))
    write_raw(tmp_path, {"a": bvh_text(moving(40), scale=1e4)})
    with pytest.raises(HarnessError, match=r"legs.*are 8.5e\+05 long.*option metres_per_unit"):
        motion_pieces("a", read_bvh(tmp_path / "a.bvh"), mapping, 30)


BAD_MAPPINGS: dict[str, tuple[dict[str, object], str]] = {
    "weights that do not sum to 1": (
        {"joints": {"Hip": {"Hips": 0.5, "Spine": 0.6}}},
        "weights of Hip that sum to 1, not 1.1",
    ),
    "a joint that is none": ({"joints": {"Tail": "Hips"}}, r"Hip, RHip, .*not so: Tail"),
    "a unit in words": ({"metres_per_unit": "centimetres"}, "metres_per_unit"),
    "an axis that never is up": ({"up": "x"}, "up"),
    "an unknown key": ({"units": "cm"}, "unknown key 'units'"),
    "an infinite weight": ({"joints": {"Hip": {"Hips": float("inf")}}}, "Hip"),
    "a number for a joint": ({"joints": {"Hip": 1}}, "Hip"),
}


@pytest.mark.parametrize("fault", BAD_MAPPINGS)
def test_a_bad_mapping_is_refused_by_name(
    fault: str, raw: Path, options: dict[str, object], tmp_path: Path
) -> None:
    changes, message = BAD_MAPPINGS[fault]
    bad = options | {"skeleton": mapping_file(tmp_path / "bad.yaml", **changes)}
    with pytest.raises(HarnessError, match=message) as caught:
        prepare_set("bvh", raw, tmp_path / "set", bad)
    assert "bad.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_mapping_lacks_no_joint_and_is_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("title: a\njoints: {Hip: Hips}\n")
    with pytest.raises(HarnessError, match="not so: "):
        mapping_called(str(path))
    path.write_text("- Hip\n")
    with pytest.raises(HarnessError, match="is no mapping of joints"):
        mapping_called(str(path))


def test_our_hierarchy_is_lafan1_s() -> None:
    assert {name for name, _, _ in LAFAN1} >= set(mapping_called("lafan1").needed)
