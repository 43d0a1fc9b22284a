"""`harness lift`: from what a detector wrote to motion in files, or one plain error."""

import json
import shutil
import sys
from pathlib import Path

import keypoint_files as files
import numpy as np
import pytest
from keypoint_files import (
    COCO_PARTS,
    FRAMES,
    HEIGHT,
    WIDTH,
    blazepose_person,
    coco_person,
    seen,
    waving,
)

from harness.body.skeleton import H36M_17
from harness.cli.main import main
from harness.datasets.keypoints.detections import Detections
from harness.datasets.keypoints.layouts import BODY_25
from harness.datasets.keypoints.read import read_keypoints
from harness.foundation.provenance import collect, write_record
from harness.lifting.build import build_lifter
from harness.lifting.checkpoint import CHECKPOINT, ModelContract, save_checkpoint
from harness.lifting.registry import method_called
from harness.prediction import lift_file
from harness.prediction.motion_formats.write import FORMATS

SIZE = ("--image-size", f"{WIDTH}x{HEIGHT}")
TOLD = (*SIZE, "--fps", "25")
PERSON, OTHER = coco_person(), coco_person(to_the_right=0.8)


def write_checkpoint(path: Path, method: str, network: dict, **changes: object) -> Path:
    lifter = build_lifter(method_called(method), network, H36M_17, H36M_17, seed=0)
    contract = ModelContract(
        run_id=f"{method}-0123456789",
        method=method,
        network=network,
        data_skeleton="h36m_17",
        data_layout="h36m_17",
        skeleton=lifter.skeleton.name,
        layout=lifter.layout.name,
        frames=lifter.frames,
        predicts=lifter.predicts,
        input_2d="gt",
        train_actions=None,
        dataset="synthetic",
        data_hash="d" * 64,
        frame_rates=(50.0,),
        uses_root_depth=lifter.uses_root_depth,
        uses_confidence=lifter.uses_confidence,
        seed=0,
        recipe={},
        selection="best",
        epoch=1,
        parameters=1,
        space=lifter.space,
        hypotheses=lifter.hypotheses,
    ).model_copy(update=changes)
    save_checkpoint(path, lifter.state_dict(), contract)
    return path


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("models")
    tokens = {"frames": 4, "channels": 16, "depth": 1}
    networks = {
        "martinez": {"width": 8},
        "videopose3d": {"frames": 9, "channels": 8},
        "motionbert": tokens | {"space": "image25d"},
        "d3dp": tokens | {"hypotheses": 2, "steps": 2},
        "stgcn": {"joint_channels": [4, 4, 8], "part_channels": 8, "refinement": True},
    }
    return {
        name: str(write_checkpoint(folder / f"{name}.safetensors", name, network))
        for name, network in networks.items()
    }


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def lift(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["lift", *map(str, arguments)])
    return int(ended.value.code or 0)


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert lift(*arguments) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1, error
    return error


