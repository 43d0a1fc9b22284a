import hashlib
from pathlib import Path
from typing import Any

import h36m_fixtures as fixtures
import numpy as np
import pytest
from h36m_fixtures import CPN, SMALL, Recordings, Small, prepared

from harness.body.camera import Camera, h36m_cameras
from harness.body.skeleton import COCO_17, H36M_16, H36M_17
from harness.datasets.importers import importer_called
from harness.datasets.inspection import inspect_set
from harness.datasets.prepared import PreparedSet

SH = "sh_ft_h36m"
ACTIONS = {
    *("Directions", "Discussion", "Eating", "Greeting", "Phoning", "Photo", "Posing"),
    *("Purchases", "Sitting", "SittingDown", "Smoking", "Waiting", "WalkDog", "Walking"),
    "WalkTogether",
}


def rows_of(data: PreparedSet, array: np.ndarray, subject: str, take: str, camera: str) -> Any:
    """Return the part of an array that belongs to one clip."""
    clips = data.clips
    chosen = clips[
        (clips["subject"] == subject)
        & (clips["subaction"] == take)
        & (clips["camera"] == f"{subject}/{camera}")
    ]
    assert len(chosen) == 1
    clip = chosen.iloc[0]
    return array[clip["first_row"] : clip["first_row"] + clip["frames"]]


@pytest.fixture(scope="module")
def recordings() -> Recordings:
    return fixtures.motion()


@pytest.fixture(scope="module")
def detected(recordings: Recordings) -> Recordings:
    return fixtures.detections(fixtures.ground_truth_2d(recordings))


