"""Acclaim skeletons and motions: geometry against a literal reference, and bad files."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from acclaim_files import BONES, METRES, amc_text, asf_text, channels, walking

from harness.datasets.cmu import acclaim
from harness.datasets.cmu.acclaim import AcclaimSkeleton, read_amc, read_asf
from harness.foundation.budget import BUDGET
from harness.foundation.errors import HarnessError


@pytest.fixture
def skeleton(tmp_path: Path) -> AcclaimSkeleton:
    path = tmp_path / "09.asf"
    path.write_bytes(asf_text().encode())
    return read_asf(path)


def turn(degrees: tuple[float, float, float]) -> np.ndarray:
    """Rz Ry Rx, element by element."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def reference_ends(values: np.ndarray) -> dict[str, np.ndarray]:
    """End of every bone in one frame, by the definition: start + turns of all bones above."""
    angles, rest = {}, list(values)
    for name, count in channels():
        angles[name], rest = rest[:count], rest[count:]
    ends = {"root": np.array(angles["root"][:3]) * METRES}
    turns = {"root": turn(tuple(angles["root"][3:]))}
    for name, parent, direction, length, axis, dof in BONES:
        full = dict.fromkeys(("rx", "ry", "rz"), 0.0) | dict(
            zip(dof.split(), angles.get(name, []), strict=True)
        )
        own = turn(axis)
        local = own @ turn((full["rx"], full["ry"], full["rz"])) @ np.linalg.inv(own)
        turns[name] = turns[parent] @ local
        unit = np.array(direction) / np.linalg.norm(direction)
        ends[name] = ends[parent] + turns[name] @ unit * length * METRES
    return ends


def test_every_bone_ends_where_the_definition_says(
    skeleton: AcclaimSkeleton, tmp_path: Path
) -> None:
    values = walking(4) * 3
    path = tmp_path / "09_01.amc"
    path.write_text(amc_text(values))
    motion = read_amc(path, skeleton)
    ends = skeleton.joint_ends(motion)
    assert ends.shape == (4, 31, 3)
    # The file rounds to five digits; the reference starts from the same rounded numbers.
    rounded = np.array([[float(f"{value:.5g}") for value in frame] for frame in values])
    for frame in range(4):
        for name, place in reference_ends(rounded[frame]).items():
            np.testing.assert_allclose(ends[frame, skeleton.index[name]], place, atol=1e-8)


def test_the_rest_pose_has_its_left_side_at_positive_x_and_stands_upright(
    skeleton: AcclaimSkeleton,
) -> None:
    rest = skeleton.joint_ends(np.zeros((1, skeleton.channels)))[0]
    for bone in ("lhipjoint", "lfemur", "lclavicle", "lwrist"):
        assert rest[skeleton.index[bone], 0] > 0.05
        assert rest[skeleton.index["r" + bone[1:]], 0] < -0.05
    assert rest[skeleton.index["head"], 1] > 0.5
    assert rest[skeleton.index["ltibia"], 1] < -0.7


def test_bones_keep_their_lengths_whatever_the_motion(skeleton: AcclaimSkeleton) -> None:
    motion = np.random.default_rng(0).normal(0, 90, (20, skeleton.channels))
    ends = skeleton.joint_ends(motion)
    for name, parent, _, length, _, _ in BONES:
        found = np.linalg.norm(
            ends[:, skeleton.index[name]] - ends[:, skeleton.index[parent]], axis=-1
        )
        np.testing.assert_allclose(found, length * METRES, rtol=1e-6)


def test_bones_may_come_in_any_order_within_a_frame(
    skeleton: AcclaimSkeleton, tmp_path: Path
) -> None:
    text = amc_text(walking(3))
    plain, other = tmp_path / "a.amc", tmp_path / "b.amc"
    plain.write_text(text)
    lines = text.splitlines()
    start = lines.index("1")
    width = len(channels()) + 1
    shuffled = lines[:start]
    for frame in range(3):
        block = lines[start + frame * width : start + (frame + 1) * width]
        shuffled += [block[0], *reversed(block[1:])]
    other.write_text("\n".join(shuffled))
    np.testing.assert_array_equal(read_amc(plain, skeleton), read_amc(other, skeleton))


