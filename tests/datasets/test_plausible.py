"""3D that is no body before its camera, 2D that no picture has: refused or told, never silent."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from standing_body import STANDING

from harness.body.camera import Camera, h36m_cameras, project, world_to_camera
from harness.body.size import fitting_factor, leg_length
from harness.body.skeleton import H36M_16, H36M_17, HUMANEVA_15, MPI_INF_3DHP_17, Skeleton
from harness.datasets.importers import prepare_set
from harness.datasets.plausible_2d import SourceCounts, check_2d
from harness.datasets.plausible_3d import check_3d
from harness.foundation.errors import HarnessError

CAMERA = h36m_cameras()["S1"][0]
ALL = np.ones(40, dtype=bool)
PICTURE = Camera(
    name="front", width=1280, height=720, focal_length=(1100.0, 1100.0), center=(640.0, 360.0)
)


def world(frames: int = 40) -> np.ndarray:
    sway = 0.1 * np.sin(np.arange(frames)[:, None, None] / 5 + np.arange(17)[None, :, None])
    return STANDING[None] + sway * [1.0, 1.0, 0.0]


def check(positions: np.ndarray, scored: np.ndarray = ALL) -> list[str]:
    return check_3d("here", positions, H36M_17, CAMERA, scored)


def test_a_person_before_the_camera_passes_without_a_word() -> None:
    assert check(world_to_camera(world(), CAMERA)) == []


@pytest.mark.parametrize("skeleton", [H36M_17, H36M_16, HUMANEVA_15, MPI_INF_3DHP_17])
def test_legs_are_measured_in_every_skeleton_of_people(skeleton: Skeleton) -> None:
    positions = np.zeros((3, len(skeleton), 3))
    for side in "LR":
        foot = f"{side}Foot" if f"{side}Foot" in skeleton.joints else f"{side}Ankle"
        positions[:, skeleton.joints.index(f"{side}Knee"), 2] = 0.4
        positions[:, skeleton.joints.index(foot), 2] = 0.9
    assert leg_length(positions, skeleton) == pytest.approx(0.9)


def test_a_skeleton_without_legs_has_no_leg() -> None:
    bird = Skeleton("b", ("Body", "LWing", "RWing"), (-1, 0, 0), (1,), (2,))
    assert leg_length(np.zeros((1, 3, 3)), bird) is None


@pytest.mark.parametrize(
    ("factor", "unit"),
    [
        (1000, r"multiplied by 0\.001 it fits \(millimetres\)"),
        (100, r"multiplied by 0\.01 it fits \(centimetres\)"),
        (39.37, r"multiplied by 0\.0254 it fits \(inches\)"),
        (3.28, r"multiplied by 0\.305 it fits \(feet\)"),
        (2.54, r"multiplied by 0\.394 it fits \(centimetres taken for inches\)"),
        (0.001, r"multiplied by 1e\+03 it fits \(metres taken for millimetres\)"),
    ],
)
def test_another_unit_is_refused_with_the_factor_that_fits(factor: float, unit: str) -> None:
    # Lengths alone, as an importer that knows the unit of places but not of bodies would give.
    moved = world_to_camera(world(), CAMERA)
    with pytest.raises(HarnessError, match=unit):
        check(moved * factor)


def test_sizes_that_no_unit_explains_are_refused_without_advice() -> None:
    assert fitting_factor(17.0) is None
    assert fitting_factor(0.0) is None
    with pytest.raises(HarnessError, match=r"legs, .* are 17.* m long, .*joints$"):
        check(world_to_camera(world(), CAMERA) * 20)


def test_a_child_and_a_giant_are_told_and_taken() -> None:
    moved = world_to_camera(world(), CAMERA)
    assert check(moved * 0.5) == ["legs are 0.45 m long, which is rare; is the unit right?"]
    assert check(moved * 1.6) == ["legs are 1.43 m long, which is rare; is the unit right?"]


def test_positions_relative_to_the_root_are_refused_in_either_space() -> None:
    rooted = world() - world()[:, :1]
    for positions in (rooted, world_to_camera(rooted, CAMERA)):
        with pytest.raises(HarnessError, match="relative to the root, Hip is 0 in every frame"):
            check(positions)


def test_camera_space_taken_for_the_world_is_named() -> None:
    twice = world_to_camera(world_to_camera(world(), CAMERA), CAMERA)
    with pytest.raises(HarnessError, match="so they are in camera space already"):
        check(twice)


def test_the_world_taken_for_camera_space_is_named() -> None:
    with pytest.raises(HarnessError, match=r"behind the camera.*so they are in the world's space"):
        check(world() - [0.0, 0.0, 2.0])


def test_who_stands_behind_the_camera_in_a_frame_that_counts_is_refused() -> None:
    positions = world_to_camera(world(), CAMERA)
    positions[7, 3, 2] = -0.5
    with pytest.raises(HarnessError, match="behind the camera, first at frame 7, joint 3"):
        check(positions)
    scored = ALL.copy()
    scored[7] = False
    assert check(positions, scored) == []


def test_who_is_mostly_outside_of_the_picture_is_told() -> None:
    moved = world_to_camera(world(), CAMERA)
    notes = check(moved + np.array([2.7, 0.0, 0.0]))
    assert len(notes) == 1
    assert "outside of the picture" in notes[0]
    with pytest.raises(HarnessError, match="100 % of the joints lie outside of the picture"):
        check(moved + np.array([4.0, 0.0, 0.0]))


def keypoints() -> np.ndarray:
    """Pixels of the person in PICTURE, (40, 17, 2)."""
    upright = world() * [1.0, 1.0, -1.0] + [0.0, 0.0, 0.95]
    return project(upright[..., [0, 2, 1]] + [0.0, 0.0, 4.0], PICTURE)


def test_pixels_pass() -> None:
    check_2d("here", "det", keypoints(), PICTURE)
    check_2d("here", "det", keypoints() + 3, PICTURE, keypoints())


@pytest.mark.parametrize(
    ("normalised", "message"),
    [
        (lambda px: px / [1280, 720], "shares of the picture: multiply x by its width"),
        (lambda px: px / 640 - [1, 720 / 1280], r"normalised to -1 \.\.\. 1"),
        (lambda px: px / [640, 360] - 1, r"normalised to -1 \.\.\. 1"),
        (lambda px: px * 0 + 500, "everybody would be smaller than that"),
    ],
)
def test_2d_in_another_unit_than_pixels_is_refused(normalised: Any, message: str) -> None:
    with pytest.raises(HarnessError, match=f"span less than 3 pixels a person.*{message}"):
        check_2d("here", "det", normalised(keypoints()), PICTURE)


@pytest.mark.parametrize(("scale", "size"), [(0.5, "640 x 360"), (1.5, "1920 x 1080")])
def test_keypoints_of_a_resized_video_are_refused_with_its_size(scale: float, size: str) -> None:
    message = f"multiplied by {1 / scale:.3g}; they seem to be of a picture of {size}"
    with pytest.raises(HarnessError, match=message):
        check_2d("here", "det", keypoints() * scale, PICTURE, keypoints())


def test_missing_joints_written_as_numbers_are_counted_and_do_not_hide_the_rest() -> None:
    points = keypoints()
    points[20:30] = 0
    points[:, [12, 13]] = -1
    counts = SourceCounts()
    sure = np.where((points == 0).all(-1), 0.0, 0.9)
    counts.add(points, sure, PICTURE)
    notes = counts.notes("det")
    assert notes[0].startswith("2D source det: 230 of 680 points lie exactly at (0, 0) or (-1, -1)")
    assert notes[1] == "2D source det: 150 of 680 points have confidence 0 (not detected)"
    check_2d("here", "det", points, PICTURE)
    with pytest.raises(HarnessError, match="shares of the picture"):
        check_2d("here", "det", np.where(points > 0, keypoints() / [1280, 720], points), PICTURE)


def test_a_source_of_which_most_is_missing_or_outside_is_refused() -> None:
    nothing = SourceCounts()
    nothing.add(np.zeros((10, 17, 2)), None, PICTURE)
    with pytest.raises(HarnessError, match="170 of 170 points lie exactly at"):
        nothing.notes("det")
    outside = SourceCounts()
    outside.add(keypoints() * 4, None, PICTURE)
    with pytest.raises(HarnessError, match="lie outside of the picture; keypoints must be pixels"):
        outside.notes("det")


def test_keypoints_of_a_much_smaller_copy_are_told_without_3d() -> None:
    counts = SourceCounts()
    counts.add(keypoints() * 0.4, None, PICTURE)
    assert "are they of a smaller copy of the video?" in counts.notes("det")[0]


def wild(folder: Path, points: np.ndarray) -> Path:
    (folder / "clips").mkdir(parents=True)
    np.savez(folder / "clips/0.npz", **{"keypoints_2d/det": points})
    clip = {"file": "clips/0.npz", "subject": "a", "action": "b", "camera": "front"}
    description = {
        "name": "wild",
        "title": "Wild",
        "licence": "none",
        "citation": "",
        "fps": 50.0,
        "space": "none",
        "skeleton": "h36m_17",
        "sources_2d": {"det": {"layout": "h36m_17"}},
        "cameras": {"front": PICTURE.model_dump(mode="json", exclude={"name"})},
        "clips": [{**clip, "split": "test"}],
    }
    (folder / "dataset.json").write_text(json.dumps(description))
    return folder


def test_every_importer_s_set_is_looked_at_and_nothing_is_left_of_a_refused_one(
    tmp_path: Path,
) -> None:
    points = keypoints()
    points[:5] = 0
    manifest = prepare_set("custom", wild(tmp_path / "some", points), tmp_path / "set", {})
    assert manifest.notes == [
        "2D source det: 85 of 680 points lie exactly at (0, 0) or (-1, -1), as detectors write "
        "what they did not find; they are taken as they are"
    ]
    points[:35] = 0
    with pytest.raises(HarnessError, match="595 of 680 points lie exactly at"):
        prepare_set("custom", wild(tmp_path / "most", points), tmp_path / "refused", {})
    assert not (tmp_path / "refused").exists()
