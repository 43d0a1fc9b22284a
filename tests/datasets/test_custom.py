import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import custom_files as files
import numpy as np
import pytest

from harness.body.camera import camera_to_world, project
from harness.body.skeleton import COCO_17, H36M_17
from harness.datasets.custom.description import Description
from harness.datasets.importers import prepare_set
from harness.datasets.inspection import inspect_set
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.foundation.settings import validated


def prepared(raw: Path, out: Path) -> PreparedSet:
    prepare_set("custom", raw, out, {})
    return PreparedSet(out)


def test_a_data_set_of_ones_own_is_what_its_description_says(tmp_path: Path) -> None:
    made = files.write(tmp_path / "raw", files.description())
    data = prepared(tmp_path / "raw", tmp_path / "set")
    manifest = data.manifest
    assert (manifest.name, manifest.title) == ("birds", "Birds in a cage")
    assert (manifest.licence, manifest.citation) == ("free for all uses", "nobody")
    assert data.skeleton.joints == tuple(files.BIRD["joints"])
    assert data.skeleton.parents == (-1, 0, 1, 1, 1)
    assert (data.skeleton.left, data.skeleton.right) == ((3,), (4,))
    assert set(manifest.source_files) == {"dataset.json", *made}
    assert not manifest.sources_2d["seen"].exact
    assert manifest.sources_2d["gt"].exact
    for clip in data.clips.itertuples():
        rows = slice(clip.first_row, clip.first_row + clip.frames)
        camera = data.camera(clip.camera)
        held = made[f"clips/{clip.subject}_{clip.camera}.npz"]
        space = np.asarray(data.positions_3d[rows], dtype=np.float64)
        np.testing.assert_allclose(camera_to_world(space, camera), held["positions_3d"], atol=1e-6)
        np.testing.assert_allclose(data.keypoints_2d("gt")[rows], project(space, camera), atol=1e-3)
        np.testing.assert_array_equal(
            data.keypoints_2d("seen")[rows], held["keypoints_2d/seen"].astype(np.float32)
        )
        confidence = data.confidence("seen")
        assert confidence is not None
        np.testing.assert_array_equal(confidence[rows], held["confidence/seen"].astype(np.float32))
        assert clip.split == files.SPLITS[clip.subject]
        assert clip.fps == 30.0
    assert "bird_5" in inspect_set(data).text()


def test_camera_space_is_taken_as_it_is_and_own_ground_truth_kept(tmp_path: Path) -> None:
    content = files.description(
        space="camera",
        sources_2d={"gt": {"layout": "bird_5", "exact": True}},
        cameras={
            name: {key: camera[key] for key in ("width", "height", "focal_length", "center")}
            for name, camera in files.CAMERAS.items()
        },
    )
    content["clips"] = [{**content["clips"][0], "fps": 60.0}]
    positions = np.full((7, 5, 3), [0.125, 0.125, 4.0])
    pixels = np.arange(70.0).reshape(7, 5, 2)
    files.write(
        tmp_path / "raw",
        content,
        positions_3d=positions,
        keypoints_2d__gt=pixels,
        keypoints_2d__seen=None,
        confidence__seen=None,
        valid=np.array([1, 1, 0, 1, 0, 1, 1]),
    )
    data = prepared(tmp_path / "raw", tmp_path / "set")
    np.testing.assert_array_equal(data.positions_3d, positions)
    np.testing.assert_array_equal(data.keypoints_2d("gt"), pixels)
    assert data.valid is not None
    assert data.valid.tolist() == [True, True, False, True, False, True, True]
    assert data.clips["fps"].item() == 60.0


