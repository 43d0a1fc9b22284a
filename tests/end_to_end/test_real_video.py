"""A real person in a video, found and lifted: where the extra `video` and pose2sim are at hand.

The model is the one in data/detector or HARNESS_DETECTOR, the four views are those of the package
pose2sim or of the folder HARNESS_POSE2SIM_DEMO (Demo_SinglePerson).
"""

import importlib.util
import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.four_views import read_views, triangulated
from harness.body.skeleton import H36M_17
from harness.cli.main import main
from harness.datasets.keypoints.layouts import BLAZEPOSE_33
from harness.datasets.video.detect import detect_people
from harness.datasets.video.landmark_model import FOLDER, landmark_model
from harness.foundation.errors import HarnessError
from harness.lifting.build import build_lifter
from harness.lifting.checkpoint import CHECKPOINT, ModelContract, save_checkpoint
from harness.lifting.registry import method_called

FRAMES = 8
VIEWS = ("cam01", "cam02", "cam03", "cam04")


@pytest.fixture(scope="module")
def model() -> Path:
    for package in ("cv2", "mediapipe"):
        if importlib.util.find_spec(package) is None:
            pytest.skip("the extra video is not installed")
    named = os.environ.get("HARNESS_DETECTOR")
    there = [Path(named)] if named else sorted((Path(__file__).parents[2] / FOLDER).glob("*.*"))
    if not there:
        pytest.skip(f"no model in {FOLDER}, and HARNESS_DETECTOR names none")
    return there[0]


@pytest.fixture(scope="module")
def demo(model: Path) -> Path:
    found = importlib.util.find_spec("Pose2Sim")
    package = str(Path(found.origin).parent) if found and found.origin else ""
    folder = Path(os.environ.get("HARNESS_POSE2SIM_DEMO", f"{package}/Demo_SinglePerson"))
    if not (folder / "videos").is_dir():
        pytest.skip("pose2sim is not installed, and HARNESS_POSE2SIM_DEMO names no folder")
    return folder


@pytest.fixture(scope="module")
def views(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The first frames of each view."""
    import cv2

    folder = tmp_path_factory.mktemp("views")
    paths = {name: folder / f"{name}.mp4" for name in VIEWS}
    for name, path in paths.items():
        whole = cv2.VideoCapture(str(demo / "videos" / f"{name}.mp4"))
        pictures = [whole.read()[1] for _ in range(FRAMES)]
        codec: Any = cv2.VideoWriter_fourcc(*"mp4v")
        writer = cv2.VideoWriter(str(path), codec, 60.0, pictures[0].shape[1::-1])
        for picture in pictures:
            writer.write(picture)
        writer.release()
    return paths


def test_four_views_find_the_same_person(model: Path, demo: Path, views: dict[str, Path]) -> None:
    found = [detect_people(path, model) for path in views.values()]
    assert all((one.fps, one.frame.tolist()) == (60.0, list(range(FRAMES))) for one in found)
    calibrated = read_views(demo / "calibration" / "Calib.qca.txt")
    seen, off = triangulated(
        [calibrated[name] for name in views],
        np.stack([one.points * one.size for one in found]),
        np.stack([one.confidence for one in found]),
    )
    assert off < 30, "pixels of pictures 1088 x 1920"
    joint = dict(zip(BLAZEPOSE_33.joints, np.median(seen, axis=0), strict=True))
    assert joint["Nose"][2] > joint["LHip"][2] > joint["LKnee"][2] > joint["LFoot"][2], "upright"
    thigh, shin = (
        np.linalg.norm(joint[a] - joint[b]) for a, b in (("LHip", "LKnee"), ("LKnee", "LFoot"))
    )
    assert 0.6 < thigh + shin < 1.0, "metres"


def test_a_video_becomes_motion(
    model: Path, views: dict[str, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lifter = build_lifter(method_called("martinez"), {"width": 8}, H36M_17, H36M_17, seed=0)
    contract = ModelContract(
        run_id="martinez-0123456789",
        method="martinez",
        network={"width": 8},
        data_skeleton="h36m_17",
        data_layout="h36m_17",
        skeleton="h36m_17",
        layout="h36m_17",
        frames=1,
        predicts=lifter.predicts,
        input_2d="gt",
        train_actions=None,
        dataset="made",
        data_hash="d" * 64,
        uses_root_depth=False,
        seed=0,
        recipe={},
        selection="best",
        epoch=1,
        parameters=1,
    )
    save_checkpoint(tmp_path / CHECKPOINT, lifter.state_dict(), contract)
    common = ["--checkpoint", str(tmp_path / CHECKPOINT), "--detector", str(model)]
    with pytest.raises(SystemExit) as ended:
        main(["lift", str(views["cam04"]), *common, "--out", str(tmp_path), "--format", "npz,html"])
    assert not ended.value.code
    told = capfd.readouterr()
    assert f"{FRAMES} frames, 1 person: 1 ({FRAMES} frames)" in told.out
    assert "60 frames a second" in told.out
    assert "mediapipe" not in told.err.lower(), "libraries are quiet"
    with np.load(tmp_path / "cam04.npz") as arrays:
        assert arrays["positions_3d"].shape == (FRAMES, 17, 3)
        assert tuple(arrays["image_size"]) == (1088, 1920)
    assert (tmp_path / "cam04.html").stat().st_size > 100_000


def test_a_video_cut_off_is_one_plain_line(
    model: Path, views: dict[str, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(views["cam01"].read_bytes()[:2000])
    with pytest.raises(HarnessError, match="cannot be decoded"):
        detect_people(cut, model)
    assert capfd.readouterr().err == ""


def test_what_is_no_model_is_refused(model: Path, views: dict[str, Path], tmp_path: Path) -> None:
    made_up = tmp_path / "pose.task"
    with zipfile.ZipFile(made_up, "w") as file:
        for name in ("pose_detector.tflite", "pose_landmarks_detector.tflite"):
            file.writestr(name, b"model")
    with pytest.raises(HarnessError, match="MediaPipe does not take its model"):
        detect_people(views["cam01"], made_up)


def test_the_models_of_a_wheel_say_what_their_input_is(model: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(landmark_model(model))) as held:
        for name in ("pose_detector.tflite", "pose_landmarks_detector.tflite"):
            assert b"TFLITE_METADATA" in held.read(name)
