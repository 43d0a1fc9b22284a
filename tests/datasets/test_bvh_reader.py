"""BVH files: places against a literal reference, our own writer's files, odd and bad ones."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from bvh_files import bvh_text, moving

from harness.body.kinematics import forward_kinematics
from harness.body.skeleton import H36M_17
from harness.datasets.bvh import hierarchy, reader
from harness.datasets.bvh.frame_time import rate_of
from harness.datasets.bvh.reader import read_bvh
from harness.foundation.budget import BUDGET
from harness.foundation.errors import HarnessError
from harness.prediction.motion import Motion
from harness.prediction.motion_formats import bvh as writer


@dataclass
class Node:
    """A joint of the reference, with what it is told for one frame."""

    name: str
    offset: list[float]
    channels: list[str]
    children: list["Node"] = field(default_factory=list)


def random_hierarchy(random: np.random.Generator, joints: int) -> list[Node]:
    """Return joints in the order of a file, the first the root, with random channels each."""
    every = [f"{axis}{kind}" for axis in "XYZ" for kind in ("position", "rotation")]
    nodes: list[Node] = []
    for number in range(joints):
        count = 6 if number == 0 else int(random.integers(0, 7))
        channels = [str(channel) for channel in random.permutation(every)[:count]]
        nodes.append(Node(f"joint {number}", random.uniform(-5, 5, 3).tolist(), channels))
        if number:
            nodes[int(random.integers(0, number))].children.append(nodes[-1])
    order: list[Node] = []

    def visit(node: Node) -> None:
        order.append(node)
        for child in node.children:
            visit(child)

    visit(nodes[0])
    return order


def text_of(nodes: list[Node], frames: np.ndarray) -> str:
    """Write a hierarchy with all braces on lines of their own, tabs and blanks anyhow."""

    def lines(node: Node, keyword: str) -> list[str]:
        found = [f"  {keyword}\t{node.name}", "{", "\tOFFSET " + "\t".join(map(repr, node.offset))]
        found.append(f"CHANNELS {len(node.channels)} {' '.join(node.channels)} ")
        for child in node.children:
            found += lines(child, "JOINT")
        if not node.children:
            found += ["End Site {", "OFFSET 0.5 -1 2 }"]
        return [*found, "}"]

    head = ["", "HIERARCHY", *lines(nodes[0], "ROOT"), "MOTION", f"Frames:\t{len(frames)}"]
    rows = ["\t".join(map(repr, frame)) + " " for frame in frames.tolist()]
    return "\n".join([*head, "Frame Time:\t0.01", *rows]) + "\n\n"


def literal_places(root: Node, frame: list[float]) -> dict[str, np.ndarray]:
    """Return where every joint is, by 4 x 4 matrices multiplied one channel after another."""
    rest = list(frame)
    places: dict[str, np.ndarray] = {}

    def visit(node: Node, parent: np.ndarray) -> None:
        given = [(channel, rest.pop(0)) for channel in node.channels]
        shift = list(node.offset)
        for channel, value in given:
            if channel.endswith("position"):
                shift["XYZ".index(channel[0])] = value
        local = np.eye(4)
        local[:3, 3] = shift
        for channel, value in given:
            if channel.endswith("rotation"):
                c, s = np.cos(np.radians(value)), np.sin(np.radians(value))
                local = (
                    local
                    @ {
                        "X": np.array([[1, 0, 0, 0], [0, c, -s, 0], [0, s, c, 0], [0, 0, 0, 1]]),
                        "Y": np.array([[c, 0, s, 0], [0, 1, 0, 0], [-s, 0, c, 0], [0, 0, 0, 1]]),
                        "Z": np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
                    }[channel[0]]
                )
        world = parent @ local
        places[node.name] = world[:3, 3]
        if not node.children:
            places[f"end of {node.name}"] = (world @ [0.5, -1, 2, 1])[:3]
        for child in node.children:
            visit(child, world)

    visit(root, np.eye(4))
    return places


@pytest.mark.parametrize("seed", range(6))
def test_joints_stand_where_the_definition_says(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_BLOCK", 3)  # frames come in several blocks
    random = np.random.default_rng(seed)
    nodes = random_hierarchy(random, 9)
    frames = random.uniform(-200, 200, (7, sum(len(node.channels) for node in nodes)))
    path = tmp_path / "a.bvh"
    path.write_text(text_of(nodes, frames))
    motion = read_bvh(path)
    assert motion.rate == 100
    assert [joint.name for joint in motion.joints if "end" not in joint.name] == [
        node.name for node in nodes
    ]
    wanted = [joint.name for joint in motion.joints][::-1]
    for places, frame in zip(motion.places(wanted), frames.tolist(), strict=True):
        expected = literal_places(nodes[0], frame)
        np.testing.assert_allclose(places, [expected[name] for name in wanted], atol=1e-9)


def test_position_channels_of_a_joint_replace_its_offset(tmp_path: Path) -> None:
    path = tmp_path / "a.bvh"
    joint = "JOINT b {\nOFFSET 10 20 30\nCHANNELS 2 Zposition Xposition\n}"
    root = f"ROOT a {{\nOFFSET 1 2 3\nCHANNELS 1 Yposition\n{joint} }}"
    path.write_text(f"HIERARCHY\n{root}\nMOTION\nFrames: 1\nFrame Time: 1\n5 7 9\n")
    np.testing.assert_array_equal(read_bvh(path).places(["a", "b"])[0], [[1, 5, 3], [10, 25, 10]])


def test_what_our_own_writer_wrote_is_read_as_the_joints_it_was_given(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    frames = 12
    # A body whose bones keep their lengths, as the format has it: turned from the writer's rest.
    rest = np.zeros((17, 3))
    for joint, parent in enumerate(H36M_17.parents):
        if parent >= 0:
            rest[joint] = 0.3 * writer._rest_direction(H36M_17, joint)
    angles = np.cumsum(random.uniform(-0.1, 0.1, (frames, 17, 3)), axis=0)
    turns = writer.rotation_from_axis_angle(angles)
    above = turns.copy()  # a bone turns with the joint that it begins at
    for joint, parent in enumerate(H36M_17.parents):
        above[:, joint] = np.eye(3) if parent < 0 else turns[:, parent]
    order = sorted(range(17), key=lambda joint: _depth(joint))
    parents = [order.index(H36M_17.parents[j]) if H36M_17.parents[j] >= 0 else -1 for j in order]
    ends, _ = forward_kinematics(parents, rest[order], above[:, order], np.zeros((frames, 3)))
    upright = np.empty_like(ends)
    upright[:, order] = ends
    motion = Motion(
        "made up",
        "none",
        H36M_17,
        upright * [1, -1, -1],
        "m",
        50.0,
        0,
        np.zeros((frames, 17), bool),
        H36M_17,
        np.zeros((frames, 17, 2)),
        (1000, 1000),
    )
    writer.write(motion, tmp_path / "own.bvh")
    found = read_bvh(tmp_path / "own.bvh")
    assert found.rate == 50
    names = [joint.replace("/", "_") for joint in H36M_17.joints]
    for joint in ("RFoot", "LFoot", "Head", "LWrist", "RWrist"):
        number = H36M_17.joints.index(joint)
        names[number] = f"end of {names[H36M_17.parents[number]]}"
    np.testing.assert_allclose(found.places(names), upright, atol=2e-6)


def _depth(joint: int) -> int:
    parent = H36M_17.parents[joint]
    return 0 if parent < 0 else 1 + _depth(parent)


RATES = {
    ".0083333": 120, "0.0083333": 120, "0.033333": 30, "0.0333333": 30, "0.016667": 60,
    "0.016666": 60, "0.01667": 60, "0.04": 25, "0.02": 50, "0.041667": 24, "1": 1, "2e-2": 50,
    "0.033367": 30000 / 1001, "0.0166833": 60000 / 1001, "0.00694444": 144,
    "0.0123456789": 1 / 0.0123456789,
}  # fmt: skip


@pytest.mark.parametrize("frame_time", RATES)
def test_a_rounded_frame_time_is_the_rate_that_was_meant(frame_time: str) -> None:
    assert rate_of(Path("a.bvh"), frame_time) == pytest.approx(RATES[frame_time], rel=1e-12)


@pytest.mark.parametrize(
    "frame_time", ["0", "-0.1", "nan", "inf", "0,04", "1_0", "", ".", "1e-400", "1e-300", "1e300"]
)
def test_a_frame_time_that_is_none_is_refused(frame_time: str) -> None:
    with pytest.raises(HarnessError, match=r"a\.bvh: Frame Time is .*0\.0001 to 10, such as"):
        rate_of(Path("a.bvh"), frame_time)


HARMLESS: dict[str, Callable[[str], str]] = {
    "line ends of Windows": lambda text: text.replace("\n", "\r\n"),
    "line ends of old Macs": lambda text: text.replace("\n", "\r"),
    "blank lines": lambda text: text.replace("\n", "\n\n"),
    "a byte order mark": lambda text: "\ufeff" + text,
    "braces on the joint's line": lambda text: text.replace("\n\t{", " {"),
    "keywords in small letters": lambda text: text.replace("OFFSET", "offset").replace(
        "End Site", "end site"
    ).replace("Zrotation", "ZROTATION").replace("MOTION", "Motion"),
    "tabs between numbers": lambda text: text.replace(" ", "\t").replace("End\tSite", "End Site"),
    "exponents": lambda text: text.replace(" 93.000000", " 9.3e1"),
}  # fmt: skip


@pytest.mark.parametrize("oddity", HARMLESS)
def test_odd_but_clear_text_is_read_as_the_plain_file(oddity: str, tmp_path: Path) -> None:
    text = bvh_text(moving(4))
    edited = HARMLESS[oddity](text)
    assert edited != text
    plain, odd = tmp_path / "plain.bvh", tmp_path / "odd.bvh"
    plain.write_text(text)
    odd.write_bytes(edited.encode())
    names = [joint.name for joint in read_bvh(plain).joints]
    assert [joint.name for joint in read_bvh(odd).joints] == names
    np.testing.assert_array_equal(read_bvh(odd).places(names), read_bvh(plain).places(names))


def test_names_in_latin_1_with_blanks_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.bvh"
    path.write_bytes(bvh_text(moving(2)).replace("LeftHand", "linke  H\xe4nd").encode("latin-1"))
    assert "linke H\xe4nd" in read_bvh(path).index


def last_line(edit: Callable[[list[str]], list[str]]) -> Callable[[str], str]:
    """Edit the words of the last frame's line."""

    def edited(text: str) -> str:
        *lines, last = text.rstrip("\n").split("\n")
        return "\n".join([*lines, " ".join(edit(last.split()))]) + "\n"

    return edited