def test_detections_alone_make_a_set_to_predict(tmp_path: Path) -> None:
    content = files.description(
        space="none", skeleton="h36m_17", sources_2d={"mine": {"layout": "coco_17"}}
    )
    content["clips"] = content["clips"][:1]
    files.write(
        tmp_path / "raw",
        content,
        positions_3d=None,
        keypoints_2d__seen=None,
        confidence__seen=None,
        keypoints_2d__mine=np.arange(4 * 17 * 2.0).reshape(4, 17, 2),
    )
    data = prepared(tmp_path / "raw", tmp_path / "set")
    assert not data.manifest.has_3d
    assert data.skeleton is H36M_17
    assert data.layout("mine").name == "coco_17"
    assert set(data.manifest.sources_2d) == {"mine", "mine_h36m_17"}
    assert data.layout("mine_h36m_17") is H36M_17
    mine, derived = (data.keypoints_2d(source) for source in ("mine", "mine_h36m_17"))
    hips = [COCO_17.index("LHip"), COCO_17.index("RHip")]
    np.testing.assert_allclose(derived[:, 0], mine[:, hips].mean(axis=1))
    assert "2D source mine_h36m_17 is derived" in data.manifest.notes[0]


def changed(path: tuple[Any, ...], value: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        for step in path[:-1]:
            content = content[step]
        content[path[-1]] = value

    return change


def bird(**changes: Any) -> Callable[[dict[str, Any]], None]:
    # Another name, because a refused definition must not be mistaken for the sound one.
    return changed(("skeletons",), [{**files.BIRD, "name": "odd_bird", **changes}])


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (lambda c: c.pop("licence"), ["'licence' is missing"]),
        (changed(("licences",), "free"), ["unknown key 'licences'", "did you mean 'licence'"]),
        (changed(("clips", 2, "Subject"), "x"), ["'clips.2.Subject'", "did you mean 'subject'"]),
        (changed(("name",), "h36m"), ["'name'", "h36m is another data set"]),
        (changed(("name",), "a/b"), ["'name'", "a/b"]),
        (changed(("fps",), 0), ["'fps'", "greater than 0"]),
        (changed(("fps",), float("inf")), ["'fps'", "finite number"]),
        (changed(("cameras", "far", "center"), [float("nan"), 1.0]), ["'cameras.far.center.0'"]),
        (changed(("cameras", "far", "orientation"), [0.0] * 4), ["a unit quaternion w, x, y, z"]),
        (changed(("space",), "room"), ["'space'", "'camera', 'world' or 'none'"]),
        (changed(("skeleton",), "bird"), ["unknown skeleton 'bird'", "did you mean 'bird_5'"]),
        (
            changed(("sources_2d", "seen", "layout"), "coco"),
            ["unknown skeleton 'coco'", "did you mean 'coco_17'"],
        ),
        (changed(("sources_2d", "../x"), {"layout": "coco_17"}), ["sources_2d", "../x"]),
        (bird(left=["LFoot"]), ["skeletons.0", "not LFoot"]),
        (bird(parents=[None, "Body", None, "Neck", "Neck"]), ["odd_bird", "exactly one root"]),
        (bird(parents=[None, "Head", "Neck", "Neck", "Neck"]), ["does not hang on the root"]),
        (bird(left=[]), ["odd_bird", "pairs 0 left with 1 right"]),
        (bird(name="coco_17"), ["coco_17", "another skeleton already has this name"]),
        (changed(("clips", 1, "camera"), "back"), ["names camera 'back'", "near, far"]),
        (changed(("clips", 0, "split"), "exam"), ["'clips.0.split'", "exam"]),
        (changed(("clips", 0, "file"), "../../etc/x.npz"), ["'clips.0.file'", "below the folder"]),
        (changed(("clips", 3, "file"), "clips/gone.npz"), []),
        (changed(("clips",), []), ["'clips'", "at least 1"]),
        (changed(("cameras", "near", "translation"), None), ["camera 'near' lacks orientation or"]),
        (changed(("cameras", "near", "orientation"), None), ["camera 'near' lacks orientation or"]),
        (changed(("cameras", "near", "focal_length"), [0.0, 1.0]), ["positive focal lengths"]),
        (changed(("cameras", "near", "width"), 0), ["'cameras.near.width'"]),
        (
            lambda c: c.update(space="none", sources_2d={}),
            ["neither 3D nor sources_2d"],
        ),
    ],
)
def test_a_wrong_description_is_one_plain_error(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any], parts: list[str]
) -> None:
    content = files.description(
        cameras={name: dict(camera) for name, camera in files.CAMERAS.items()}
    )
    change(content)
    if not parts:
        files.write(tmp_path, content)
        (tmp_path / "clips/gone.npz").unlink()
        parts = ["clips/gone.npz: no such file, but dataset.json lists it"]
    else:
        (tmp_path / "dataset.json").write_text(json.dumps(content))
    refused(tmp_path, *parts)


