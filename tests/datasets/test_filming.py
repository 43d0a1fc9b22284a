"""Cameras for recorded motion: whose they are, and test cameras that training never saw."""

from pathlib import Path

import numpy as np
import pytest
from bvh_files import bvh_text, moving, write_raw, write_split

from harness.body.camera import (
    Camera,
    h36m_cameras,
    project,
    rotation_of_quaternion,
    world_to_camera,
)
from harness.datasets.borrowed_cameras import cameras_of, unseen_cameras
from harness.datasets.importers import prepare_set
from harness.datasets.prepared import PreparedSet
from harness.datasets.staging import meeting_point

USED = ("train", "validation")


@pytest.fixture(scope="module")
def sets(tiny_cmu: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, PreparedSet]:
    """The same files with shared and with unseen cameras, and with the option left out."""
    folder = tmp_path_factory.mktemp("filmed")
    lists = {"train": ["01_01"], "validation": ["03_03"], "test": ["02"]}
    for name, options in {"usual": {}, "shared": {"cameras": "shared"}}.items():
        prepare_set("cmu", tiny_cmu, folder / name, lists | options)
    prepare_set("cmu", tiny_cmu, folder / "unseen", lists | {"cameras": "unseen"})
    return {path.name: PreparedSet(path) for path in folder.iterdir()}


def optics(camera: Camera) -> tuple[object, ...]:
    """Return all that a camera is, but for its name."""
    return tuple(value for key, value in sorted(camera.model_dump().items()) if key != "name")


def cameras(prepared: PreparedSet, *splits: str) -> list[Camera]:
    chosen = prepared.clips[prepared.clips["split"].isin(splits)]
    return [prepared.camera(key) for key in chosen["camera"].unique()]


def test_no_unseen_test_camera_is_one_that_trains_or_validates(
    sets: dict[str, PreparedSet],
) -> None:
    seen = {optics(camera) for camera in cameras(sets["unseen"], *USED)}
    tested = cameras(sets["unseen"], "test")
    assert len(tested) == 4
    assert not seen & {optics(camera) for camera in tested}
    # Nor is one like any camera that anybody could have borrowed.
    for lent in (camera for group in h36m_cameras().values() for camera in group):
        for camera in tested:
            assert abs(looks_down(lent) - looks_down(camera)) > 1
            assert abs(lent.translation[2] - camera.translation[2]) > 0.4
            assert abs(lent.focal_length[0] - camera.focal_length[0]) > 100
    with_shared = {camera.name for camera in cameras(sets["shared"], "test")}
    assert with_shared == {camera.name for camera in cameras(sets["shared"], "train")}


def looks_down(camera: Camera) -> float:
    """Return by how many degrees a camera looks down."""
    assert camera.orientation is not None
    return float(np.degrees(np.arcsin(-rotation_of_quaternion(camera.orientation)[2, 2])))


def test_what_trains_and_validates_is_the_same_with_unseen_cameras(
    sets: dict[str, PreparedSet],
) -> None:
    one, other = sets["shared"], sets["unseen"]
    assert one.data_hash != other.data_hash
    for split in USED:
        ours, theirs = one.select(split), other.select(split)
        columns = ["subject", "action", "subaction", "camera", "fps", "frames"]
        assert ours[columns].values.tolist() == theirs[columns].values.tolist()
        for clip, same in zip(ours.itertuples(), theirs.itertuples(), strict=True):
            rows = slice(clip.first_row, clip.first_row + clip.frames)
            others = slice(same.first_row, same.first_row + same.frames)
            np.testing.assert_array_equal(one.positions_3d[rows], other.positions_3d[others])
            for source in ("gt", "detected"):
                np.testing.assert_array_equal(
                    one.keypoints_2d(source)[rows], other.keypoints_2d(source)[others]
                )
            assert optics(one.camera(clip.camera)) == optics(other.camera(same.camera))
    assert any("cameras that no other clip has" in note for note in other.manifest.notes)
    assert not any("cameras" in note for note in one.manifest.notes)


def test_the_default_writes_no_other_byte_than_before_there_was_a_choice(
    sets: dict[str, PreparedSet],
) -> None:
    for path in sorted(sets["usual"].path.rglob("*")):
        same = sets["shared"].path / path.relative_to(sets["usual"].path)
        assert path.is_dir() or path.read_bytes() == same.read_bytes(), path.name
    assert "cameras" not in sets["usual"].manifest.settings
    assert sets["unseen"].manifest.settings["cameras"] == "unseen"


def test_unseen_cameras_look_at_the_middle_and_stand_upright() -> None:
    seen = unseen_cameras()
    np.testing.assert_allclose(meeting_point(seen), [0, 0, 0.9], atol=1e-9)
    for camera in seen:
        middle, above = world_to_camera(np.array([[0.0, 0.0, 0.9], [0.0, 0.0, 1.9]]), camera)
        np.testing.assert_allclose(middle[:2], 0, atol=1e-9)
        np.testing.assert_allclose(project(middle, camera), camera.center, atol=1e-6)
        assert above[1] < -0.5  # y points down
        assert abs(above[0]) < 1e-9
    others = cameras_of("07", "train", "unseen")
    assert others == cameras_of("07", "test", "shared")
    assert cameras_of("07", "validation", "unseen") == others


def test_bvh_files_have_the_same_choice(tmp_path: Path) -> None:
    text = bvh_text(moving(40))
    raw = write_raw(tmp_path / "raw", {"a": text, "b": text})
    options = {
        "skeleton": "lafan1",
        "split": write_split(tmp_path / "split.csv", "01,a,Walk,train\n02,b,Walk,test\n"),
        "fps": 30,
        "cameras": "unseen",
    }
    prepare_set("bvh", raw, tmp_path / "set", options)
    prepared = PreparedSet(tmp_path / "set")
    assert {camera.name for camera in cameras(prepared, "test")} == {
        f"unseen{number}" for number in range(1, 5)
    }
    assert {camera.name for camera in cameras(prepared, "train")} == {
        camera.name for camera in h36m_cameras()["S1"]
    }
