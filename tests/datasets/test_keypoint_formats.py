"""What detectors write is read whatever its form, and what is wrong with it is said in one line."""

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import keypoint_files as files
import numpy as np
import pytest
from keypoint_files import COCO_PARTS, FRAMES, HEIGHT, WIDTH, coco_person, seen, waving

from harness.datasets.keypoints.detections import Detections
from harness.datasets.keypoints.joint_names import harness_names
from harness.datasets.keypoints.layouts import (
    BLAZEPOSE_33,
    BODY_25,
    COCO,
    COCO_18,
    HALPE_26,
    MPII_16,
)
from harness.datasets.keypoints.read import FORMATS, read_keypoints
from harness.foundation.errors import HarnessError

PERSON, OTHER = coco_person(), coco_person(to_the_right=0.8)
BLAZEPOSE = seen(BLAZEPOSE_33, waving())
NAMED = ("named joints", None, COCO.joints)

Make = Callable[[Path], Path]

# By what is written: how, the format it is found to be, the joints' order, the people.
ONE = [PERSON]
SAMPLES: dict[str, tuple[Make, str, tuple[str, ...], list[np.ndarray]]] = {
    "coco": (
        lambda t: files.coco(t / "a.json", [PERSON, OTHER]),
        "coco",
        COCO.joints,
        [PERSON, OTHER],
    ),
    "coco annotations": (
        lambda t: files.coco_annotations(t / "a.json", PERSON, [(WIDTH, HEIGHT)] * FRAMES),
        "coco",
        COCO.joints,
        ONE,
    ),
    "coco mpii": (
        lambda t: files.coco(t / "a.json", [seen(MPII_16, waving())]),
        "coco",
        MPII_16.joints,
        [seen(MPII_16, waving())],
    ),
    "alphapose": (
        lambda t: files.alphapose(t / "a.json", [PERSON, OTHER]),
        "alphapose",
        COCO.joints,
        [PERSON, OTHER],
    ),
    "alphapose halpe": (
        lambda t: files.alphapose(t / "a.json", [seen(HALPE_26, waving())]),
        "alphapose",
        HALPE_26.joints,
        [seen(HALPE_26, waving())],
    ),
    "openpose": (
        lambda t: files.openpose(t / "a", [seen(BODY_25, waving())]),
        "openpose",
        BODY_25.joints,
        [seen(BODY_25, waving())],
    ),
    "openpose coco": (
        lambda t: files.openpose(t / "a", [seen(COCO_18, waving())]),
        "openpose",
        COCO_18.joints,
        [seen(COCO_18, waving())],
    ),
    "mmpose": (lambda t: files.mmpose(t / "a.json", PERSON), "mmpose", COCO.joints, ONE),
    "mmpose demo": (lambda t: files.mmpose_demo(t / "a.json", PERSON), "mmpose", COCO.joints, ONE),
    "mmpose folder": (lambda t: files.mmpose_folder(t / "a", PERSON), "mmpose", COCO.joints, ONE),
    "ultralytics labels": (
        lambda t: files.ultralytics_labels(t / "a", [PERSON, OTHER], tracked=True),
        "ultralytics",
        COCO.joints,
        [PERSON, OTHER],
    ),
    "ultralytics json": (
        lambda t: files.ultralytics_json(t / "a.json", PERSON),
        "ultralytics",
        COCO.joints,
        ONE,
    ),
    "mediapipe": (
        lambda t: files.mediapipe_json(t / "a.json", BLAZEPOSE),
        "mediapipe",
        BLAZEPOSE_33.joints,
        [BLAZEPOSE],
    ),
    "mediapipe table": (
        lambda t: files.mediapipe_table(t / "a.csv", BLAZEPOSE),
        "mediapipe",
        BLAZEPOSE_33.joints,
        [BLAZEPOSE],
    ),
    "mediapipe wide": (
        lambda t: files.mediapipe_wide(t / "a.csv", BLAZEPOSE),
        "csv",
        BLAZEPOSE_33.joints,
        [BLAZEPOSE],
    ),
    "videopose3d": (
        lambda t: files.videopose3d(t / "a.npz", {"a.mp4": PERSON}, (WIDTH, HEIGHT)),
        "videopose3d",
        COCO.joints,
        ONE,
    ),
    "deeplabcut": (
        lambda t: files.deeplabcut(t / "a.csv", {"one": PERSON}, COCO_PARTS),
        "deeplabcut",
        COCO.joints,
        ONE,
    ),
    "deeplabcut several": (
        lambda t: files.deeplabcut(t / "a.csv", {"one": PERSON, "two": OTHER}, COCO_PARTS),
        "deeplabcut",
        COCO.joints,
        [PERSON, OTHER],
    ),
    "deeplabcut hdf5": (
        lambda t: files.deeplabcut_hdf5(t / "a.h5", "one"),
        "deeplabcut",
        COCO.joints,
        ONE,
    ),
    "deeplabcut hdf5 several": (
        lambda t: files.deeplabcut_hdf5(t / "a.h5", "two"),
        "deeplabcut",
        COCO.joints,
        [PERSON, OTHER],
    ),
    "sleap hdf5": (
        lambda t: files.sleap_hdf5(t / "a.h5", {"one": PERSON, "two": OTHER}, COCO_PARTS),
        "sleap",
        COCO.joints,
        [PERSON, OTHER],
    ),
    "sleap": (
        lambda t: files.sleap(t / "a.csv", {"one": PERSON, "two": OTHER}, COCO_PARTS),
        "sleap",
        COCO.joints,
        [PERSON, OTHER],
    ),
    "csv": (lambda t: files.named_csv(t / "a.csv", PERSON, COCO_PARTS), "csv", COCO.joints, ONE),
    "npz": (lambda t: files.named_npz(t / "a.npz", PERSON, COCO_PARTS), "npz", COCO.joints, ONE),
}


