from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from harness.body.skeleton import H36M_17
from harness.datasets.importers import importer_called, prepare_set
from harness.datasets.inspection import inspect_set
from harness.datasets.pose_picture import save_pose_picture
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.lifting.windows import WindowReader, covering_windows

# The order of the 13 joints in the files.
HEAD, LSHOULDER, RSHOULDER, LELBOW, RELBOW, LWRIST, RWRIST = range(7)
LHIP, RHIP, LKNEE, RKNEE, LANKLE, RANKLE = range(7, 13)


def label(frames: int = 6, seed: int = 0, **changes: Any) -> dict[str, Any]:
    """Return the variables of a label file as MATLAB saves them."""
    rng = np.random.default_rng(seed)
    content = {
        "action": "tennis_serve",
        "pose": "back",
        "x": rng.uniform(1, 480, (frames, 13)),
        "y": rng.uniform(1, 270, (frames, 13)),
        "visibility": (rng.random((frames, 13)) < 0.8),
        "train": 1,
        "bbox": np.ones((frames, 4)),
        "dimensions": np.array([[272, 481, frames]], dtype=np.uint16),
        "nframes": frames,
    }
    return {key: value for key, value in {**content, **changes}.items() if value is not None}


def write(raw: Path, **labels: dict[str, Any]) -> None:
    (raw / "labels").mkdir(parents=True)
    for name, content in labels.items():
        savemat(raw / "labels" / f"{name.removeprefix('v')}.mat", content)


@pytest.fixture(scope="module")
def labels() -> dict[str, dict[str, Any]]:
    return {
        "v0001": label(),
        "v0002": label(4, 1, action="bowl", dimensions=np.array([[480, 270, 4]])),
        "v0003": label(5, 2, action="bowl", pose="left", train=-1),
    }