def at_line(number_from_end: int, new: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        lines = text.splitlines()
        lines[-number_from_end] = new
        return "\n".join(lines) + "\n"

    return edit


DAMAGED = {
    "cut in the middle of a frame": (
        lambda text: text[: text.rindex("lhumerus")],
        "frame 5 lacks .*lhumerus.*; the file is cut short",
    ),
    "cut in the middle of a line": (
        lambda text: text[: text.rindex("lowerback") + 12],
        "frame 5: bone lowerback has 1 values, expected 3",
    ),
    "a bone that the skeleton lacks": (at_line(1, "ltail 1.5"), "frame 5: bone 'ltail' is not in"),
    "too many values": (
        at_line(1, "rthumb 1 2 3"),
        "frame 5: bone rthumb has 3 values, expected 2",
    ),
    "too few values": (at_line(1, "rthumb 1"), "frame 5: bone rthumb has 1 values, expected 2"),
    "NaN": (at_line(1, "rthumb 1 nan"), "frame 5: bone rthumb has the value 'nan'"),
    "infinity": (at_line(1, "rthumb inf 1"), "frame 5: bone rthumb has the value 'inf'"),
    "a word for a number": (at_line(1, "rthumb 1 2,5"), "frame 5: bone rthumb has the value '2,5'"),
    "an endless word": (at_line(1, "rthumb 1 " + "9" * 5000), "a word of 5000 characters"),
    "a bone twice": (at_line(1, "rhand 1 2"), "bone rhand has 2 values a second time"),
    "a skipped frame": (
        lambda text: text.replace("\r\n4\r\n", "\r\n6\r\n"),
        "frame 6 follows frame 3",
    ),
    "a lost frame number": (lambda text: text.replace("\r\n4\r\n", "\r\n"), "root .*a second time"),
    "radians": (lambda text: text.replace(":DEGREES", ":RADIANS"), "is not a motion in degrees"),
    "no frames": (lambda text: text[: text.index("\r\n1\r\n")], "holds no frames"),
    "empty": (lambda text: "", "is not a motion in degrees"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_motion_is_refused_with_its_place(
    damage: str, skeleton: AcclaimSkeleton, tmp_path: Path
) -> None:
    edit, message = DAMAGED[damage]
    path = tmp_path / "09_01.amc"
    path.write_text(edit(amc_text(walking(5))), newline="")
    with pytest.raises(HarnessError, match=message) as caught:
        read_amc(path, skeleton)
    assert str(path) in str(caught.value)


def test_bones_in_another_order_in_a_later_frame_are_refused(
    skeleton: AcclaimSkeleton, tmp_path: Path
) -> None:
    lines = amc_text(walking(2)).splitlines()
    lines[-1], lines[-2] = lines[-2], lines[-1]
    path = tmp_path / "09_01.amc"
    path.write_text("\n".join(lines))
    with pytest.raises(HarnessError, match="another order"):
        read_amc(path, skeleton)


@pytest.mark.parametrize("reader", ["asf", "amc"])
def test_files_that_are_missing_or_no_text_are_refused(
    reader: str, skeleton: AcclaimSkeleton, tmp_path: Path
) -> None:
    def read(path: Path) -> None:
        read_asf(path) if reader == "asf" else read_amc(path, skeleton)

    with pytest.raises(HarnessError, match=r"gone\.\w+: no such file"):
        read(tmp_path / f"gone.{reader}")
    binary = tmp_path / f"picture.{reader}"
    binary.write_bytes(bytes(range(256)))
    with pytest.raises(HarnessError, match="is not a text file"):
        read(binary)


BAD_SKELETONS = {
    "no sections": ("", "is not a whole Acclaim skeleton"),
    "cut short": (asf_text()[: len(asf_text()) // 2], "has no section :hierarchy"),
    "radians": (asf_text().replace("angle deg", "angle rad"), "angles in rad, expected deg"),
    "other root": (asf_text().replace("TX TY TZ RX", "RX TX TY TZ"), "root's order is"),
    "turned root": (asf_text().replace("orientation 0 0 0", "orientation 0 90 0"), "rest at zero"),
    "a word": (asf_text().replace("length 7.2", "length long"), "is no number"),
    "below zero": (asf_text().replace("length 7.2", "length -7.2"), "its length is -7.2"),
    "no unit": (asf_text().replace("length 0.45", "length 0"), "below :units is 0, expected"),
    "a unit below zero": (asf_text().replace("length 0.45", "length -0.45"), "is -0.45, expected"),
    "NaN": (asf_text().replace("length 7.2", "length nan"), "bone lfemur"),
    "other axes": (asf_text().replace("XYZ\r\n    dof", "ZYX\r\n    dof"), "X, then Y, then Z"),
    "stretching bone": (asf_text().replace("dof ry\r\n", "dof l\r\n"), "X, then Y, then Z"),
    "orphan": (asf_text().replace("    lhand lfingers\r\n", ""), "outside the hierarchy: lfingers"),
    "unknown parent": (asf_text().replace("    lhand lf", "    lpaw lf"), "joins lfingers to lpaw"),
    "bone twice": (asf_text().replace("name rhand", "name lhand"), "stands twice"),
}


@pytest.mark.parametrize("fault", BAD_SKELETONS)
def test_a_bad_skeleton_is_refused_with_the_reason(fault: str, tmp_path: Path) -> None:
    text, message = BAD_SKELETONS[fault]
    path = tmp_path / "09.asf"
    path.write_text(text, newline="")
    with pytest.raises(HarnessError, match=message):
        read_asf(path)


def with_blank_lines(text: str) -> str:
    return text.replace("\r\n1\r\n", "\r\n1\r\n\r\n  \r\n", 1)


HARMLESS = {
    "a blank line after the first frame's number": with_blank_lines,
    "line ends of a transfer in text mode": lambda text: text.replace("\r\n", "\r\r\n"),
    "capitals": str.upper,
    "comments in Latin-1": lambda text: text.replace("#!OML", "# Größe … \x85 5²\r\n#!OML"),
    "a comment between frames": lambda text: text.replace("\r\n2\r\n", "\r\n# second\r\n2\r\n"),
}


@pytest.mark.parametrize("oddity", HARMLESS)
def test_odd_but_clear_text_is_read_as_the_plain_file(
    oddity: str, skeleton: AcclaimSkeleton, tmp_path: Path
) -> None:
    text = amc_text(walking(3))
    plain, odd = tmp_path / "a.amc", tmp_path / "b.amc"
    plain.write_text(text, newline="")
    edited = HARMLESS[oddity](text)
    assert edited != text
    odd.write_text(edited, newline="", encoding="latin-1" if "\x85" not in edited else "utf-8")
    np.testing.assert_array_equal(read_amc(odd, skeleton), read_amc(plain, skeleton))


def test_comments_in_latin_1_and_capitals_are_read_in_skeletons(
    skeleton: AcclaimSkeleton, tmp_path: Path
) -> None:
    path = tmp_path / "odd.asf"
    path.write_bytes(asf_text().upper().replace("# MADE", "# F\xdcR \x85 MADE").encode("latin-1"))
    odd = read_asf(path)
    assert odd.index == skeleton.index
    np.testing.assert_array_equal(
        odd.joint_ends(np.ones((1, odd.channels))), skeleton.joint_ends(np.ones((1, 62)))
    )


def test_a_motion_whose_comments_are_latin_1_is_read_as_the_plain_file(
    skeleton: AcclaimSkeleton, tmp_path: Path
) -> None:
    # As HDM05 has them: line ends of Windows, umlauts in one byte each, which are no UTF-8.
    text = amc_text(walking(3))
    assert "\r\n" in text
    plain, odd = tmp_path / "a.amc", tmp_path / "b.amc"
    plain.write_bytes(text.encode())
    comments = "# Größe \x85 ünd Straße\r\n"
    edited = comments + text.replace("\r\n2\r\n", f"\r\n{comments}2\r\n")
    odd.write_bytes(edited.encode("latin-1"))
    with pytest.raises(UnicodeDecodeError):
        odd.read_text("utf-8")
    np.testing.assert_array_equal(read_amc(odd, skeleton), read_amc(plain, skeleton))


def test_a_file_larger_than_any_motion_is_refused(
    skeleton: AcclaimSkeleton, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acclaim, "BUDGET", replace(BUDGET, motion_bytes=1000))
    path = tmp_path / "long.amc"
    path.write_text(amc_text(walking(9)))
    with pytest.raises(HarnessError, match=r"larger than 1,000 bytes.*cut it"):
        read_amc(path, skeleton)


FIRST_FRAMES = {
    "cut after its number": (lambda text: text[: text.index("root")], "frame 1 lacks head, .*cut"),
    "another bone first": (
        lambda text: text.replace("root ", "Hips "),
        "line 5, frame 1: bone 'Hips' is not in the skeleton",
    ),
    "bones never exported": (
        lambda text: "\r\n".join(line for line in text.split("\r\n") if "thumb" not in line),
        "no frame gives lthumb, rthumb, .*left them out",
    ),
}


@pytest.mark.parametrize("fault", FIRST_FRAMES)
def test_a_first_frame_that_does_not_fit_is_refused_with_the_reason(
    fault: str, skeleton: AcclaimSkeleton, tmp_path: Path
) -> None:
    edit, message = FIRST_FRAMES[fault]
    path = tmp_path / "09_01.amc"
    path.write_text(edit(amc_text(walking(5))), newline="")
    with pytest.raises(HarnessError, match=message):
        read_amc(path, skeleton)


def test_a_skeleton_that_does_not_say_the_unit_of_angles_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "09.asf"
    path.write_text(asf_text().replace("  angle deg\r\n", ""), newline="")
    with pytest.raises(HarnessError, match=r"does not say the unit of angles.*angle deg"):
        read_asf(path)