def set_word(value: str) -> Callable[[str], str]:
    return last_line(lambda words: [*words[:7], value, *words[8:]])


BAD: dict[str, tuple[Callable[[str], str], str]] = {
    "nothing": (lambda text: "", "no line MOTION follows"),
    "no motion": (lambda text: text[: text.index("MOTION")], "no line MOTION follows"),
    "another format": (lambda text: "v 1 2 3\nMOTION\n", "line 1: found 'v 1 2 3', expected the"),
    "empty motion": (lambda text: text[: text.index("Frames")], "found '' after MOTION, .*Frames:"),
    "no frames": (
        lambda text: text[: text.index("Frames")] + "Frames: 0\nFrame Time: 0.1\n",
        r"holds no motion \(no frames of 69 channels\)",
    ),
    "frames in words": (lambda text: text.replace("Frames: 4", "Frames: four"), "'Frames: four'"),
    "frames beyond counting": (lambda text: text.replace("Frames: 4", "Frames: " + "9" * 30), "99"),
    "a negative count": (lambda text: text.replace("Frames: 4", "Frames: -4"), "'Frames: -4'"),
    "no frame time": (lambda text: text.replace("Frame Time", "Frame"), "expected 'Frame Time:'"),
    "a frame time of zero": (lambda text: text.replace("0.033333", "0"), "Frame Time is '0'"),
    "more frames announced": (
        lambda text: text.replace("Frames: 4", "Frames: 5"), "announces 5 frames and holds 4",
    ),
    "fewer frames announced": (
        lambda text: text.replace("Frames: 4", "Frames: 3"), "announces 3 frames and holds 4",
    ),
    "a value fewer": (last_line(lambda words: words[:-1]), "frame 4: has 68 values, .*69 channels"),
    "a value more": (last_line(lambda words: [*words, "0"]), "frame 4: has 70 values"),
    "fewer values everywhere": (
        lambda text: text.replace("CHANNELS 3", "CHANNELS 4 Xposition", 1),
        "frame 1: has 69 values, .*70 channels",
    ),
    "cut within a line": (lambda text: text[:-300], "frame 4: has .* values"),
    "NaN": (set_word("nan"), "frame 4: has the value 'nan', expected a finite number"),
    "Windows' NaN": (set_word("-1.#IND"), "has the value '-1.#IND'"),
    "infinity": (set_word("inf"), "has the value 'inf'"),
    "too large a number": (set_word("1e999"), "has the value '1e999'"),
    "a word": (set_word("left"), "has the value 'left'"),
    "a decimal comma": (set_word("1,5"), "has the value '1,5'"),
    "an escape sequence": (set_word("\x1b[2J"), r"has the value '\\x1b\[2J'"),
    "cut hierarchy": (
        lambda text: text.replace("}\nMOTION", "MOTION"), "ends before its last brace",
    ),
    "only a word": (lambda text: "HIERARCHY\n" + text[text.index("MOTION") :], "last brace"),
    "a brace too many": (lambda text: text.replace("MOTION", "}\nMOTION"), "found '}', expected"),
    "two people": (
        lambda text: text.replace("MOTION", "ROOT Other\n{\n}\nMOTION"), "a second ROOT; give each",
    ),
    "no brace": (lambda text: text.replace("{", "", 1), "found 'OFFSET"),
    "a joint without a name": (lambda text: text.replace("JOINT Neck", "JOINT"), "found 'JOINT'"),
    "a name twice": (lambda text: text.replace("Spine2", "Spine1"), "joint Spine1 stands twice"),
    "no offset": (
        lambda text: text.replace("\t\tOFFSET 0.000000 8.000000 -1.000000\n", ""),
        "joint Spine has no OFFSET",
    ),
    "a short offset": (
        lambda text: text.replace("OFFSET 0.000000 8.000000 -1.000000", "OFFSET 0 8"),
        "OFFSET of Spine is '0 8', expected three finite numbers",
    ),
    "an offset of NaN": (
        lambda text: text.replace("OFFSET 0.000000 8.000000 -1.000000", "OFFSET 0 8 nan"),
        "OFFSET of Spine is '0 8 nan'",
    ),
    "an unknown channel": (
        lambda text: text.replace("3 Zrotation", "3 Zscale", 1), "CHANNELS of .* '3 Zscale",
    ),
    "a channel twice": (lambda text: text.replace("Yrotation", "Zrotation", 1), "at most once"),
    "another number of channels": (
        lambda text: text.replace("CHANNELS 3 Z", "CHANNELS 2 Z", 1), "of LeftUpLeg are '2 Z",
    ),
    "channels below a child": (
        lambda text: text.replace("}\nMOTION", "\tCHANNELS 1 Xrotation\n}\nMOTION"),
        "found 'CHANNELS 1 Xrotation'",
    ),
    "two offsets": (
        lambda text: text.replace("\tOFFSET", "\tOFFSET 1 2 3\n\tOFFSET", 1),
        "found 'OFFSET 0.000000",
    ),
    "something else": (lambda text: text.replace("OFFSET", "ROTATE", 1), "found 'ROTATE"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_file_is_refused_in_one_plain_line(fault: str, tmp_path: Path) -> None:
    edit, message = BAD[fault]
    text = bvh_text(moving(4))
    edited = edit(text)
    assert edited != text
    path = tmp_path / "bad.bvh"
    path.write_text(edited)
    with pytest.raises(HarnessError, match=message) as caught:
        read_bvh(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_bad_frame_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.bvh"
    path.write_text(set_word("nan")(bvh_text(moving(4))))
    number = len(path.read_text().splitlines())
    with pytest.raises(HarnessError, match=f"line {number}, frame 4: has the value 'nan'"):
        read_bvh(path)


def test_files_that_are_missing_or_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"gone\.bvh: no such file"):
        read_bvh(tmp_path / "gone.bvh")
    (tmp_path / "binary.bvh").write_bytes(bytes(range(256)))
    with pytest.raises(HarnessError, match="is not a text file"):
        read_bvh(tmp_path / "binary.bvh")


def test_files_beyond_the_budget_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bvh"
    path.write_text(bvh_text(moving(4)))
    monkeypatch.setattr(hierarchy, "BUDGET", replace(BUDGET, motion_joints=10))
    with pytest.raises(HarnessError, match="more than 10 joints"):
        read_bvh(path)
    monkeypatch.setattr(reader, "BUDGET", replace(BUDGET, motion_bytes=1000))
    with pytest.raises(HarnessError, match="larger than 1,000 bytes"):
        read_bvh(path)


def test_a_chain_of_joints_without_channels_takes_no_memory_for_all_frames(tmp_path: Path) -> None:
    import tracemalloc

    deep = BUDGET.motion_joints - 1
    head = ["HIERARCHY", "ROOT r {", "OFFSET 0 0 0", "CHANNELS 1 Xposition"]
    body = [line for n in range(deep) for line in (f"JOINT {n} {{", "OFFSET 0 1 0")]
    rows = ["1"] * 1600
    text = [*head, *body, "}" * (deep + 1), "MOTION", f"Frames: {len(rows)}", "Frame Time: 0.02"]
    path = tmp_path / "deep.bvh"
    path.write_text("\n".join([*text, *rows]))
    motion = read_bvh(path)
    tracemalloc.start()
    places = motion.places([str(deep - 1)])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(places[-1], [[1, deep, 0]])
    assert peak < 100 * 2**20