@pytest.fixture(scope="module")
def data(labels: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    folder = tmp_path_factory.mktemp("penn")
    write(folder / "raw", **labels)
    prepare_set("penn_action", folder / "raw", folder / "set", {})
    return PreparedSet(folder / "set")


def test_videos_become_clips_to_predict(data: PreparedSet) -> None:
    clips = data.clips[["subject", "action", "subaction", "camera", "split", "frames"]]
    assert [tuple(row) for row in clips.itertuples(index=False)] == [
        ("0001", "tennis_serve", "back", "0001", "test", 6),
        ("0002", "bowl", "back", "0002", "test", 4),
        ("0003", "bowl", "left", "0003", "test", 5),
    ]
    assert (data.camera("0001").width, data.camera("0001").height) == (481, 272)
    assert (data.camera("0002").width, data.camera("0002").height) == (270, 480)
    assert data.camera("0002").focal_length == (480.0, 480.0)
    assert set(data.clips["fps"]) == {30.0}
    assert any("focal lengths are not known" in note for note in data.manifest.notes)


def test_thirteen_joints_become_seventeen(data: PreparedSet, labels: dict[str, Any]) -> None:
    assert data.layout("annotated") is H36M_17
    x, y = labels["v0001"]["x"], labels["v0001"]["y"]
    visible = labels["v0001"]["visibility"]
    confidence = data.confidence("annotated")
    assert confidence is not None
    parts = {
        "Hip": [LHIP, RHIP],
        "RHip": [RHIP],
        "RKnee": [RKNEE],
        "RFoot": [RANKLE],
        "LHip": [LHIP],
        "LKnee": [LKNEE],
        "LFoot": [LANKLE],
        "Spine": [LHIP, RHIP, LSHOULDER, RSHOULDER],
        "Thorax": [LSHOULDER, RSHOULDER],
        "Neck/Nose": [HEAD, HEAD, LSHOULDER, RSHOULDER],
        "Head": [HEAD],
        "LShoulder": [LSHOULDER],
        "LElbow": [LELBOW],
        "LWrist": [LWRIST],
        "RShoulder": [RSHOULDER],
        "RElbow": [RELBOW],
        "RWrist": [RWRIST],
    }
    assert list(parts) == list(H36M_17.joints)
    for frame in range(6):
        for joint, marked in enumerate(parts.values()):
            expected = np.mean([(x[frame, m], y[frame, m]) for m in marked], axis=0)
            np.testing.assert_allclose(
                data.keypoints_2d("annotated")[frame, joint], expected, rtol=1e-6
            )
            assert confidence[frame, joint] == all(visible[frame, m] for m in marked)


class TakesAll:
    """As much of a lifter as reading windows needs."""

    frames, predicts, supervised, uses_root_depth = 3, "all", "all", False
    uses_confidence = False
    skeleton = layout = H36M_17
    labelled_subjects = None


def test_it_can_be_read_to_predict_but_not_to_train(data: PreparedSet) -> None:
    reader = WindowReader(data, data.clips, "annotated", TakesAll())  # type: ignore[arg-type]
    windows = covering_windows(data.clips, 3, "all")
    assert reader.inputs(windows).keypoints.shape == (2 + 2 + 2, 3, 17, 2)
    with pytest.raises(HarnessError, match="Penn Action has 2D only; it can be predicted"):
        reader.batch(windows)


def test_it_can_be_inspected_and_drawn(data: PreparedSet, tmp_path: Path) -> None:
    expected = importer_called("penn_action").expected_counts
    inspection = inspect_set(data, expected)
    assert not inspection.bones
    assert [(item.what, item.found, item.met) for item in inspection.expected] == [
        ("clips", 3, False)
    ]
    assert "Penn Action" in inspection.text()
    assert save_pose_picture(data, tmp_path / "poses.png").stat().st_size > 1000


def test_some_videos_or_actions_may_be_chosen(labels: dict[str, Any], tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    write(raw / "Penn_Action", **labels)
    prepare_set("penn_action", raw, tmp_path / "one", {"videos": ["0003", "0001"], "fps": 25.0})
    one = PreparedSet(tmp_path / "one")
    assert one.clips["subject"].tolist() == ["0003", "0001"]
    assert set(one.clips["fps"]) == {25.0}
    prepare_set("penn_action", raw, tmp_path / "two", {"actions": ["bowl"]})
    two = PreparedSet(tmp_path / "two")
    assert two.clips["subject"].tolist() == ["0002", "0003"]
    assert set(two.manifest.source_files) == {
        "Penn_Action/labels/0002.mat",
        "Penn_Action/labels/0003.mat",
    }
    refused(raw, {"videos": ["0007"]}, "unknown video", "'0007'")
    refused(raw, {"actions": ["bowling"]}, "unknown action", "did you mean 'bowl'")


def refused(raw: Path, options: dict[str, Any], *parts: str) -> None:
    with pytest.raises(HarnessError) as caught:
        prepare_set("penn_action", raw, raw / "out", options)
    message = str(caught.value)
    for part in parts:
        assert part in message, message
    assert "\n" not in message
    assert not (raw / "out").exists()


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"x": None}, ["has no variable x"]),
        ({"action": None}, ["has no variable action"]),
        ({"x": np.ones((6, 14))}, ["x has shape (6, 14)", "(6, 13)"]),
        ({"y": np.ones((5, 13))}, ["y has shape (5, 13)", "(6, 13)"]),
        ({"dimensions": np.array([[272, 481, 7]])}, ["(6, 13)", "7 frames"]),
        ({"dimensions": np.array([[272, 481]])}, ["dimensions are [272, 481]"]),
        ({"dimensions": np.array([[0, 481, 6]])}, ["height, width and frames"]),
        ({"dimensions": np.array([[272, 481, np.nan]])}, ["nan", "height, width and frames"]),
        ({"visibility": np.full((6, 13), 2)}, ["visibility must be 0 or 1"]),
        ({"x": np.full((6, 13), np.nan)}, ["NaN", "frame 0, joint 0"]),
        ({"action": np.ones((2, 2))}, ["action is no text"]),
    ],
)
def test_bad_labels_are_one_plain_error(
    tmp_path: Path, changes: dict[str, Any], parts: list[str]
) -> None:
    write(tmp_path, v0001=label(seed=4), v0002=label(**changes))
    refused(tmp_path, {}, "labels/0002.mat", *parts)


def _version_4(path: Path) -> None:
    savemat(path, {"x": np.zeros((3, 13))}, format="4")


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("spoil", [_version_4, _truncated, _empty])
def test_damaged_files_are_one_plain_error(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    write(tmp_path, v0001=label())
    spoil(tmp_path / "labels/0001.mat")
    refused(tmp_path, {}, "labels/0001.mat", "version 5 to 7.3")


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    refused(tmp_path, {}, "holds no labels/*.mat", "docs/data.md")