def refused(raw: Path, *parts: str) -> None:
    with pytest.raises(HarnessError) as caught:
        prepare_set("custom", raw, raw / "out", {})
    message = str(caught.value)
    for part in parts:
        assert part in message, message
    assert "\n" not in message
    assert not (raw / "out").exists()


@pytest.mark.parametrize("text", [None, "{", "[]"])
def test_a_missing_or_broken_description_is_one_plain_error(
    tmp_path: Path, text: str | None
) -> None:
    if text is not None:
        (tmp_path / "dataset.json").write_text(text)
    refused(tmp_path, "dataset.json")


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"positions_3d": np.ones((12, 4, 3))}, ["(12, 4, 3)", "(12, 5, 3)"]),
        ({"positions_3d": np.ones((0, 5, 3))}, ["no frames"]),
        ({"positions_3d": np.full((12, 5, 3), np.nan)}, ["NaN", "frame 0, joint 0"]),
        ({"positions_3d": np.full((12, 5, 3), 9.0)}, ["behind the camera", "frame 0, joint 0"]),
        ({"positions_3d": np.ones((12, 15))}, ["'positions_3d' is 2-dimensional"]),
        ({"positions_3d": np.array(["a"])}, ["'positions_3d'", "expected numbers"]),
        ({"positions_3d": None}, ["no entry 'positions_3d'"]),
        ({"keypoints_2d__seen": None}, ["no entry 'keypoints_2d/seen'"]),
        ({"keypoints_2d__seen": np.ones((11, 5, 2))}, ["(11, 5, 2)", "(12, 5, 2)"]),
        ({"keypoints_2d__seen": np.full((12, 5, 2), np.inf)}, ["2D keypoints 'seen'", "infinity"]),
        ({"confidence__seen": None}, ["no entry 'confidence/seen'"]),
        ({"keypoints_2d__other": np.ones((12, 5, 2))}, ["'keypoints_2d/other'", "announce"]),
        ({"confidence__seen": np.full((12, 5), 87.0)}, ["from 87 to 87", "expected 0 to 1"]),
        ({"positions_3d": 1000 * files.arrays(0)["positions_3d"]}, ["m apart", "in metres"]),
        ({"valid": np.ones(12)}, ["valid.npy is there for some clips, not for all"]),
        ({"valid": np.ones(5)}, ["(5,) valid flags for 12 frames"]),
    ],
)
def test_wrong_arrays_are_one_plain_error(
    tmp_path: Path, changes: dict[str, Any], parts: list[str]
) -> None:
    files.write(tmp_path, files.description(), **changes)
    refused(tmp_path, "clips/" if "valid" in changes else "clips/robin_near.npz", *parts)


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Runs:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "ran",)

    files.write(tmp_path, files.description())
    np.savez(
        tmp_path / "clips/robin_near.npz",
        **{**files.arrays(0), "positions_3d": np.array([Runs()], dtype=object)},
    )
    refused(tmp_path, "clips/robin_near.npz", "cannot run code")
    assert not (tmp_path / "ran").exists()


def test_the_examples_of_the_documentation_are_right() -> None:
    text = (Path(__file__).parents[2] / "docs/data.md").read_text(encoding="utf-8")
    whole, own = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL))
    described = validated(Description, whole, "docs/data.md")
    assert described.resolved_skeleton() is H36M_17
    assert own == files.BIRD
    validated(Description, {**whole, "skeletons": [own]}, "docs/data.md")
