import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import humaneva_fixtures as fixtures
import numpy as np
import pytest
from humaneva_fixtures import CENTER, FOCAL_LENGTH, Takes
from mpi_inf_3dhp_files import version_73

from harness.body.camera import camera_to_world, project
from harness.body.skeleton import COCO_17, HUMANEVA_15
from harness.datasets.importers import importer_called, prepare_set
from harness.datasets.inspection import inspect_set
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError

DETECTRON = "detectron_pt_coco"
SUBJECTS = {"subjects": ["S1", "S3"]}
S1 = {"subjects": ["S1"], "actions": ["Walking", "Box"]}
PARTS_OF_S1 = ("Train/S1", "Validate/S1")


def prepared(raw: Path, out: Path, options: dict[str, Any]) -> PreparedSet:
    prepare_set("humaneva", raw, out, options)
    return PreparedSet(out)


@pytest.fixture(scope="module")
def made() -> Takes:
    return fixtures.takes(fixtures.placements())


@pytest.fixture(scope="module")
def raw(made: Takes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("humaneva")
    fixtures.write_npz_files(folder, made)
    detections = fixtures.coco_detections(fixtures.in_chunks(made)[1])
    fixtures.write_keypoints(folder, DETECTRON, detections, fixtures.COCO_METADATA)
    return folder


@pytest.fixture(scope="module")
def complete(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    return prepared(raw, tmp_path_factory.mktemp("prepared") / "humaneva", SUBJECTS)


def test_the_validate_part_tests_and_the_end_of_train_validates(complete: PreparedSet) -> None:
    clips = complete.clips
    frames = clips.groupby(["split", "subject"])["frames"].sum().to_dict()
    lost = 10 + 5
    expected = {
        subject: {
            "Validate": sum(first for first, _ in lengths.values()) - lost * (subject == "S1"),
            "Train": sum(last for _, last in lengths.values()) - lost * (subject == "S1"),
        }
        for subject, lengths in fixtures.LENGTHS.items()
    }
    for subject, parts in expected.items():
        assert frames["test", subject] == 3 * parts["Validate"]
        both = frames["train", subject] + frames["validation", subject]
        assert both == 3 * parts["Train"]
        assert frames["validation", subject] == pytest.approx(0.1 * both, abs=9)
    assert set(clips["fps"]) == {60.0}
    assert set(clips["camera"]) == {f"{s}/C{n}" for s in ("S1", "S3") for n in (1, 2, 3)}


def test_chunks_are_clips_of_their_action(complete: PreparedSet) -> None:
    clips = complete.select("test", subjects=["S1"], actions=["Walking"])
    assert set(clips["subaction"]) == {
        "Validate Walking 1 chunk1",
        "Validate Walking 1 chunk3",
    }
    ends = complete.select("validation", subjects=["S3"], actions=["Jog"])
    assert set(ends["subaction"]) == {"Train Jog 1 chunk0 end"}


def test_world_positions_and_2d_come_back(complete: PreparedSet, made: Takes) -> None:
    for clip in complete.select("test", subjects=["S3"], actions=["Box"]).to_dict("records"):
        rows = slice(clip["first_row"], clip["first_row"] + clip["frames"])
        camera = complete.camera(clip["camera"])
        number = int(camera.name.removeprefix("C")) - 1
        positions, pixels = made["Validate/S3"]["Box"]
        space = np.asarray(complete.positions_3d[rows])
        np.testing.assert_allclose(camera_to_world(space, camera), positions / 1000, atol=1e-5)
        exact = complete.keypoints_2d("gt")[rows]
        np.testing.assert_array_equal(exact, pixels[number].astype(np.float32))
        np.testing.assert_allclose(project(space, camera), exact, atol=0.02)


def test_lenses_are_found_from_the_data(complete: PreparedSet) -> None:
    for camera in complete.manifest.cameras.values():
        np.testing.assert_allclose(camera.focal_length, FOCAL_LENGTH, rtol=1e-4)
        np.testing.assert_allclose(camera.center, CENTER, atol=0.05)
    assert any(note.startswith("S1 C1: focal length") for note in complete.manifest.notes)


def test_detections_keep_their_seventeen_keypoints(complete: PreparedSet) -> None:
    assert complete.skeleton is HUMANEVA_15
    assert complete.layout(DETECTRON) is COCO_17
    assert complete.manifest.sources_2d["gt"].exact
    assert not complete.manifest.sources_2d[DETECTRON].exact


def test_converted_matlab_files_give_the_same_set(
    raw: Path, made: Takes, complete: PreparedSet, tmp_path: Path
) -> None:
    fixtures.write_mat_files(tmp_path / "mat", made)
    name = f"data_2d_humaneva15_{DETECTRON}.npz"
    (tmp_path / "mat" / name).symlink_to(raw / name)
    other = prepared(tmp_path / "mat", tmp_path / "out", SUBJECTS)
    assert "Train/S1/Walking_1.mat" in other.manifest.source_files
    assert other.data_hash == complete.data_hash


def test_inspection_knows_how_many_frames_there_can_be(complete: PreparedSet) -> None:
    found = inspect_set(complete, importer_called("humaneva").expected_counts).expected
    assert [(item.what, item.greatest, item.met) for item in found] == [
        ("frames", 3 * (2268 + 2185 + 2166 + 2243 + 2010 + 1874), True),
        ("test frames", 3 * (2185 + 2243 + 1874), True),
    ]
    of_two = complete.select("test")["frames"].sum()
    assert found[1].found == of_two == 3 * (2185 + 1874 - 15)


def test_matlab_files_of_version_73_are_read(made: Takes, tmp_path: Path) -> None:
    fixtures.write_mat_files(tmp_path / "five", {key: made[key] for key in PARTS_OF_S1})
    shutil.copytree(tmp_path / "five", tmp_path / "seven")
    for key in PARTS_OF_S1:
        positions, pixels = made[key]["Box"]
        with version_73(tmp_path / "seven" / key / "Box_1.mat") as file:
            file["poses_3d"], file["poses_2d"] = positions.T, pixels.T
    five, seven = (
        prepared(tmp_path / form, tmp_path / f"{form}-set", S1) for form in ("five", "seven")
    )
    assert five.data_hash == seven.data_hash


def test_the_published_recipe_holds_nothing_out(raw: Path, tmp_path: Path) -> None:
    data = prepared(raw, tmp_path / "out", {**S1, "validation_share": 0.0, "sources_2d": []})
    assert set(data.clips["split"]) == {"train", "test"}
    assert set(data.clips["action"]) == {"Walking", "Box"}
    assert set(data.manifest.sources_2d) == {"gt"}


def spoilt(made: Takes, change: Callable[[dict[str, Any], dict[str, Any]], Any]) -> Any:
    chunks = fixtures.in_chunks({key: made[key] for key in PARTS_OF_S1})
    change(*chunks)
    return chunks


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (lambda p, k: p.pop("Validate/S1"), ["no Walking, Box in Validate/S1"]),
        (lambda p, k: p["Train/S1"].pop("Box 1 chunk0"), ["no Box in Train/S1"]),
        (
            lambda p, k: p.update({"Test/S1": {}}),
            ["data_3d_humaneva15.npz", "unknown subject", "Test/S1"],
        ),
        (
            lambda p, k: [
                part["Train/S1"].update({"Boxing 1 chunk0": part["Train/S1"]["Box 1 chunk0"]})
                for part in (p, k)
            ],
            ["unknown action", "'Boxing'", "did you mean 'Box'"],
        ),
        (
            lambda p, k: p["Train/S1"].update({"Box 1 chunk0": np.zeros((9, 20, 3))}),
            ["Train/S1 'Box 1 chunk0'", "(9, 20, 3)", "(frames, 15, 3)"],
        ),
        (
            lambda p, k: p["Train/S1"].update({"Box 1 chunk0": np.zeros((0, 15, 3))}),
            ["Train/S1 'Box 1 chunk0'", "no frames"],
        ),
        (
            lambda p, k: p["Train/S1"]["Box 1 chunk0"].__setitem__((7, 3, 0), np.nan),
            ["Train/S1 'Box 1 chunk0'", "NaN", "frame 7", "joint 3"],
        ),
        (
            lambda p, k: k["Train/S1"]["Box 1 chunk0"].pop(),
            ["data_2d_humaneva15_gt.npz", "2 cameras, expected 3"],
        ),
        (
            lambda p, k: k["Train/S1"].pop("Box 1 chunk0"),
            ["data_2d_humaneva15_gt.npz", "has no Train/S1 'Box 1 chunk0'"],
        ),
        (
            lambda p, k: [views.reverse() for chunks in k.values() for views in chunks.values()],
            ["S1 camera C1", "pixels from any projection"],
        ),
    ],
)
def test_bad_npz_files_are_one_plain_error(
    made: Takes,
    tmp_path: Path,
    change: Callable[[dict[str, Any], dict[str, Any]], Any],
    parts: list[str],
) -> None:
    positions, keypoints = spoilt(made, change)
    fixtures.save_objects(tmp_path / "data_3d_humaneva15.npz", 2, positions_3d=positions)
    fixtures.write_keypoints(tmp_path, "gt", keypoints, fixtures.METADATA)
    with pytest.raises(HarnessError) as caught:
        prepare_set("humaneva", tmp_path, tmp_path / "out", S1)
    for part in parts:
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def lacking_frame(pixels: np.ndarray, frame: int) -> np.ndarray:
    return np.where(np.arange(pixels.shape[1])[:, None, None] == frame, np.nan, pixels)