def in_pixels(found: Detections) -> np.ndarray:
    points = found.points * [WIDTH, HEIGHT] if found.shares else found.points
    return np.concatenate([points, found.confidence[..., None]], axis=-1)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_format_is_found_by_its_content_and_read(name: str, tmp_path: Path) -> None:
    make, form, joints, people = SAMPLES[name]
    found_form, found = read_keypoints(make(tmp_path))
    assert (found_form, found.order.joints) == (form, joints)
    assert found.last - found.first == FRAMES - 1
    rows = in_pixels(found)
    first = int(found.frame.min())
    for number, person in enumerate(people):
        sure = person[..., 2] > 0
        tolerance = 0.01  # labels of Ultralytics hold six digits, arrays of VideoPose3D are float32
        held = [rows[found.frame == first + frame] for frame in range(FRAMES)]
        mine = np.stack([pose[number] for pose in held])
        np.testing.assert_allclose(mine[sure][:, :2], person[sure][:, :2], atol=tolerance)
        assert np.isnan(mine[~sure][:, :2]).all()


def test_every_format_has_a_sample() -> None:
    assert {form for _, form, _, _ in SAMPLES.values()} == set(FORMATS)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_format_that_is_named_must_be_that_of_the_file(name: str, tmp_path: Path) -> None:
    make, form, _, _ = SAMPLES[name]
    path = make(tmp_path)
    assert read_keypoints(path, form)[0] == form
    other = "openpose" if form != "openpose" else "coco"
    with pytest.raises(HarnessError, match=f"not of format {other}; it looks like {form}"):
        read_keypoints(path, other)


def test_what_files_say_of_size_rate_and_people(tmp_path: Path) -> None:
    read = {name: read_keypoints(SAMPLES[name][0](_folder(tmp_path, name)))[1] for name in SAMPLES}
    assert read["coco annotations"].size == read["videopose3d"].size == (WIDTH, HEIGHT)
    assert read["openpose"].size is None
    assert set(read["ultralytics labels"].track) == {"1", "2"}
    assert set(read["sleap"].track) == {"one", "two"}
    assert set(read["coco"].track) == {None}
    more = {"fps": 25.0, "image_size": np.array([WIDTH, HEIGHT]), "people": np.array(["ann"])}
    _, found = read_keypoints(files.named_npz(tmp_path / "b.npz", PERSON, COCO_PARTS, **more))
    assert (found.fps, found.size, set(found.track)) == (25.0, (WIDTH, HEIGHT), {"ann"})


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name.replace(" ", "_")
    folder.mkdir()
    return folder


def test_frames_without_anybody_count(tmp_path: Path) -> None:
    _, found = read_keypoints(
        files.openpose(tmp_path / "a", [seen(BODY_25, waving())], empty=(0, 11))
    )
    assert (found.first, found.last, len(found.frame)) == (0, 11, 10)


def test_whole_body_files_give_their_body(tmp_path: Path) -> None:
    whole = np.concatenate([PERSON, np.ones((FRAMES, 116, 3))], axis=1)
    _, found = read_keypoints(files.coco(tmp_path / "a.json", [whole]))
    assert found.order == COCO
    assert found.points.shape == (FRAMES, 17, 2)


