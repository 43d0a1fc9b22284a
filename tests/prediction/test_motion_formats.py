"""Files of motion say what was lifted, as other programs read it."""

import csv
import json
import re
from pathlib import Path

import bvhio
import numpy as np
import pytest
from keypoint_files import waving

from harness.body.skeleton import H36M_17, HUMANEVA_15, Skeleton
from harness.foundation.errors import HarnessError
from harness.prediction.motion import Motion
from harness.prediction.motion_formats.write import FORMATS, motion_files, refuse_unit, write_motion

FRAMES, FPS, FIRST = 12, 25.0, 40


def motion_of(positions: np.ndarray | None = None, skeleton: Skeleton = H36M_17) -> Motion:
    if positions is None:
        body = waving(FRAMES)
        positions = body - body[:, :1]
    filled = np.zeros(positions.shape[:2], bool)
    filled[3, 2] = True
    return Motion(
        source="clip.json, person 1",
        model="dgnet, dgnet-0123456789",
        skeleton=skeleton,
        positions=positions,
        unit="m",
        fps=FPS,
        first_frame=FIRST,
        filled=filled,
        layout=H36M_17,
        keypoints=np.full((FRAMES, 17, 2), 7.0),
        size=(640, 480),
    )


def turned(generator: np.random.Generator, skeleton: Skeleton) -> np.ndarray:
    """Return a motion whose bones point anywhere, the lengths of each fixed."""
    frames, joints = 40, len(skeleton)
    positions = np.zeros((frames, joints, 3))
    for parent, child in skeleton.edges:
        direction = generator.normal(size=(frames, 3))
        direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
        positions[:, child] = positions[:, parent] + (0.1 + 0.02 * child) * direction
    return positions


def read_bvh(path: Path) -> tuple[list[str], dict[str, str], float, list[dict[str, np.ndarray]]]:
    """Read a BVH file by the letter of the format: names, parents, frame time, places by frame."""
    words = re.findall(r"[^\s{}]+|[{}]", path.read_text())
    assert words[0] == "HIERARCHY"
    names: list[str] = []
    parents: dict[str, str] = {}
    offsets: dict[str, np.ndarray] = {}
    channels: list[tuple[str, str]] = []
    stack: list[str] = []
    at = 1
    while words[at] != "MOTION":
        if words[at] in ("ROOT", "JOINT", "End"):
            name = f"{stack[-1]} end" if words[at] == "End" else words[at + 1]
            assert (words[at] == "ROOT") == (not stack)
            names.append(name)
            parents[name] = stack[-1] if stack else ""
            assert words[at + 2] == "{"
            stack.append(name)
            at += 3
        elif words[at] == "OFFSET":
            offsets[stack[-1]] = np.array([float(word) for word in words[at + 1 : at + 4]])
            at += 4
        elif words[at] == "CHANNELS":
            count = int(words[at + 1])
            channels += [(stack[-1], channel) for channel in words[at + 2 : at + 2 + count]]
            at += 2 + count
        else:
            assert words[at] == "}"
            stack.pop()
            at += 1
    assert not stack
    assert words[at + 1] == "Frames:"
    frames = int(words[at + 2])
    assert words[at + 3 : at + 5] == ["Frame", "Time:"]
    values = np.array([float(word) for word in words[at + 6 :]]).reshape(frames, len(channels))
    poses = []
    for row in values:
        world: dict[str, np.ndarray] = {}
        places: dict[str, np.ndarray] = {}
        for name in names:
            moved, turn = np.zeros(3), np.eye(3)
            for (joint, channel), value in zip(channels, row, strict=True):
                if joint != name:
                    continue
                axis = "XYZ".index(channel[0])
                if channel.endswith("position"):
                    moved[axis] = value
                else:
                    turn = turn @ about(axis, np.radians(value))
            before = world.get(parents[name], np.eye(3))
            origin = places.get(parents[name], np.zeros(3))
            places[name] = origin + before @ offsets[name] + moved
            world[name] = before @ turn
        poses.append(places)
    return names, parents, float(words[at + 5]), poses


