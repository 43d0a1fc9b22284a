"""A detector's files as a set to predict, without a dataset.json."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keypoint_files as files
import numpy as np
import pytest
from keypoint_files import FRAMES, HEIGHT, WIDTH, coco_person, seen, waving

from harness.body.skeleton import H36M_17
from harness.datasets.importers import prepare_set
from harness.datasets.keypoints.layouts import BODY_25
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError

TOLD = {"image_size": [WIDTH, HEIGHT], "fps": 25.0}
PERSON, OTHER = coco_person(), coco_person(to_the_right=0.8)


def prepared(raw: Path, options: dict[str, Any]) -> PreparedSet:
    prepare_set("custom", raw, raw.parent / "set", options)
    return PreparedSet(raw.parent / "set")


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    return folder


MAKE: dict[str, Callable[[Path], Path]] = {
    "alphapose": lambda raw: files.alphapose(raw / "alphapose-results.json", [PERSON, OTHER]),
    "coco": lambda raw: files.coco(raw / "results.json", [PERSON]),
    "openpose": lambda raw: files.openpose(raw, [seen(BODY_25, waving())]),
    "sleap": lambda raw: files.sleap(raw / "a.csv", {"one": PERSON}, files.COCO_PARTS),
}


@pytest.mark.parametrize("name", MAKE)
def test_people_become_clips_in_the_joints_of_lifters(name: str, raw: Path) -> None:
    MAKE[name](raw)
    data = prepared(raw, TOLD)
    people = 2 if name == "alphapose" else 1
    assert data.clips["frames"].tolist() == [FRAMES] * people
    assert set(data.clips["split"]) == {"test"}
    assert set(data.clips["fps"]) == {25.0}
    assert not data.manifest.has_3d
    assert (data.layout("detected"), data.skeleton) == (H36M_17, H36M_17)
    camera = data.camera("video")
    assert (camera.width, camera.height) == (WIDTH, HEIGHT)
    hip, left, right = (
        data.keypoints_2d("detected")[:, H36M_17.index(joint)] for joint in ("Hip", "LHip", "RHip")
    )
    np.testing.assert_allclose(hip, (left + right) / 2, atol=1e-3)
    assert "joints derived, gaps filled" in data.manifest.notes[0]


def test_a_rate_that_is_not_told_is_taken_to_be_the_usual_one_and_noted(raw: Path) -> None:
    videos = {"walk 1.mp4": PERSON, "walk 2.mp4": OTHER}
    files.videopose3d(raw / "data_2d_custom_mine.npz", videos, (WIDTH, HEIGHT))
    data = prepared(raw, {})
    assert sorted(data.clips["subject"]) == ["walk-1.mp4", "walk-2.mp4"]
    assert set(data.clips["fps"]) == {50.0}
    assert "its frame rate is not told and taken to be 50 a second" in data.manifest.notes[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fps": 25.0}, "does not say its image size; tell it with --set"),
        ({**TOLD, "confidence": 0.95}, "never seen with a confidence of 0.95"),
        ({**TOLD, "input_format": "openpose"}, "it looks like coco"),
        ({**TOLD, "size": 3}, "size"),
    ],
)
def test_what_cannot_be_is_one_plain_line(options: dict[str, Any], said: str, raw: Path) -> None:
    MAKE["coco"](raw)
    with pytest.raises(HarnessError, match=said) as error:
        prepared(raw, options)
    assert "\n" not in str(error.value)


def test_files_of_nobody_are_refused(raw: Path) -> None:
    (raw / "results.json").write_text("[]")
    with pytest.raises(HarnessError, match="nobody was detected"):
        prepared(raw, TOLD)


def test_an_empty_folder_is_told_of_both_ways(raw: Path) -> None:
    with pytest.raises(HarnessError, match=r"dataset.json: no such file; .* a detector's files"):
        prepared(raw, {})


def test_a_description_says_everything_itself(raw: Path) -> None:
    (raw / "dataset.json").write_text("{}")
    with pytest.raises(HarnessError, match=r"options are for what detectors wrote"):
        prepared(raw, {"fps": 25.0})
