"""What figures 6 and 7 show of a frame is what the network computes of the window around it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scored_sets import make_set

from harness.body.skeleton import H36M_17
from harness.datasets.prepared import PreparedSet, Source2D
from harness.datasets.prepared_writer import write_prepared_set
from harness.foundation.errors import HarnessError
from harness.lifting.build import build_lifter
from harness.lifting.checkpoint import ModelContract, load_checkpoint, save_checkpoint
from harness.lifting.registry import method_called
from harness.reporting.paper.frame_inspection import (
    find_clip,
    frame_numbers,
    make_scene,
    spread_frames,
    usual_clips,
)
from harness.reporting.paper.scene_figure import draw_animation, draw_still

NETWORK = {"channels": 8, "blocks": 2}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    takes = [("S9", "Sitting", "1", 9)]
    return make_set(tmp_path_factory.mktemp("set") / "made", takes=takes, cameras=1)


def write_model(folder: Path, data: PreparedSet, model: str = "dgnet", **network: object) -> Path:
    """Write the checkpoint of an untrained model, as a run holds it."""
    chosen = {**(NETWORK if model == "dgnet" else {}), **network}
    method = method_called(model)
    lifter = build_lifter(method, chosen, H36M_17, H36M_17, seed=1)
    contract = ModelContract(
        run_id=f"{model}-0123456789",
        method=model,
        network=chosen,
        data_skeleton="h36m_17",
        data_layout="h36m_17",
        skeleton="h36m_17",
        layout="h36m_17",
        frames=lifter.frames,
        predicts=lifter.predicts,
        input_2d="gt",
        train_actions=None,
        dataset="tiny",
        data_hash=data.data_hash,
        uses_root_depth=False,
        seed=1,
        recipe={},
        selection="best",
        epoch=1,
        parameters=1,
    )
    save_checkpoint(folder / "model.safetensors", lifter.state_dict(), contract)
    return folder


def window(data: PreparedSet, clip: object, frame: int) -> torch.Tensor:
    """Return the normalised window in which a frame stands third of four, ends repeated."""
    first, length = int(clip["first_row"].item()), int(clip["frames"].item())  # type: ignore[index]
    camera = data.camera(clip["camera"].item())  # type: ignore[index]
    poses = []
    for number in range(frame - 2, frame + 2):
        pixels = data.keypoints_2d("gt")[first + min(max(number, 0), length - 1)]
        scale = 2 / camera.width
        poses.append(pixels * scale - [1.0, camera.height / camera.width])
    return torch.tensor(np.stack(poses)[None], dtype=torch.float32)


def test_a_frame_is_shown_as_its_window_lifts_it(data: PreparedSet, tmp_path: Path) -> None:
    run = write_model(tmp_path, data)
    lifter, _ = load_checkpoint(run / "model.safetensors")
    clip = find_clip(data, "S9/Sitting", "test")
    scene = make_scene(run, data, clip, [0, 4, 8], block=1)
    assert (scene.model, scene.clip) == ("dgnet", "S9/Sitting/1/54138969")
    for moment in scene.moments:
        keypoints = window(data, clip, moment.frame)
        with torch.no_grad():
            expected = lifter.network(keypoints)[0, 2].numpy()
        np.testing.assert_allclose(moment.predicted, expected, atol=1e-5)
        found = lifter.network.affinities(keypoints, block=1)
        for kind, matrix in {
            "spatial": found["spatial_unit.1.first.spatial"][0, 2],
            # Forward matrices are of frames 0 to 2, backward ones of frames 1 to 3.
            "forward": found["temporal_unit.1.first.forward"][0, 2],
            "backward": found["temporal_unit.1.first.backward"][0, 1],
        }.items():
            np.testing.assert_allclose(moment.affinities[kind], matrix.numpy(), atol=1e-5)
        row = int(clip["first_row"].item()) + moment.frame
        truth = data.positions_3d[row] - data.positions_3d[row, 0]
        np.testing.assert_allclose(moment.truth, truth, atol=1e-6)
        np.testing.assert_array_equal(moment.keypoints, data.keypoints_2d("gt")[row])


@pytest.mark.parametrize(
    ("model", "network", "kinds"),
    [
        ("dgnet", {"outside_window": "replicate"}, {"spatial", "backward", "forward"}),
        ("dgnet", {"form": "unified"}, {"spatial", "backward", "forward"}),
        ("dgnet", {"frames": 2}, {"spatial", "backward"}),
        ("fsg", {"channels": 8, "blocks": 1}, set()),
        ("martinez", {"width": 8}, set()),
        ("videopose3d", {"frames": 3, "channels": 8}, set()),
        ("d3dp", {"frames": 9, "channels": 8, "depth": 1, "hypotheses": 3, "steps": 1}, set()),
    ],
)
def test_affinities_are_those_the_network_has(
    model: str, network: dict[str, object], kinds: set[str], data: PreparedSet, tmp_path: Path
) -> None:
    run = write_model(tmp_path, data, model, **network)
    (moment,) = make_scene(run, data, find_clip(data, "S9", "test"), [3]).moments
    assert set(moment.affinities) == kinds
    assert moment.predicted.shape == (17, 3)
    for matrix in moment.affinities.values():
        assert matrix.shape == (17, 17)
        assert (matrix >= 0).all()
    if network.get("form") == "unified":
        total = sum(matrix.sum(axis=1) for matrix in moment.affinities.values())
        np.testing.assert_allclose(total, 1.0, atol=1e-5)


@pytest.fixture(scope="module")
def only_2d(tmp_path_factory: pytest.TempPathFactory, data: PreparedSet) -> PreparedSet:
    folder = tmp_path_factory.mktemp("flat") / "set"
    layouts = {"marked": Source2D(layout="h36m_17", exact=False, confidence=False)}
    (camera,) = list(data.manifest.cameras.values())[:1]
    with write_prepared_set(folder, H36M_17) as writer:
        writer.add_clip(
            origin="made",
            subject="0001",
            action="bowl",
            subaction="",
            split="test",
            fps=30.0,
            camera=camera,
            camera_key="0001",
            positions_3d=None,
            keypoints_2d={"marked": np.random.default_rng(0).uniform(0, 900, (6, 17, 2))},
            layouts=layouts,
        )
        writer.finish(
            name="flat", title="Flat", licence="", citation="", importer_version=1, settings={}
        )
    return PreparedSet(folder)


def test_a_set_of_2d_alone_is_drawn_without_truth(
    only_2d: PreparedSet, data: PreparedSet, tmp_path: Path
) -> None:
    run = write_model(tmp_path, data, "martinez", width=8)
    clip = find_clip(only_2d, "0001/bowl")
    with pytest.raises(HarnessError, match="--allow-other-input"):
        make_scene(run, only_2d, clip, [1], input_2d="marked")
    scene = make_scene(run, only_2d, clip, [1], input_2d="marked", allow_other_input=True)
    assert scene.moments[0].truth is None
    (png, _) = draw_still(scene, tmp_path / "out")
    assert png.name == "0001_bowl.png"


def test_stills_and_animations_are_drawn_and_equal_scenes_give_equal_bytes(
    data: PreparedSet, tmp_path: Path
) -> None:
    run = write_model(tmp_path, data)
    clip = find_clip(data, "S9/Sitting", "test")
    scene = make_scene(run, data, clip, [2])
    first, again = (draw_still(scene, tmp_path / name) for name in ("first", "again"))
    assert [path.suffix for path in first] == [".png", ".pdf"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    pictures = first[1].read_bytes().count(b"/Subtype /Image")
    assert pictures == 3 + 1, "three matrices and a colour bar"
    (gif,) = draw_animation(make_scene(run, data, clip, [2, 5]), tmp_path, "Head")
    with Image.open(gif) as animation:
        assert animation.n_frames == 2
    with pytest.raises(HarnessError, match="did you mean 'LWrist'"):
        draw_still(scene, tmp_path, "LWrst")


def test_what_does_not_exist_is_named(data: PreparedSet, tmp_path: Path) -> None:
    run = write_model(tmp_path, data)
    clip = find_clip(data, "S9", "test")
    with pytest.raises(HarnessError, match="has frames 0 to 8, asked for"):
        make_scene(run, data, clip, [9])
    with pytest.raises(HarnessError, match="blocks 1 to 2, not 3"):
        make_scene(run, data, clip, [1], block=2)
    with pytest.raises(HarnessError, match="did you mean 'S9/Sitting/1"):
        find_clip(data, "S9/Siting/1", "test")


def test_frames_are_named_in_lists_and_ranges() -> None:
    assert frame_numbers("3,8,20-22") == [3, 8, 20, 21, 22]
    assert frame_numbers("0-60:25") == [0, 25, 50]
    for wrong in ("", "3-", "a", "5-4", "1-5:0", "-3"):
        with pytest.raises(HarnessError, match="frames"):
            frame_numbers(wrong)


def test_usual_clips_are_those_of_the_paper_or_the_first(data: PreparedSet) -> None:
    (clip,) = usual_clips(data)
    assert clip["action"].item() == "Sitting"
    assert spread_frames(100, 3) == [24, 49, 74]
    assert spread_frames(1, 3) == [0]