def about(axis: int, angle: float) -> np.ndarray:
    one, other = [(1, 2), (2, 0), (0, 1)][axis]
    matrix = np.eye(3)
    matrix[one, one] = matrix[other, other] = np.cos(angle)
    matrix[other, one], matrix[one, other] = np.sin(angle), -np.sin(angle)
    return matrix


@pytest.mark.parametrize("skeleton", [H36M_17, HUMANEVA_15], ids=lambda skeleton: skeleton.name)
def test_bones_of_a_bvh_file_point_where_they_were_lifted(
    skeleton: Skeleton, tmp_path: Path
) -> None:
    positions = turned(np.random.default_rng(0), skeleton)
    (path,) = write_motion(motion_of(positions, skeleton=skeleton), tmp_path / "a", ["bvh"])
    names, parents, time, poses = read_bvh(path)
    assert time == pytest.approx(1 / FPS)
    assert len(poses) == len(positions)
    upright = positions * [1, -1, -1]
    clean = [re.sub(r"\W", "_", joint) for joint in skeleton.joints]
    children = {name: [clean[c] for p, c in skeleton.edges if clean[p] == name] for name in clean}
    for child, parent in ((name, parents[name]) for name in names if parents[name]):
        if not children[parent]:
            continue  # the stub beyond a last joint
        joint = children[parent][0] if child.endswith(" end") else child
        number = clean.index(joint)
        places = np.array([pose[child] - pose[parent] for pose in poses])
        wanted = upright[:, number] - upright[:, skeleton.parents[number]]
        np.testing.assert_allclose(
            np.linalg.norm(places, axis=-1), np.linalg.norm(wanted, axis=-1), rtol=1e-4
        )
        if len(children[parent]) == 1:
            np.testing.assert_allclose(places, wanted, atol=1e-4)


