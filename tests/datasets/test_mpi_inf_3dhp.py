import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import mpi_inf_3dhp_files as files
import numpy as np
import pytest
from scipy.io import savemat

from harness.body.camera import project
from harness.body.skeleton import H36M_16, H36M_17, MPI_INF_3DHP_17
from harness.datasets.importers import importer_called, prepare_set
from harness.datasets.inspection import inspect_set
from harness.datasets.mpi_inf_3dhp import sequences as mpi_inf_3dhp_sequences
from harness.datasets.mpi_inf_3dhp.contents import TRAINING_SEQUENCES
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError

TWO = {"train_subjects": ["S1", "S8"]}
TEST_ONLY = {"train_subjects": [], "validation_subjects": []}
TRAIN_ONLY = {**TWO, "test_sequences": []}


@pytest.fixture(scope="module", autouse=True)
def short_sequences() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mpi_inf_3dhp_sequences, "TRAINING_SEQUENCES", files.LENGTHS)
        yield


@pytest.fixture(scope="module")
def training() -> dict[Any, Any]:
    return files.training()


@pytest.fixture(scope="module")
def testing() -> dict[str, Any]:
    return files.testing()


@pytest.fixture(scope="module")
def raw(
    training: dict[Any, Any], testing: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("mpi")
    files.write_training_mat(folder, training)
    files.write_testing_mat(folder / "mpi_inf_3dhp_test_set", testing)
    return folder


def prepared(raw: Path, out: Path, **options: Any) -> PreparedSet:
    prepare_set("mpi_inf_3dhp", raw, out, {**TWO, **options})
    return PreparedSet(out)


@pytest.fixture(scope="module")
def universal(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    return prepared(raw, tmp_path_factory.mktemp("set") / "universal")


def rows(clip: Any) -> slice:
    return slice(clip.first_row, clip.first_row + clip.frames)


def test_sequences_become_clips_of_their_split(universal: PreparedSet) -> None:
    clips = universal.clips
    frames = clips.groupby("split")["frames"].sum().to_dict()
    assert frames == {"train": 8 * (6 + 8), "validation": 8 * (5 + 4), "test": 2929 + 6 * 12}
    assert {(clip.split, clip.subject) for clip in clips.itertuples()} == {
        ("train", "S1"),
        ("validation", "S8"),
        *(("test", name) for name in files.VALID),
    }
    assert {name: set(group["fps"]) for name, group in clips.groupby("subaction")} == {
        "Seq1": {25.0},
        "Seq2": {50.0, 25.0},
        "": {25.0},
    }
    tests = clips[clips["split"] == "test"].set_index("subject")["action"].to_dict()
    assert tests == dict(
        zip(files.VALID, ["Green screen"] * 2 + ["Studio"] * 2 + ["Outdoor"] * 2, strict=True)
    )


def test_the_frames_used_are_the_published_ones() -> None:
    used = {}
    for (subject, _), (frames, fps) in TRAINING_SEQUENCES.items():
        used.setdefault(subject, []).append(frames)
        assert fps == (50 if frames > 12_000 else 25)
    assert used == {
        "S1": [6416, 12430],
        "S2": [6502, 6081],
        "S3": [12488, 12283],
        "S4": [6171, 6675],
        "S5": [12820, 12312],
        "S6": [6188, 6145],
        "S7": [6239, 6320],
        "S8": [6468, 6054],
    }


def test_positions_and_2d_are_those_of_the_files(
    universal: PreparedSet, training: dict[Any, Any], testing: dict[str, Any]
) -> None:
    assert universal.skeleton is MPI_INF_3DHP_17
    for clip in universal.clips.itertuples():
        if clip.split == "test":
            space = testing[clip.subject]["univ_annot3"]
            pixels = testing[clip.subject]["annot2"]
        else:
            number = int(clip.camera.split("/")[-1])
            assert number in files.CAMERAS
            variables = training[clip.subject, clip.subaction]
            space = variables["univ_annot3"][number][: clip.frames, files.PICKED]
            pixels = variables["annot2"][number][: clip.frames, files.PICKED]
        np.testing.assert_array_equal(
            universal.positions_3d[rows(clip)], (space / 1000).astype(np.float32)
        )
        np.testing.assert_array_equal(
            universal.keypoints_2d("gt")[rows(clip)], pixels.astype(np.float32)
        )


def test_lenses_are_found_and_outdoor_images_are_wide(universal: PreparedSet) -> None:
    for clip in universal.clips.groupby("camera").first().reset_index().itertuples():
        camera = universal.camera(clip.camera)
        outdoors = clip.subject in ("TS5", "TS6")
        assert (camera.width, camera.height) == ((1920, 1080) if outdoors else (2048, 2048))
        space = np.asarray(universal.positions_3d[rows(clip)])
        exact = universal.keypoints_2d("gt")[rows(clip)]
        np.testing.assert_allclose(project(space, camera), exact, atol=0.01)
    assert universal.camera("S1/Seq1/4").focal_length == pytest.approx((1494, 1494), abs=0.01)
    assert universal.camera("TS5").center == pytest.approx((960, 540), abs=0.01)


def test_valid_frames_and_activities_come_through(
    universal: PreparedSet, testing: dict[str, Any]
) -> None:
    assert universal.valid is not None
    assert universal.activity is not None
    for clip in universal.clips.itertuples():
        valid, activity = universal.valid[rows(clip)], universal.activity[rows(clip)]
        if clip.split == "test":
            assert int(valid.sum()) == files.VALID[clip.subject]
            np.testing.assert_array_equal(valid, testing[clip.subject]["valid_frame"])
            np.testing.assert_array_equal(activity, testing[clip.subject]["activity_annotation"])
        else:
            assert valid.all()
            assert not activity.any()
    assert universal.manifest.activities[3:5] == ["Sitting", "Reaching/Crouching"]


def test_inspection_compares_with_the_complete_data_set(universal: PreparedSet) -> None:
    counts = {
        item.what: item.met
        for item in inspect_set(universal, importer_called("mpi_inf_3dhp").expected_counts).expected
    }
    assert counts == {"clips": False, "test clips": True, "test frames to score": True}


def test_the_metric_annotation_is_another_data_set(
    raw: Path, universal: PreparedSet, tmp_path: Path, testing: dict[str, Any]
) -> None:
    metric = prepared(raw, tmp_path / "out", annotation="annot3")
    assert metric.manifest.settings["annotation"] == "annot3"
    assert universal.manifest.settings["annotation"] == "univ_annot3"
    assert metric.data_hash != universal.data_hash
    clip = next(metric.select("test", subjects=["TS3"]).itertuples())
    space = testing["TS3"]["annot3"] / 1000
    np.testing.assert_array_equal(metric.positions_3d[rows(clip)], space.astype(np.float32))


def test_training_files_of_version_73_and_npz_files_give_the_same_arrays(
    training: dict[Any, Any], testing: dict[str, Any], universal: PreparedSet, tmp_path: Path
) -> None:
    files.write_training_mat(tmp_path / "hdf5", training, hdf5=True)
    files.write_testing_mat(tmp_path / "hdf5", testing)
    assert prepared(tmp_path / "hdf5", tmp_path / "one").data_hash == universal.data_hash
    (tmp_path / "npz").mkdir()
    files.write_npz(tmp_path / "npz", "train", files.npz_training(training, "univ_annot3"))
    files.write_npz(tmp_path / "npz", "test", files.npz_testing(testing, "univ_annot3"))
    other = prepared(tmp_path / "npz", tmp_path / "two")
    np.testing.assert_array_equal(other.positions_3d, universal.positions_3d)
    np.testing.assert_array_equal(other.keypoints_2d("gt"), universal.keypoints_2d("gt"))
    np.testing.assert_array_equal(other.valid, universal.valid)
    assert other.activity is None
    assert any("does not say what is done" in note for note in other.manifest.notes)
    assert sum("taken to be univ_annot3" in note for note in other.manifest.notes) == 2


def test_npz_files_of_the_metric_annotation_are_known_by_their_name(
    testing: dict[str, Any], tmp_path: Path
) -> None:
    files.write_npz(tmp_path, "test", files.npz_testing(testing, "univ_annot3"))
    files.write_npz(tmp_path, "test", files.npz_testing(testing, "annot3"), "_ori")
    options = {**TEST_ONLY, "test_sequences": ["TS6"]}
    for annotation in ("annot3", "univ_annot3"):
        data = prepared(tmp_path, tmp_path / annotation, annotation=annotation, **options)
        expected = (testing["TS6"][annotation] / 1000).astype(np.float32)
        np.testing.assert_array_equal(data.positions_3d, expected)


@pytest.mark.parametrize("skeleton", [H36M_16, H36M_17], ids=lambda skeleton: skeleton.name)
def test_it_can_be_told_in_the_joints_of_human36m(
    raw: Path, universal: PreparedSet, tmp_path: Path, skeleton: Any
) -> None:
    # PoseAug tests 16-joint lifters of Human3.6M so; names of 3DHP in Human3.6M's order.
    names = {
        "Hip": "Pelvis",
        "Thorax": "Neck",
        "Neck/Nose": "Head",
        "Head": "Head" if skeleton is H36M_16 else "HeadTop",
        "RFoot": "RAnkle",
        "LFoot": "LAnkle",
    }
    options = {**TEST_ONLY, "test_sequences": ["TS1"]}
    data = prepared(raw, tmp_path / "out", joints=skeleton.name, **options)
    columns = [universal.skeleton.index(names.get(joint, joint)) for joint in skeleton.joints]
    clip = next(universal.select("test", subjects=["TS1"]).itertuples())
    np.testing.assert_array_equal(data.positions_3d, universal.positions_3d[rows(clip)][:, columns])
    np.testing.assert_array_equal(
        data.keypoints_2d("gt"), universal.keypoints_2d("gt")[rows(clip)][:, columns]
    )
    assert data.skeleton is skeleton


def test_other_numbers_of_valid_frames_are_noted(testing: dict[str, Any], tmp_path: Path) -> None:
    fewer = {**testing["TS2"], "valid_frame": np.arange(552) < 100}
    files.write_npz(tmp_path, "test", files.npz_testing({"TS2": fewer}, "annot3"))
    data = prepared(tmp_path, tmp_path / "out", **{**TEST_ONLY, "test_sequences": ["TS2"]})
    assert "TS2 has 100 valid frames, published are 540" in data.manifest.notes


def refused(raw: Path, out: Path, options: dict[str, Any], *parts: str) -> None:
    with pytest.raises(HarnessError) as caught:
        prepare_set("mpi_inf_3dhp", raw, out, options)
    message = str(caught.value)
    for part in parts:
        assert part in message, message
    assert message.count("\n") <= 1
    assert not out.exists()


def test_missing_files_and_wrong_options_are_named(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "empty").mkdir()
    options = {**TWO, "validation_subjects": []}
    refused(tmp_path / "empty", out, options, "lacks S1/Seq1/annot.mat and 9 more", "docs/data.md")
    refused(raw, out, {"annotation": "annot2"}, "annotation")
    refused(raw, out, {"train_subjects": ["S9"]}, "subjects among S1")
    refused(raw, out, {"test_sequences": ["TS7"]}, "sequences among TS1")


def _version_4(path: Path, _: Any) -> None:
    savemat(path, {"annot2": np.zeros((3, 56))}, format="4")


def _not_matlab(path: Path, _: Any) -> None:
    path.write_bytes(b"MATLAB? no, a letter to a friend".ljust(400, b"."))


def _truncated(path: Path, _: Any) -> None:
    path.write_bytes(path.read_bytes()[:300])


def _rewritten(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path, Any], None]:
    def rewrite(path: Path, variables: dict[str, list[np.ndarray]]) -> None:
        content: dict[str, Any] = {
            name: np.empty((len(cells), 1), dtype=object) for name, cells in variables.items()
        }
        for name, cells in variables.items():
            for index, cell in enumerate(cells):
                content[name][index, 0] = cell.reshape(len(cell), -1)
        change(content)
        savemat(path, content)

    return rewrite


def _set_cell(name: str, camera: int, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        cells = content[name].copy()
        cells[camera, 0] = value(cells[camera, 0])
        content[name] = cells

    return change


def _nan(cell: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(cell))[:, None] == 2, np.nan, cell)


@pytest.mark.parametrize(
    ("spoil", "parts"),
    [
        (_version_4, ["annot.mat", "version 4", "version 5 to 7.3"]),
        (_not_matlab, ["annot.mat", "no MATLAB file of version 5 to 7.3"]),
        (_truncated, ["annot.mat", "damaged, truncated"]),
        (_rewritten(lambda c: c.pop("annot2")), ["has no variable annot2", "univ_annot3"]),
        (
            _rewritten(lambda c: c.update(univ_annot3=c["univ_annot3"][:8])),
            ["univ_annot3 has no cell of camera 8", "14 cameras"],
        ),
        (
            _rewritten(lambda c: c.update(annot2=np.zeros((9, 56)))),
            ["annot2 has no cell of camera 0"],
        ),
        (
            _rewritten(_set_cell("annot2", 5, lambda cell: np.empty((0, 0)))),
            ["annot2 of camera 5", "(0, 0)", "28 joints"],
        ),
        (
            _rewritten(_set_cell("univ_annot3", 4, lambda cell: cell[:, :51])),
            ["univ_annot3 of camera 4", "(9, 51)", "(frames, 84)"],
        ),
        (
            _rewritten(_set_cell("univ_annot3", 7, lambda cell: cell[:5])),
            ["camera 7", "5 frames of 3D and 9 of 2D", "at least the 6 of S1 Seq1"],
        ),
        (
            _rewritten(_set_cell("univ_annot3", 0, _nan)),
            ["camera 0", "NaN", "frame 2"],
        ),
        (
            _rewritten(_set_cell("annot2", 1, _nan)),
            ["camera 1", "NaN", "frame 2"],
        ),
        (
            _rewritten(_set_cell("univ_annot3", 2, lambda cell: cell / 1000)),
            ["camera 2", "mm apart", "millimetres"],
        ),
        (
            _rewritten(_set_cell("univ_annot3", 2, lambda cell: cell - cell[:, [12, 13, 14] * 28])),
            ["camera 2", "behind the camera", "relative to the root"],
        ),
        (
            _rewritten(_set_cell("annot2", 6, lambda cell: cell[:, ::-1])),
            ["camera 6", "pixels from any projection"],
        ),
    ],
)
def test_bad_training_files_are_one_plain_error(
    training: dict[Any, Any], tmp_path: Path, spoil: Callable[[Path, Any], None], parts: list[str]
) -> None:
    chosen = {key: training[key] for key in (("S1", "Seq1"), ("S1", "Seq2"))}
    files.write_training_mat(tmp_path, chosen)
    path = tmp_path / "S1/Seq1/annot.mat"
    # Each cell is spoilt alone: joints of a frame lie one after the other.
    spoil(path, training["S1", "Seq1"])
    options = {**TRAIN_ONLY, "train_subjects": ["S1"], "validation_subjects": []}
    refused(tmp_path, tmp_path / "out", options, *parts)


def _change_variable(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Any:
    def spoil(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            values = change(file[name][()])
            del file[name]
            file[name] = values

    return spoil


def _delete(name: str) -> Any:
    def spoil(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            del file[name]

    return spoil


def _cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2000])


def _claim_much(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["annot2"]
        file.create_dataset("annot2", shape=(10**9, 1, 17, 2), chunks=(100, 1, 17, 2), dtype="f8")


def _struct(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["annot2"]
        file["annot2/inner"] = np.zeros(3)


@pytest.mark.parametrize(
    ("spoil", "parts"),
    [
        (_cut_short, ["TS4/annot_data.mat", "damaged, truncated"]),
        (_claim_much, ["TS4/annot_data.mat", "claims 272,000,000,000 bytes"]),
        (_struct, ["TS4/annot_data.mat", "holds no numbers"]),
        (_delete("valid_frame"), ["has no variable valid_frame", "annot3"]),
        (_delete("activity_annotation"), ["has no variable activity_annotation"]),
        (
            _change_variable("activity_annotation", lambda a: np.where(a == 3, 9, a)),
            ["unknown activity 9", "1 to 7"],
        ),
        (
            _change_variable("valid_frame", lambda v: v[:-1]),
            ["frames: 3D 565, 2D 565, valid_frame 564"],
        ),
        (
            _change_variable("annot2", lambda a: a[:-2]),
            ["frames: 3D 565, 2D 563"],
        ),
        (
            _change_variable("activity_annotation", lambda a: a[:-3]),
            ["valid_frame 565, activity_annotation 562"],
        ),
        (
            _change_variable("valid_frame", lambda v: v * 0),
            ["has no valid frame", "some of them 1"],
        ),
        (_change_variable("valid_frame", lambda v: v * 2), ["a frame marked 2", "marked 0 or 1"]),
        (
            _change_variable("univ_annot3", lambda a: np.concatenate([a, a], axis=1)),
            ["univ_annot3 has shape (3, 17, 2, 565)", "(3, 17, 1, frames)"],
        ),
        (
            _change_variable("univ_annot3", lambda a: a[:, :, :16]),
            ["(3, 16, 1, 565)"],
        ),
    ],
)
def test_bad_test_files_are_one_plain_error(
    testing: dict[str, Any], tmp_path: Path, spoil: Callable[[Path], None], parts: list[str]
) -> None:
    files.write_testing_mat(tmp_path, {"TS4": testing["TS4"]})
    spoil(tmp_path / "TS4/annot_data.mat")
    refused(tmp_path, tmp_path / "out", {**TEST_ONLY, "test_sequences": ["TS4"]}, *parts)


@pytest.mark.parametrize(
    ("part", "change", "parts"),
    [
        ("train", lambda c: c.pop("S8 Seq2"), ["'S8 Seq2' camera 0", "is not there"]),
        ("train", lambda c: c["S1 Seq1"][0].pop("5"), ["'S1 Seq1' camera 5", "P-STMO"]),
        ("train", lambda c: c.update({"S1 Seq2": {}}), ["'S1 Seq2' camera 0"]),
        ("train", lambda c: c["S1 Seq2"].__setitem__(1, 25), ["25 frames a second, expected 50"]),
        (
            "train",
            lambda c: c["S1 Seq1"][0]["7"].update(data_3d=np.zeros((6, 16, 3))),
            ["camera 7", "(6, 16, 3)", "(frames, 17, 3)"],
        ),
        ("test", lambda c: c["TS1"].pop("valid"), ["'TS1'", "has no valid"]),
        ("test", lambda c: c.pop("TS3"), ["'TS3'", "is not there"]),
        (
            "test",
            lambda c: c["TS1"].update(data_2d="none"),
            ["'TS1'", "has shape ()"],
        ),
    ],
)
def test_bad_npz_files_are_one_plain_error(
    training: dict[Any, Any],
    testing: dict[str, Any],
    tmp_path: Path,
    part: str,
    change: Callable[[dict[str, Any]], Any],
    parts: list[str],
) -> None:
    made = {
        "train": files.npz_training(training, "annot3"),
        "test": files.npz_testing(testing, "annot3"),
    }
    change(made[part])
    files.write_npz(tmp_path, part, made[part])
    only = TRAIN_ONLY if part == "train" else TEST_ONLY
    refused(tmp_path, tmp_path / "out", only, f"data_{part}_3dhp.npz", *parts)


def test_an_npz_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Runs:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "ran",)

    np.savez(tmp_path / "data_test_3dhp.npz", data=np.array({"TS1": Runs()}, dtype=object))
    refused(tmp_path, tmp_path / "out", TEST_ONLY, "data_test_3dhp.npz", "cannot run code")
    assert not (tmp_path / "ran").exists()


def test_a_failed_import_leaves_the_earlier_set(
    testing: dict[str, Any], tmp_path: Path, universal: PreparedSet
) -> None:
    shutil.copytree(universal.path, tmp_path / "out")
    files.write_testing_mat(tmp_path, {"TS4": testing["TS4"]})
    _cut_short(tmp_path / "TS4/annot_data.mat")
    with pytest.raises(HarnessError):
        prepare_set(
            "mpi_inf_3dhp", tmp_path, tmp_path / "out", {**TEST_ONLY, "test_sequences": ["TS4"]}
        )
    assert PreparedSet(tmp_path / "out").data_hash == universal.data_hash