@pytest.fixture(scope="module")
def raw(
    recordings: Recordings, detected: Recordings, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """All subjects and takes, three 2D sources, by numpy 1 and 2."""
    folder = tmp_path_factory.mktemp("h36m")
    fixtures.write_motion(folder, recordings)
    fixtures.write_keypoints(folder, "gt", fixtures.ground_truth_2d(recordings))
    fixtures.write_keypoints(folder, CPN, detected, numpy_version=1)
    hourglass = fixtures.in_mpii_order(detected)
    fixtures.write_keypoints(folder, SH, hourglass, fixtures.MPII_METADATA)
    return folder


@pytest.fixture(scope="module")
def complete(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    return prepared(raw, tmp_path_factory.mktemp("prepared") / "h36m")


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path)


def test_every_recording_is_seen_by_every_camera(complete: PreparedSet) -> None:
    clips = complete.clips
    assert clips.groupby("split").size().to_dict() == {
        "train": 4 * 30 * 4,
        "validation": 30 * 4,
        "test": 59 * 4,
    }
    assert set(clips["action"]) == ACTIONS
    assert set(clips["fps"]) == {50.0}
    assert set(clips[clips["split"] == "test"]["subject"]) == {"S9", "S11"}
    assert set(clips[clips["split"] == "validation"]["subject"]) == {"S8"}
    seen = clips.groupby(["subject", "subaction"])["camera"].agg(list)
    for (subject, _), cameras in seen.items():
        serials = ("54138969", "55011271", "58860488", "60457274")
        assert cameras == [f"{subject}/{serial}" for serial in serials]
    assert set(complete.manifest.cameras) == set(clips["camera"])


def test_an_action_is_the_name_up_to_the_first_space(complete: PreparedSet) -> None:
    takes = complete.clips.groupby("action")["subaction"].apply(set).to_dict()
    assert takes["Sitting"] == {"Sitting 1", "Sitting 2"}
    assert takes["SittingDown"] == {"SittingDown", "SittingDown 2"}
    assert takes["Walking"] == {"Walking", "Walking 1"}
    assert takes["WalkDog"] == {"WalkDog", "WalkDog 1"}
    assert takes["WalkTogether"] == {"WalkTogether", "WalkTogether 1"}


def literal_view(world: np.ndarray, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Return camera space and pixels as VideoPose3D writes them down, in float64.

    Rotation by the inverse quaternion (common/quaternion.py, qrot); projection in normalised
    coordinates with normalised intrinsics, then back to pixels (common/camera.py).
    """
    w, *vector = (float(value) for value in camera.orientation or ())
    inverse = -np.array(vector)
    centered = world.astype(np.float64) - np.array(camera.translation)
    first = np.cross(inverse, centered)
    second = np.cross(inverse, first)
    space = centered + 2 * (w * first + second)
    scale = camera.width / 2
    focal = np.array(camera.focal_length) / scale
    center = np.array(camera.center) / scale - [1, camera.height / camera.width]
    x, y = (np.clip(space[..., axis] / space[..., 2], -1, 1) for axis in (0, 1))
    k1, k2, k3 = camera.radial_distortion
    p1, p2 = camera.tangential_distortion
    r2 = x**2 + y**2
    factor = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3 + p1 * x + p2 * y
    screen = np.stack([x * factor + p1 * r2, y * factor + p2 * r2], axis=-1) * focal + center
    return space, (screen + np.array([1, camera.height / camera.width])) * scale


@pytest.mark.parametrize(
    ("subject", "take"), [("S1", "Eating 2"), ("S8", "Photo"), ("S11", "WalkDog")]
)
def test_positions_and_ground_truth_follow_videopose3d(
    complete: PreparedSet, recordings: Recordings, subject: str, take: str
) -> None:
    removed = {4, 5, 9, 10, 11, 16, 20, 21, 22, 23, 24, 28, 29, 30, 31}
    kept = [joint for joint in range(32) if joint not in removed]
    for camera in h36m_cameras()[subject]:
        space, pixels = literal_view(recordings[subject][take][:, kept], camera)
        stored = rows_of(complete, complete.positions_3d, subject, take, camera.name)
        np.testing.assert_allclose(stored, space, atol=2e-6)
        exact = rows_of(complete, complete.keypoints_2d("gt"), subject, take, camera.name)
        np.testing.assert_allclose(exact, pixels, atol=2e-3)


def test_the_seventeen_joints_hang_together_as_in_the_thirty_two() -> None:
    parents = [-1, 0, 1, 2, 3, 4, 0, 6, 7, 8, 9, 0, 11, 12, 13, 14]
    parents += [12, 16, 17, 18, 19, 20, 19, 22, 12, 24, 25, 26, 27, 28, 27, 30]
    expected = []
    for joint in fixtures.KEPT:
        parent = parents[joint]
        while parent not in fixtures.KEPT and parent != -1:
            parent = parents[parent]
        expected.append(fixtures.KEPT.index(parent) if parent != -1 else -1)
    expected[11] = expected[14] = 8  # both shoulders are moved up from the spine to the thorax
    assert tuple(expected) == H36M_17.parents


def test_2d_is_cut_to_the_length_of_3d(complete: PreparedSet, detected: Recordings) -> None:
    for subject, take in (("S5", "Phoning"), ("S9", "Phoning 1")):
        for index, camera in enumerate(h36m_cameras()[subject]):
            stored = rows_of(complete, complete.keypoints_2d(CPN), subject, take, camera.name)
            made = detected[subject][take][index]
            assert len(stored) == len(made) - 2
            np.testing.assert_array_equal(stored, made[:-2])


def test_hourglass_joints_are_stored_by_name(complete: PreparedSet, detected: Recordings) -> None:
    assert complete.layout(SH) is H36M_16
    columns = [H36M_17.joints.index(joint) for joint in H36M_16.joints]
    stored = rows_of(complete, complete.keypoints_2d(SH), "S7", "Smoking", "58860488")
    np.testing.assert_array_equal(stored, detected["S7"]["Smoking"][2][:-2, columns])


def test_only_projected_keypoints_are_exact(complete: PreparedSet) -> None:
    sources = complete.manifest.sources_2d
    assert {name: source.exact for name, source in sources.items()} == {
        "gt": True,
        CPN: False,
        SH: False,
    }


def test_the_manifest_tells_where_the_set_comes_from(complete: PreparedSet, raw: Path) -> None:
    manifest = complete.manifest
    assert manifest.source_files == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in raw.glob("*.npz")
    }
    assert manifest.title == "Human3.6M"
    assert "TPAMI" in manifest.citation
    assert manifest.settings["validation_subjects"] == ["S8"]
    assert any("data_2d_h36m_gt.npz agrees within 0.0" in note for note in manifest.notes)


def test_inspection_expects_the_counts_of_the_complete_set(complete: PreparedSet) -> None:
    inspection = inspect_set(complete, importer_called("h36m").expected_counts)
    expected = {item.what: item for item in inspection.expected}
    assert (expected["test clips"].found, expected["test clips"].met) == (236, True)
    assert (expected["clips"].found, expected["clips"].met) == (836, True)
    assert (expected["test frames"].least, expected["test frames"].met) == (543_344, False)


def test_the_original_files_give_the_same_set(
    raw: Path, recordings: Recordings, complete: PreparedSet, tmp_path: Path
) -> None:
    fixtures.write_cdf_files(tmp_path / "cdf", recordings)
    for source in (CPN, SH):
        name = f"data_2d_h36m_{source}.npz"
        (tmp_path / "cdf" / name).symlink_to(raw / name)
    original = prepared(tmp_path / "cdf", tmp_path / "out")
    assert original.data_hash == complete.data_hash
    np.testing.assert_array_equal(original.positions_3d, complete.positions_3d)
    np.testing.assert_array_equal(original.keypoints_2d("gt"), complete.keypoints_2d("gt"))
    assert "S11 'Directions' is left out: its video is corrupt" in original.manifest.notes
    path = "S9/MyPoseFeatures/D3_Positions/TakingPhoto 1.cdf"
    assert path in original.manifest.source_files


def test_the_same_files_give_the_same_hash_and_others_do_not(small: Small, tmp_path: Path) -> None:
    small.prepare()
    first = small.data.data_hash
    assert prepared(small.raw, tmp_path / "again", SMALL).data_hash == first
    fixtures.write_motion(small.raw, small.motion, numpy_version=1)
    assert prepared(small.raw, tmp_path / "numpy 1", SMALL).data_hash == first
    small.motion["S1"]["Photo"][0, 0, 0] += 0.001
    small.prepare()
    assert small.data.data_hash != first


def test_subjects_actions_and_sources_can_be_chosen(raw: Path, tmp_path: Path) -> None:
    options = {
        "train_subjects": ["S1", "S5"],
        "validation_subjects": ["S5"],
        "test_subjects": ["S9"],
        "actions": ["Walking", "Sitting"],
        "sources_2d": [CPN],
    }
    data = prepared(raw, tmp_path / "out", options)
    splits = data.clips.groupby("subject")["split"].apply(set).to_dict()
    assert splits == {"S1": {"train"}, "S5": {"validation"}, "S9": {"test"}}
    assert set(data.clips["subaction"]) == {"Walking", "Walking 1", "Sitting 1", "Sitting 2"}
    assert set(data.manifest.sources_2d) == {"gt", CPN}


def test_all_published_training_subjects_can_train(raw: Path, tmp_path: Path) -> None:
    options = {"validation_subjects": [], "actions": ["Posing"], "sources_2d": []}
    data = prepared(raw, tmp_path / "out", options)
    assert set(data.select("train")["subject"]) == {"S1", "S5", "S6", "S7", "S8"}


def test_ground_truth_that_a_file_makes_differently_is_noticed(small: Small) -> None:
    exact = fixtures.ground_truth_2d(small.motion)
    near = fixtures.detections(exact, error=0.2)
    fixtures.write_keypoints(small.raw, "gt", near)
    small.prepare()
    (note,) = (note for note in small.data.manifest.notes if "gt" in note)
    assert 0.2 < float(note.split("within ")[1].split()[0]) < 2
    camera = h36m_cameras()["S1"][0].name
    stored = rows_of(small.data, small.data.keypoints_2d("gt"), "S1", "Photo", camera)
    np.testing.assert_array_equal(stored, exact["S1"]["Photo"][0][:-2])


def test_the_corrupt_recording_is_dropped_wherever_it_is(small: Small) -> None:
    small.motion["S11"]["Directions"] = small.motion["S11"]["Directions 1"]
    small.prepare()
    data = small.data
    assert set(data.select(subjects=["S11"])["subaction"]) == {"Directions 1", "Photo", "Photo 1"}
    assert "Directions" in set(data.select(subjects=["S1"])["subaction"])
    assert "S11 'Directions' is left out: its video is corrupt" in data.manifest.notes


def test_detections_of_unlabelled_subjects_and_further_takes_do_no_harm(small: Small) -> None:
    small.prepare()
    before = small.data.data_hash
    small.keypoints["S2"] = {"any name": []}
    small.keypoints["S11"]["Directions"] = small.keypoints["S11"]["Directions 1"]
    small.keypoints["S1"]["Photo 7"] = []
    small.prepare()
    assert small.data.data_hash == before


def test_an_unusual_number_of_takes_is_noted(small: Small) -> None:
    del small.motion["S1"]["Photo 1"]
    small.prepare()
    assert "S1 has 1 takes of Photo, Human3.6M has 2" in small.data.manifest.notes


def test_semgcns_own_order_of_sixteen_joints_is_read(small: Small, detected: Recordings) -> None:
    columns = list(H36M_16.columns_in(H36M_17))
    for takes in small.keypoints.values():
        for take, views in takes.items():
            takes[take] = [view[:, columns] for view in views]
    symmetry = [[4, 5, 6, 10, 11, 12], [1, 2, 3, 13, 14, 15]]
    small.prepare({"num_joints": 16, "keypoints_symmetry": symmetry})
    assert small.data.layout(CPN) is H36M_16
    stored = rows_of(small.data, small.data.keypoints_2d(CPN), "S1", "Photo", "54138969")
    np.testing.assert_array_equal(stored, small.keypoints["S1"]["Photo"][0][:-2])


def test_coco_detections_keep_their_own_layout(small: Small) -> None:
    symmetry = [list(range(1, 17, 2)), list(range(2, 17, 2))]
    metadata = {"layout_name": "coco", "num_joints": 17, "keypoints_symmetry": symmetry}
    small.prepare(metadata)
    assert small.data.layout(CPN) is COCO_17