@pytest.mark.parametrize(
    ("names", "known"),
    [
        (COCO_PARTS, COCO.joints),
        (
            ["LShoulder", "R_ANKLE", "kneeLeft", "elbow_r"],
            ["LShoulder", "RFoot", "LKnee", "RElbow"],
        ),
        (["Neck/Nose", "RAnkle", "HeadTop"], ["Neck/Nose", "RAnkle", "HeadTop"]),
        (["pelvis", "head_top", "left foot index"], ["Hip", "Head", "LFootIndex"]),
        (["snout", "tail_base"], ["snout", "tail_base"]),
    ],
)
def test_joints_go_by_many_names(names: list[str], known: list[str]) -> None:
    assert list(harness_names(names, "a.csv")) == list(known)


def _changed(path: Path, change: Callable[[list], object]) -> Path:
    content = json.loads(path.read_text())
    changed = change(content)
    path.write_text(json.dumps(content if changed is None else changed))
    return path


def _cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:4000])
    return path


def _hdf5(folder: Path, **arrays: object) -> Path:
    with h5py.File(folder / "a.h5", "w") as file:
        for name, values in arrays.items():
            file[name] = values
    return folder / "a.h5"


def _linked(folder: Path) -> Path:
    other = _hdf5(_folder(folder, "other"), tracks=np.zeros((1, 2, 1, 5)))
    path = _hdf5(folder, node_names=[b"nose"])
    with h5py.File(path, "a") as file:
        file["tracks"] = h5py.ExternalLink(str(other), "tracks")
    return path


def _running(folder: Path) -> Path:
    path = files.deeplabcut_hdf5(folder / "a.h5", "one")
    with h5py.File(path, "a") as file:
        file["df_with_missing"].attrs["non_index_axes"] = np.bytes_(b"cos\nsystem\n(S'true'\ntR.")
    return path


def _labelled(folder: Path) -> Path:
    """Return a table whose rows go by the names of images."""
    path = files.deeplabcut_hdf5(folder / "a.h5", "one")
    with h5py.File(path, "a") as file:
        group = file["df_with_missing"]
        rows = group["table"][()]
        kind = np.dtype([("index", "S8"), ("values_block_0", rows["values_block_0"].dtype, 51)])
        named = np.zeros(len(rows), kind)
        attributes = dict(group["table"].attrs)
        del group["table"]
        group["table"] = named
        group["table"].attrs.update(attributes)
    return path