@pytest.mark.parametrize(
    ("positions", "pixels", "parts"),
    [
        (lambda p: p[:-1], lambda k: k[:, :-1], ["403 frames, expected the 404 of the Train part"]),
        (lambda p: p[:, :14], lambda k: k, ["(404, 14, 3)", "(frames, 15, 3)"]),
        (lambda p: p, lambda k: k[:2], ["(2, 404, 15, 2)", "(3, frames, 15, 2)"]),
        (
            lambda p: p,
            lambda k: np.where(np.arange(404)[:, None, None] == 9, np.nan, k),
            ["different frames, first in frame 9"],
        ),
    ],
)
def test_bad_matlab_files_are_named(
    made: Takes,
    tmp_path: Path,
    positions: Callable[[Any], Any],
    pixels: Callable[[Any], Any],
    parts: list[str],
) -> None:
    chosen = copy.deepcopy({key: made[key] for key in PARTS_OF_S1})
    box = chosen["Train/S1"]["Box"]
    chosen["Train/S1"]["Box"] = (positions(box[0]), pixels(box[1]))
    fixtures.write_mat_files(tmp_path / "raw", chosen)
    with pytest.raises(HarnessError) as caught:
        prepare_set("humaneva", tmp_path / "raw", tmp_path / "out", S1)
    for part in ("Train/S1/Box_1.mat", *parts):
        assert part in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no MATLAB", b"MATLAB 7.3 MAT-file" + bytes(600)])
