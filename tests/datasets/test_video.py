"""Videos, with stand-ins for the libraries of the extra `video`; end_to_end/ has a real one."""

import os
import sys
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.datasets.video.detect import detect_people
from harness.datasets.video.landmark_model import FOLDER, landmark_model
from harness.foundation.errors import HarnessError
from harness.foundation.quiet import quiet_libraries

WIDTH, HEIGHT = 64, 48
Stand = Callable[..., Path]


def bundle(path: Path, *names: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, b"model")
    return path


def task(path: Path) -> Path:
    return bundle(path, "pose_detector.tflite", "pose_landmarks_detector.tflite")


@pytest.fixture
def video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Make a video of stand-ins: so many frames, people found in each, what is announced."""
    monkeypatch.chdir(tmp_path)

    def make(
        people: list[int], *, announced: int | None = None, fps: float = 25.0, odd: int = -1
    ) -> Path:
        class Capture:
            def __init__(self, path: str) -> None:
                self.frame = 0

            def read(self) -> tuple[bool, Any]:
                if self.frame == len(people):
                    return False, None
                wide = WIDTH + (self.frame == odd)
                picture = np.full((HEIGHT, wide, 3), (1, 2, self.frame), np.uint8)
                self.frame += 1
                return True, picture

            def get(self, what: str) -> float:
                count = len(people) if announced is None else announced
                return {"fps": fps, "count": float(count)}[what]

            def release(self) -> None: ...

        class Landmarker:
            stamps: list[int]

            def __enter__(self) -> "Landmarker":
                self.stamps = []
                return self

            def __exit__(self, *_: object) -> None: ...

            def detect_for_video(self, picture: Any, stamp: int) -> Any:
                os.write(2, b"noise of a library\n")
                assert not self.stamps or stamp > self.stamps[-1], "time goes on"
                self.stamps.append(stamp)
                red, green, blue = picture[0, 0]
                assert (green, blue) == (2, 1), "red comes first"
                point = types.SimpleNamespace(x=0.5, y=red / 100, visibility=0.9)
                return types.SimpleNamespace(pose_landmarks=[[point] * 33] * people[red])

        vision = types.SimpleNamespace(
            PoseLandmarkerOptions=dict,
            RunningMode=types.SimpleNamespace(VIDEO="video"),
            PoseLandmarker=types.SimpleNamespace(create_from_options=lambda options: Landmarker()),
        )
        modules = {
            "cv2": {
                "VideoCapture": Capture,
                "CAP_PROP_FPS": "fps",
                "CAP_PROP_FRAME_COUNT": "count",
            },
            "mediapipe": {
                "Image": lambda form, data: data,
                "ImageFormat": types.SimpleNamespace(SRGB="srgb"),
            },
            "mediapipe.tasks": {},
            "mediapipe.tasks.python": {"BaseOptions": dict, "vision": vision},
        }
        for name, members in modules.items():
            module = types.ModuleType(name)
            vars(module).update(members)
            monkeypatch.setitem(sys.modules, name, module)
        path = tmp_path / "clip.mp4"
        path.write_bytes(b"video")
        return path

    task(tmp_path / FOLDER / "pose.task")
    return make


def test_people_of_every_frame_are_found(video: Stand, capfd: pytest.CaptureFixture[str]) -> None:
    found = detect_people(video([1, 0, 2]), None)
    assert (found.size, found.fps, found.shares) == ((WIDTH, HEIGHT), 25.0, True)
    assert (found.first, found.last) == (0, 2)
    assert found.frame.tolist() == [0, 2, 2]
    assert found.points.shape == (3, 33, 2)
    np.testing.assert_allclose(found.points[1], [[0.5, 0.02]] * 33)
    np.testing.assert_allclose(found.confidence, 0.9)
    assert capfd.readouterr().err == ""


def test_a_rate_that_the_video_does_not_tell_is_not_made_up(video: Stand) -> None:
    assert detect_people(video([1, 1], fps=0.0), None).fps is None


def test_a_count_that_is_only_estimated_is_forgiven(video: Stand) -> None:
    assert detect_people(video([1] * 19, announced=20), None).last == 18
    assert detect_people(video([1] * 19, announced=-1), None).last == 18


@pytest.mark.parametrize(
    ("people", "told", "said"),
    [
        ([0, 0, 0], {}, "nobody was detected in any of 3 frames"),
        ([], {}, "cannot be decoded; it is damaged, cut off or no video"),
        ([1, 1], {"announced": 9}, "can be decoded up to frame 2 of 9 only"),
        ([1, 1], {"odd": 1}, "frame 1 has another size than the first"),
    ],
)
def test_a_video_that_is_of_no_use_is_one_plain_line(
    people: list[int], told: dict[str, int], said: str, video: Stand
) -> None:
    with pytest.raises(HarnessError, match=said) as error:
        detect_people(video(people, **told), None)
    assert "\n" not in str(error.value)


def test_without_the_extra_it_is_said_how_to_install_it(
    video: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = video([1])
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(HarnessError, match=r"'pose-lifting-harness\[video\]'"):
        detect_people(path, None)


def test_no_such_video(video: Stand) -> None:
    with pytest.raises(HarnessError, match="no such file"):
        detect_people(video([1]).with_name("other.mp4"), None)


def test_the_model_is_looked_for_in_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HarnessError, match=r"holds no model .* pip download mediapipe==0.10.14"):
        landmark_model(None)
    one = task(FOLDER / "one.task")
    assert landmark_model(None) == one.read_bytes()
    other = task(FOLDER / "other.task")
    with pytest.raises(HarnessError, match=r"one.task, other.task; name one with --detector"):
        landmark_model(None)
    assert landmark_model(other) == other.read_bytes()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<!DOCTYPE html>", "is damaged .*download it again"),
        (None, "no such file; get one with"),
    ],
)
def test_a_model_that_is_none_is_refused(content: bytes | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "pose.task"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(HarnessError, match=said):
        landmark_model(path)


def test_a_bundle_of_something_else_is_refused(tmp_path: Path) -> None:
    hand = bundle(tmp_path / "hand.task", "hand_detector.tflite")
    with pytest.raises(HarnessError, match="holds no pose landmarker"):
        landmark_model(hand)


def test_libraries_are_quiet_and_python_is_not(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_libraries():
        os.write(2, b"library\n")
        print("python", file=sys.stderr)
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "python\nafter\n"