BAD: dict[str, tuple[Make, str]] = {
    "missing": (lambda t: t / "no.json", "no such file"),
    "a video": (lambda t: _text(t / "clip.mp4", "x"), "is a video, no file of keypoints"),
    "another ending": (lambda t: _text(t / "a.mat", "x"), "expected .json, .csv, .npz, .h5, a"),
    "no HDF5": (lambda t: _text(t / "a.h5", "x"), "is damaged, truncated or no HDF5 file"),
    "HDF5 cut off": (
        lambda t: _cut(files.deeplabcut_hdf5(t / "a.h5", "one")),
        "is damaged, truncated or no HDF5 file",
    ),
    "HDF5 of something else": (lambda t: _hdf5(t, a=[1.0], b=[2.0]), "is of no format"),
    "HDF5 of one thing": (lambda t: _hdf5(t, a=[1.0]), "it is no table of pandas"),
    "SLEAP in another order": (
        lambda t: _hdf5(t, tracks=np.zeros((12, 1, 3, 2)), node_names=[b"a", b"b", b"c"]),
        "its tracks have shape (12, 1, 3, 2), expected (tracks, 2, 3 nodes, frames)",
    ),
    "SLEAP without anybody": (
        lambda t: _hdf5(t, tracks=np.full((1, 2, 1, 5), np.nan), node_names=[b"nose"]),
        "nobody was detected in any of 5 frames",
    ),
    "SLEAP's tracks elsewhere": (_linked, "tracks lies in another file"),
    "a pickle that runs": (_running, "so that a file cannot run code (nothing was run)"),
    "HDF5 of labelled images": (_labelled, "does not number frames"),
    "an empty folder": (lambda t: _folder(t, "empty"), "holds no .json and no .txt"),
    "an empty list": (lambda t: _text(t / "a.json", "[]"), "nobody was detected"),
    "no JSON": (lambda t: _text(t / "a.json", "[{"), "is not valid JSON"),
    "NaN": (
        lambda t: _text(t / "a.json", '[{"image_id": 1, "keypoints": [NaN, 1, 1]}]'),
        "found NaN, expected a finite number",
    ),
    "something else": (lambda t: _text(t / "a.json", '{"a": 1}'), "of no format that can be read"),
    "another count of joints": (
        lambda t: files.coco(t / "a.json", [PERSON[:, :14]]),
        "has 14 joints a person, expected 17 (coco_17)",
    ),
    "two counts of joints": (
        lambda t: _changed(
            files.coco(t / "a.json", [PERSON]), lambda held: held[3]["keypoints"].pop() and None
        ),
        "has 50 numbers, expected x, y and confidence",
    ),
    "text for numbers": (
        lambda t: _changed(
            files.coco(t / "a.json", [PERSON]), lambda held: held[0].update(keypoints=["a"] * 51)
        ),
        "entry 0: holds no plain numbers",
    ),
    "ids that are no frames": (
        lambda t: _changed(
            files.coco(t / "a.json", [PERSON]), lambda held: held[0].update(image_id=10**9)
        ),
        "number the frames of a video",
    ),
    "mixed sizes": (
        lambda t: files.coco_annotations(t / "a.json", PERSON, [(640, 480), (1280, 720)]),
        "mixes images of 640 x 480 (clip_0000.jpg) and 1280 x 720",
    ),
    "nobody in a folder": (
        lambda t: files.openpose(t / "a", [PERSON], empty=tuple(range(FRAMES))),
        "nobody was detected in any of 12 frames",
    ),
    "files without numbers": (
        lambda t: _text(t / "a" / "x.txt", "") and t / "a",
        "has no number in its name",
    ),
    "two videos in a folder": (
        lambda t: _text(t / "a" / "x_1.txt", "") and _text(t / "a" / "y_1.txt", "") and t / "a",
        "a folder must hold one video",
    ),
    "boxes without keypoints": (
        lambda t: _text(t / "a" / "x_1.txt", "0 0.5 0.5 0.1 0.2\n") and t / "a",
        "a line has 5 numbers",
    ),
    "MediaPipe's hands": (
        lambda t: files.mediapipe_json(t / "a.json", BLAZEPOSE[:, :21]),
        "has 21 landmarks a person, expected 33",
    ),
    "a rate that is none": (
        lambda t: files.write_json(
            t / "a.json", {"frames": [[{"x": 0.5, "y": 0.5}] * 33], "fps": [25]}
        ),
        "fps is no number",
    ),
    "a rate of nothing": (
        lambda t: files.named_npz(t / "a.npz", PERSON, COCO_PARTS, fps=0.0),
        "its frame rate is 0, expected 1 to 1000",
    ),
    "a picture of nothing": (
        lambda t: files.named_npz(t / "a.npz", PERSON, COCO_PARTS, image_size=[0, 480]),
        "its picture is 0 x 480",
    ),
    "a data set": (
        lambda t: _npz(t / "a.npz", positions_2d={"S1": {}}, metadata={"layout_name": "h36m"}),
        "do not name layout 'coco'",
    ),
    "a table of labelled images": (
        lambda t: _text(
            t / "a.csv", "scorer,me,me\nbodyparts,nose,nose\ncoords,x,y\nimg1.png,1,2\n"
        ),
        "first column does not number frames",
    ),
    "a word in a table": (
        lambda t: _text(t / "a.csv", "frame,nose_x,nose_y\n0,1,2\n1,oops,2\n"),
        "line 2 below the header, column 'nose_x': 'oops' is no number",
    ),
    "a line cut off": (
        lambda t: _text(t / "a.csv", "frame,nose_x,nose_y\n0,1\n"),
        "line 2 has 2 cells, expected 3",
    ),
    "a header alone": (lambda t: _text(t / "a.csv", "frame,nose_x,nose_y\n"), "no lines below"),
    "two joints of one name": (
        lambda t: _text(
            t / "a.csv",
            "LAnkle_x,LAnkle_y,left_foot_x,left_foot_y,l_ankle_x,l_ankle_y\n1,2,3,4,5,6\n",
        ),
        "are both LFoot; rename one",
    ),
    "names that do not fit": (
        lambda t: files.named_npz(t / "a.npz", PERSON, COCO_PARTS[:5]),
        "names 5 joints, but keypoints are of 17",
    ),
    "a coordinate in no picture": (
        lambda t: files.coco(t / "a.json", [PERSON * [1e12, 1, 1]]),
        "which is in no picture",
    ),
    "infinity": (
        lambda t: files.named_npz(t / "a.npz", np.full((3, 17, 3), np.inf), COCO_PARTS),
        "nobody was detected",
    ),
}


def _text(path: Path, content: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    return path


def _npz(path: Path, **content: object) -> Path:
    np.savez(path, **content)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_one_plain_line(name: str, tmp_path: Path) -> None:
    make, said = BAD[name]
    with pytest.raises(HarnessError) as error:
        read_keypoints(make(tmp_path))
    assert said in str(error.value)
    assert "\n" not in str(error.value)