def test_files_that_matlab_did_not_save_are_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "raw" / "Train" / "S1" / "Box_1.mat"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(HarnessError, match=r"Box_1\.mat: cannot be read .* version 5 to 7\.3"):
        prepare_set("humaneva", tmp_path / "raw", tmp_path / "out", S1)


def test_an_empty_folder_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"data_3d_humaneva15\.npz .* Train/S1/Walking_1\.mat"):
        prepare_set("humaneva", tmp_path, tmp_path / "out", S1)


@pytest.mark.parametrize(
    "options", [{"fps": 50}, {"subjects": ["S4"]}, {"actions": ["Walk"]}, {"validation_share": 0.9}]
)
def test_bad_options_are_one_plain_error(
    raw: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    with pytest.raises(HarnessError, match=next(iter(options))):
        prepare_set("humaneva", raw, tmp_path / "out", options)


def test_cocos_keypoints_are_told_in_the_15_joints_for_graph_networks(
    raw: Path, tmp_path: Path
) -> None:
    without = prepared(raw, tmp_path / "without", S1)
    assert set(without.manifest.sources_2d) == {"gt", DETECTRON}
    told = prepared(raw, tmp_path / "told", {**S1, "coco_in_15": True})
    name = f"{DETECTRON}_15"
    assert told.layout(name) == HUMANEVA_15
    assert not told.manifest.sources_2d[name].exact
    coco, body = told.keypoints_2d(DETECTRON)[::97], told.keypoints_2d(name)[::97]
    for joint, made_of in {
        "Hip": ("LHip", "RHip"),
        "Thorax": ("LShoulder", "RShoulder"),
        "Head": ("LEar", "REar"),
        "LWrist": ("LWrist",),
        "RFoot": ("RFoot",),
    }.items():
        expected = np.mean([coco[:, COCO_17.index(name)] for name in made_of], axis=0)
        np.testing.assert_allclose(body[:, HUMANEVA_15.index(joint)], expected, rtol=1e-6)