def test_a_folder_of_openpose_becomes_files_of_all_formats(
    models: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = files.openpose(Path("dance"), [seen(BODY_25, waving())], empty=(4,))
    every = ",".join(FORMATS)
    assert lift(folder, "--checkpoint", models["videopose3d"], *TOLD, "--format", every) == 0
    told = capsys.readouterr()
    assert "OpenPose's JSON: 12 frames, 1 person: 1 (11 frames)" in told.out
    assert "Thorax = +0.5 LShoulder +0.5 RShoulder" in told.out
    assert "person 1: frames 0 to 11, 1 without them; 17 of 204 joints filled in" in told.out
    assert "25 frames a second, lifted at 50" in told.out
    assert sorted(path.name for path in Path("lifted/dance").iterdir()) == sorted(
        f"dance.{name}" for name in FORMATS
    )
    with np.load("lifted/dance/dance.npz") as arrays:
        assert arrays["positions_3d"].shape == (FRAMES, 17, 3)
        assert np.all(arrays["positions_3d"][:, 0] == 0)
        assert arrays["filled"][4].all()
        assert not np.delete(arrays["filled"], 4, axis=0).any()


def test_people_get_files_of_their_own(
    models: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = files.alphapose(Path("two.json"), [PERSON, OTHER])
    common = (path, "--checkpoint", models["martinez"], *TOLD)
    assert lift(*common, "--person", "all", "--out", "all") == 0
    assert sorted(item.name for item in Path("all").iterdir()) == [
        "two-person-1.npz",
        "two-person-2.npz",
    ]
    assert lift(*common, "--person", "2", "--out", "one") == 0
    assert np.array_equal(
        np.load("one/two.npz")["positions_3d"], np.load("all/two-person-2.npz")["positions_3d"]
    )
    capsys.readouterr()
    assert lift(*common, "--out", "usual") == 0
    told = capsys.readouterr()
    assert "12 frames, 2 people: 1 (12 frames), 2 (12 frames)" in told.out
    assert "person 1 of 2 is lifted, the largest; --person names another, or all" in told.err
    assert "two.json: unknown person '3' (known: 1, 2)" in refused(capsys, *common, "--person", "3")


def test_a_run_lends_its_lifter(models: dict[str, str]) -> None:
    folder = Path("results/mine/runs/martinez-seed0")
    folder.mkdir(parents=True)
    shutil.copy(models["martinez"], folder / CHECKPOINT)
    record = collect(
        run="mine/martinez-seed0",
        kind="train",
        model="martinez",
        seed=0,
        parameters={},
        dataset="made",
        data_hash="d" * 64,
        code="",
    )
    write_record(folder / "run.json", record)
    path = files.coco(Path("a.json"), [PERSON])
    assert lift(path, "--run", "mine/martinez-seed0", *TOLD, "--out", "run") == 0
    assert lift(path, "--checkpoint", models["martinez"], *TOLD, "--out", "file") == 0
    one, other = (np.load(f"{name}/a.npz")["positions_3d"] for name in ("run", "file"))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("name", ["martinez", "videopose3d", "motionbert", "d3dp"])
def test_every_kind_of_lifter_lifts(
    name: str, models: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = files.coco(Path("a.json"), [PERSON])
    assert lift(path, "--checkpoint", models[name], *TOLD) == 0
    with np.load("lifted/a/a.npz") as arrays:
        assert np.isfinite(arrays["positions_3d"]).all()
        assert str(arrays["unit"]) == ("screen" if name == "motionbert" else "m")
    assert ("units of the screen" in capsys.readouterr().err) == (name == "motionbert")


def test_poses_without_a_scale_take_the_length_of_a_leg(
    models: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    common = (files.coco(Path("a.json"), [PERSON]), "--checkpoint", models["motionbert"], *TOLD)
    assert "--format trc needs metres" in refused(capsys, *common, "--format", "trc")
    assert lift(*common, "--format", "trc,npz", "--leg-length", "0.8") == 0
    with np.load("lifted/a/a.npz") as arrays:
        pose, joints = arrays["positions_3d"], arrays["joints"].tolist()
    leg = [pose[:, joints.index(joint)] for joint in ("LHip", "LKnee", "LFoot")]
    right = [pose[:, joints.index(joint)] for joint in ("RHip", "RKnee", "RFoot")]
    lengths = [
        np.linalg.norm(hip - knee, axis=-1) + np.linalg.norm(knee - foot, axis=-1)
        for hip, knee, foot in (leg, right)
    ]
    assert np.median(lengths) == pytest.approx(0.8, rel=1e-4)


def test_what_a_file_does_not_say_is_asked_for(
    models: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    common = (files.coco(Path("a.json"), [PERSON]), "--checkpoint", models["martinez"])
    error = refused(capsys, *common)
    assert "its image size and its frame rate; tell it with --image-size WxH --fps RATE" in error
    assert "its image size; tell it with --image" in refused(capsys, *common, "--fps", 25)
    assert "does not say its frame rate; tell it with --fps" in refused(capsys, *common, *SIZE)
    assert "expected WIDTHxHEIGHT" in refused(capsys, *common, "--image-size", "640", "--fps", 25)
    sized = files.videopose3d(Path("v.npz"), {"a.mp4": PERSON}, (WIDTH, HEIGHT))
    common = (sized, "--checkpoint", models["martinez"], "--fps", "25")
    error = refused(capsys, *common, "--image-size", "1920x1080")
    assert "its image size is 640 x 480, not 1920 x 1080" in error
    assert lift(*common) == 0


def test_shares_of_the_picture_are_told_from_pixels(
    models: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    shares = PERSON / [WIDTH, HEIGHT, 1.0]
    path = files.named_npz(Path("a.npz"), shares, COCO_PARTS)
    error = refused(capsys, path, "--checkpoint", models["martinez"], *TOLD)
    assert "seem to be shares of the picture" in error
    labels = files.ultralytics_labels(Path("labels"), [PERSON], tracked=False)
    common = ("--checkpoint", models["martinez"], *TOLD, "--out", "out")
    assert lift(labels, *common) == 0
    assert lift(files.coco(Path("c.json"), [PERSON]), *common) == 0
    one, other = (np.load(f"out/{name}.npz")["positions_3d"] for name in ("labels", "c"))
    np.testing.assert_allclose(one, other, atol=1e-4)


def test_a_frame_without_any_number_is_a_gap_and_a_file_of_such_frames_is_refused(
    models: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = files.coco(Path("a.json"), [PERSON])
    results = json.loads(path.read_text())
    common = (path, "--checkpoint", models["martinez"], *TOLD, "--force")
    results[3]["keypoints"] = [None] * len(results[3]["keypoints"])
    path.write_text(json.dumps(results))
    assert lift(*common) == 0
    assert np.load("lifted/a/a.npz")["filled"][3].all()
    for result in results:
        result["keypoints"] = results[3]["keypoints"]
    path.write_text(json.dumps(results))
    assert lift(*common) == 2
    assert "a.json: has people, but no joint of theirs was found" in capsys.readouterr().err


def test_files_that_are_there_are_kept_unless_forced(
    models: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    common = (files.coco(Path("a.json"), [PERSON]), "--checkpoint", models["martinez"], *TOLD)
    Path("lifted/a").mkdir(parents=True)
    Path("lifted/a/a.npz").write_text("mine")
    assert "a.npz: exists; choose another place" in refused(capsys, *common)
    assert Path("lifted/a/a.npz").read_text() == "mine"
    assert lift(*common, "--format", "csv") == 0, "another format is another file"
    assert lift(*common, "--force") == 0


def test_gaps_and_odd_rates_and_sizes_are_warned_of(
    models: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    person = coco_person(40)
    person[10:30, :, 2] = 0.1
    common = (files.coco(Path("a.json"), [person]), "--checkpoint", models["videopose3d"])
    assert lift(*common, "--image-size", "300x300", "--fps", "10") == 0
    warnings = capsys.readouterr().err
    assert "missing for 20 frames on end (2 s)" in warnings
    assert "50% of the joints are filled in" in warnings
    assert "the lifter was trained at 50: what lies between its frames is made up" in warnings
    assert "lie outside of the picture of 300 x 300" in warnings


def test_a_page_shows_the_motion_and_keeps_names_as_text(models: dict[str, str]) -> None:
    path = files.coco(Path("<b>.json"), [PERSON])
    common = ("--checkpoint", models["martinez"], *TOLD, "--format", "html", "--out", "page")
    assert lift(path, *common) == 0
    text = Path("page/<b>.html").read_text(encoding="utf-8")
    assert "<b>.json" not in text
    assert "Relative to the root, in camera space." in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name the lifter: either --run RUN or --checkpoint FILE"),
        (("--checkpoint", "no.safetensors"), "no such checkpoint"),
        (("--run", "quick/dgnet-seed0"), "no runs below results"),
        (("--checkpoint", "MODEL", "--format", "fbx"), "unknown format of motions 'fbx'"),
        (("--checkpoint", "MODEL", "--format", ","), "no format is named"),
        (("--checkpoint", "MODEL", "--input-format", "oppenpose"), "did you mean 'openpose'?"),
        (("--checkpoint", "MODEL", "--confidence", "0.95"), "never seen with a confidence of 0.95"),
        (("--checkpoint", "DEPTH"), "true depth of the root"),
    ],
)
def test_wrong_use_is_one_plain_line(
    arguments: tuple[str, ...],
    said: str,
    models: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = files.coco(Path("a.json"), [PERSON])
    known = {"MODEL": models["martinez"], "DEPTH": models["stgcn"]}
    words = [known.get(word, word) for word in arguments]
    assert said in refused(capsys, path, *TOLD, *words)
    assert not Path("lifted").exists()


def test_a_video_is_lifted_by_what_is_found_in_it(
    models: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = read_keypoints(files.mediapipe_json(Path("a.json"), blazepose_person()))[1]
    asked = []

    def detect(*arguments: object) -> Detections:
        asked.append(arguments)
        return found

    monkeypatch.setattr(lift_file, "detect_people", detect)
    common = ("--checkpoint", models["martinez"], *TOLD)
    assert lift("clip.mp4", *common, "--detector", "pose.task", "--people", "2") == 0
    assert asked == [(Path("clip.mp4"), Path("pose.task"), 2)]
    assert "video, MediaPipe's landmarks: 12 frames, 1 person" in capsys.readouterr().out
    assert lift("a.json", *common) == 0
    one, other = (np.load(f"lifted/{name}/{name}.npz") for name in ("clip", "a"))
    assert np.array_equal(one["positions_3d"], other["positions_3d"])


def test_a_video_without_the_extra_is_one_plain_line(
    models: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    Path("clip.mp4").write_bytes(b"\x00")
    common = ("clip.mp4", "--checkpoint", models["martinez"])
    assert "'pose-lifting-harness[video]'" in refused(capsys, *common)
    error = refused(capsys, *common, "--input-format", "coco")
    assert "is a video, no file of keypoints" in error


def test_names_of_people_neither_leave_the_folder_nor_the_line(
    models: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    held = json.loads(files.alphapose(Path("a.json"), [PERSON, OTHER]).read_text())
    names = ["../../evil\x1b[31m", "b"]
    for number, item in enumerate(held):
        item["idx"] = names[number % 2]
    path = files.write_json(Path("a.json"), held)
    common = (path, "--checkpoint", models["martinez"], *TOLD, "--person", "all")
    assert lift(*common) == 0
    assert "\x1b" not in capsys.readouterr().out
    assert len(list(Path("lifted/a").iterdir())) == 2
    assert not list(Path("..").glob("evil*"))