def test_a_library_for_bvh_files_puts_every_joint_in_the_same_place(tmp_path: Path) -> None:
    positions = turned(np.random.default_rng(0), H36M_17)
    (path,) = write_motion(motion_of(positions), tmp_path / "a", ["bvh"])
    _, _, time, poses = read_bvh(path)
    root = bvhio.readAsHierarchy(str(path))
    assert bvhio.readAsBvh(str(path)).FrameTime == pytest.approx(time)
    for frame in (0, FRAMES // 2, FRAMES - 1):
        root.loadPose(frame)
        joints = [joint for joint, _, _ in root.layout()]
        assert len(joints) == 12  # feet, wrists and head are end sites
        for joint in joints:
            np.testing.assert_allclose(joint.PositionWorld, poses[frame][joint.Name], atol=1e-5)


def test_a_body_that_is_rigid_at_hips_and_chest_comes_back_whole(tmp_path: Path) -> None:
    body = waving(FRAMES)
    positions = body - body[:, :1]
    positions[:, 7] = [0, -0.2, 0]  # straight above the hips, as the rest pose has it
    positions[:, 8] = [0, -0.45, 0]
    positions[:, 11], positions[:, 14] = [0.15, -0.45, 0], [-0.15, -0.45, 0]
    positions[:, 9] = [0, -0.57, 0]
    (path,) = write_motion(motion_of(positions), tmp_path / "a", ["bvh"])
    _, _, _, poses = read_bvh(path)
    upright = positions * [1, -1, -1]
    for frame, pose in enumerate(poses):
        for joint in ("Hip", "LHip", "RKnee", "Thorax", "LElbow"):
            wanted = upright[frame, H36M_17.index(joint)]
            np.testing.assert_allclose(pose[joint], wanted, atol=1e-4)
        wrist = upright[frame, H36M_17.index("LWrist")]
        assert np.linalg.norm(pose["LElbow end"] - wrist) < 0.05, "its bone had several lengths"


def test_half_a_turn_has_an_axis(tmp_path: Path) -> None:
    positions = np.zeros((FRAMES, 17, 3))
    for parent, child in H36M_17.edges:
        positions[:, child] = positions[:, parent] + [0.0, 0.2, 0.0]  # all hang, down is +y
    (path,) = write_motion(motion_of(positions), tmp_path / "a", ["bvh"])
    pose = read_bvh(path)[3][0]
    np.testing.assert_allclose(pose["Neck_Nose end"] - pose["Neck_Nose"], [0, -0.2, 0], atol=1e-6)


def test_trc_is_opensims_table_with_y_up(tmp_path: Path) -> None:
    motion = motion_of()
    (path,) = write_motion(motion, tmp_path / "a", ["trc"])
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    assert lines[0] == ["PathFileType", "4", "(X/Y/Z)", "a.trc"]
    told = dict(zip(lines[1], lines[2], strict=True))
    assert (float(told["DataRate"]), told["NumFrames"], told["NumMarkers"]) == (25, "12", "17")
    assert (told["Units"], told["OrigDataStartFrame"]) == ("m", "41")
    names = lines[3][2::3]
    assert names[9] == "Neck_Nose"
    assert lines[4][2:5] == ["X1", "Y1", "Z1"]
    assert lines[5] == [""]
    rows = np.array([[float(value) for value in line] for line in lines[6:]])
    assert rows.shape == (FRAMES, 2 + 51)
    assert rows[:, 0].tolist() == list(range(41, 53))
    np.testing.assert_allclose(rows[:, 1], np.arange(40, 52) / FPS, atol=1e-6)
    places = rows[:, 2:].reshape(FRAMES, 17, 3)
    np.testing.assert_allclose(places, motion.positions * [1, -1, -1], atol=1e-6)
    assert places[:, names.index("Head"), 1].min() > 0.5, "the head is above the hips"
    refuse_unit(["npz", "bvh"], "screen")
    with pytest.raises(HarnessError, match="--format trc needs metres"):
        refuse_unit(["npz", "trc"], "screen")


def test_npz_json_and_csv_hold_names_units_rate_and_marks(tmp_path: Path) -> None:
    motion = motion_of()
    paths = write_motion(motion, tmp_path / "a", ["npz", "json", "csv"])
    with np.load(paths[0]) as arrays:
        np.testing.assert_allclose(arrays["positions_3d"], motion.positions, atol=1e-6)
        assert arrays["joints"].tolist() == list(H36M_17.joints)
        assert (str(arrays["unit"]), float(arrays["fps"]), int(arrays["first_frame"])) == (
            "m",
            FPS,
            FIRST,
        )
        assert np.argwhere(arrays["filled"]).tolist() == [[3, 2]]
        assert "y down" in str(arrays["axes"])
    content = json.loads(paths[1].read_text())
    np.testing.assert_allclose(content["positions_3d"], motion.positions, atol=1e-6)
    assert (content["unit"], content["fps"], content["filled"][3][2]) == ("m", FPS, True)
    with paths[2].open() as stream:
        rows = list(csv.DictReader(stream))
    assert (rows[3]["frame"], rows[3]["time_s"], rows[3]["RKnee_filled"]) == ("43", "1.720000", "1")
    assert float(rows[0]["Head_y_m"]) == pytest.approx(motion.positions[0, 10, 1], abs=1e-6)


def test_all_formats_are_written_and_people_have_files_of_their_own(tmp_path: Path) -> None:
    paths = write_motion(motion_of(), tmp_path / "clip.v2", list(FORMATS))
    assert [path.name for path in paths] == [f"clip.v2.{name}" for name in FORMATS]
    assert motion_files(tmp_path, "clip", ["7"]) == {"7": tmp_path / "clip"}
    places = motion_files(tmp_path, "clip", ["../a", "a b", "a/b"])
    assert all(place.parent == tmp_path for place in places.values())
    assert len(set(places.values())) == 3
