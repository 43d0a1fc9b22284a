"""Damage of recorded motion: each known kind, planted; clean motion; the real trials at hand."""

from pathlib import Path

import numpy as np
import pytest
from acclaim_files import amc_text, asf_text, channels, walking, write_cmu

from harness.datasets.cmu.acclaim import AcclaimSkeleton, read_amc, read_asf
from harness.datasets.cmu.motion import motion_pieces
from harness.datasets.damage import Defect, sound_pieces
from harness.datasets.importers import prepare_set
from harness.datasets.prepared import PreparedSet

FRAMES = 400


@pytest.fixture
def skeleton(tmp_path: Path) -> AcclaimSkeleton:
    path = tmp_path / "09.asf"
    path.write_bytes(asf_text().encode())
    return read_asf(path)


def columns(*bones: str) -> list[int]:
    """Return where the values of some bones stand in a frame."""
    found, first = [], 0
    for name, count in channels():
        found += [first + number for number in range(count) if name in bones]
        first += count
    return found


ARM = columns("rhumerus", "rradius", "rwrist")


def repeated(motion: np.ndarray) -> None:
    motion[100:123] = motion[100]  # 01_07: 23 frames are one


def stuck_arm(motion: np.ndarray) -> None:
    motion[100:132, ARM] = motion[100, ARM]  # 01_03: the arm is held, then jumps
    motion[132:, ARM] += 60


def held_head(motion: np.ndarray) -> None:
    head = columns("lowerneck", "upperneck", "head")
    motion[100:184, head] = motion[100, head]  # 03_02: held, and no jump at either end
    motion[184:, head] += motion[183, head] - motion[184, head]


def flipped_thigh(motion: np.ndarray) -> None:
    motion[100:105, columns("rfemur")] += [90, 0, 0]  # 01_06: five frames


def jumping_thigh(motion: np.ndarray) -> None:
    motion[100:, columns("lfemur")] += [30, 0, 0]  # 01_12: once, and stays there


def first_frame(motion: np.ndarray) -> None:
    motion[0, 6:] = 0  # a pose of calibration before the motion
    motion[0, columns("lhumerus", "rhumerus")] = 90


def wobble(motion: np.ndarray) -> None:
    # 01_14: the body is off by up to 10 cm for seven frames, without a jump of 6 cm.
    motion[100:107, 0] += np.array([0.9, 1.8, 1.9, 1.8, 1.6, 1.2, 0.6])


PLANTED = {
    repeated: ["left out 102-123 (repeats of frame 101)"],
    stuck_arm: ["left out 101-132 (rhumerus, rradius, rwrist hold their angles)"],
    held_head: ["kept 101-185 (head, lowerneck, upperneck hold their angles)"],
    flipped_thigh: ["left out 101-105 (between jumps)"],
    jumping_thigh: ["cut before 101 (a joint jumps)"],
    first_frame: ["left out 1-1 (before a jump at the start)"],
    wobble: ["left out 98-109 (the body wobbles)"],
}


@pytest.mark.parametrize("plant", PLANTED)
def test_planted_damage_is_found_and_nothing_else(
    plant: object, skeleton: AcclaimSkeleton, tmp_path: Path
) -> None:
    motion = walking(FRAMES, seed=3)
    plant(motion)  # type: ignore[operator]
    path = tmp_path / "09_01.amc"
    path.write_text(amc_text(motion))
    pieces, notes = motion_pieces(path, skeleton, 120, 120)
    assert notes == [f"09_01: {told}" for told in PLANTED[plant]]  # type: ignore[index]
    left_out = sum(
        1 + int(last) - int(first)
        for told in PLANTED[plant]  # type: ignore[index]
        if told.startswith("left out")
        for first, last in [told.split()[2].split("-")]
    )
    assert sum(map(len, pieces)) == FRAMES - left_out


@pytest.mark.parametrize(("rate", "seed"), [(120, 0), (120, 1), (60, 2)])
def test_clean_motion_has_no_damage(
    rate: int, seed: int, skeleton: AcclaimSkeleton, tmp_path: Path
) -> None:
    path = tmp_path / "09_01.amc"
    path.write_text(amc_text(walking(FRAMES, seed=seed)[:: 120 // rate]))
    pieces, notes = motion_pieces(path, skeleton, rate, rate)
    assert notes == []
    assert len(pieces) == 1


def test_bones_that_never_move_and_poses_that_never_change_are_no_damage(
    skeleton: AcclaimSkeleton, tmp_path: Path
) -> None:
    motion = walking(FRAMES)
    motion[:, columns("head", "lclavicle")] = 0
    path = tmp_path / "09_01.amc"
    path.write_text(amc_text(motion))
    assert motion_pieces(path, skeleton, 120, 120)[1] == []


def test_defects_leave_out_cut_or_only_tell() -> None:
    damage = [Defect(3, 4, "x"), Defect(7, 6, "y"), Defect(1, 2, "z", kept=True)]
    pieces = sound_pieces(8, damage)
    assert [piece.tolist() for piece in pieces] == [[0, 1], [4, 5], [6, 7]]
    assert sound_pieces(5, [Defect(1, 5, "all")]) == []


def test_what_was_found_is_listed_by_inspect(tmp_path: Path) -> None:
    motion = walking(FRAMES)
    repeated(motion)
    raw = write_cmu(tmp_path / "raw", {"01_01": motion})
    prepare_set(
        "cmu", raw, tmp_path / "set", {"train": ["01"], "validation": [], "test": [], "seed": 1}
    )
    from harness.datasets.inspection import inspect_set

    text = inspect_set(PreparedSet(tmp_path / "set")).text()
    assert "01_01: left out 102-123 (repeats of frame 101)" in text


# What the files' descriptions name, and nothing in any other trial at hand.
KNOWN = {
    "01_14": ["left out 2053-2060 (the body wobbles)"],
    "03_02": ["left out 1-50 (", "left out 12-24 (repeats of frame 11)", "kept 252-335 (head"],
}


@pytest.mark.parametrize("trial", [*KNOWN, "01_13", "02_03", "03_01"])
def test_real_trials_have_the_known_damage_and_no_other(real_cmu: Path, trial: str) -> None:
    folder = real_cmu / "subjects" / trial[:2]
    skeleton = read_asf(folder / f"{trial[:2]}.asf")
    _, notes = motion_pieces(folder / f"{trial}.amc", skeleton, 120, 50)
    found = [note for note in notes if "replaced by" not in note]
    assert len(found) == len(KNOWN.get(trial, []))
    for note, told in zip(found, KNOWN.get(trial, []), strict=True):
        assert note.startswith(f"{trial}: {told}")


def test_motion_too_short_to_judge_is_left_alone(skeleton: AcclaimSkeleton, tmp_path: Path) -> None:
    path = tmp_path / "09_01.amc"
    path.write_text(amc_text(walking(4)))
    assert motion_pieces(path, skeleton, 120, 120)[1] == []
    assert len(read_amc(path, skeleton)) == 4
