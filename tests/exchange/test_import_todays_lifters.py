"""Public checkpoints of the latest lifters give what their equations give, or are refused."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import literal_lifters as literal
import numpy as np
import pytest
import torch
from torch import Tensor

from harness.exchange.checkpoint_import.into_run import import_checkpoint
from harness.foundation.errors import HarnessError
from harness.lifting.checkpoint import CHECKPOINT, load_checkpoint, read_contract
from harness.lifting.contract import Lifter, LifterInput

BESIDE = {"epoch": 7, "lr": 1e-4, "optimizer": {"state": {}, "param_groups": []}}
SHAPES = {
    "mixste": lambda: literal.mixste_shapes(4, 16, 1),
    "motionagformer": lambda: literal.motionagformer_shapes(5, 16, 1),
    "motionbert": lambda: literal.motionbert_shapes(16, 4, 1),
    "poseformerv2": lambda: literal.poseformerv2_shapes(1, 3, 1),
    "d3dp": lambda: literal.d3dp_shapes(3, 16, 1),
}
TOLD: dict[str, dict[str, Any]] = {
    "mixste": {},
    "motionagformer": {"neighbours": 2},
    "motionbert": {"frames": 6},
    "poseformerv2": {"frames": 9},
    "d3dp": {"scale": 1.0, "hypotheses": 2, "steps": 2},
}


def weights_of(model: str) -> literal.Weights:
    """Random weights as the file holds them: float32, the schedule of D3DP in float64."""
    weights = literal.random_weights(SHAPES[model]())
    return {name: w.float() if w.is_floating_point() else w for name, w in weights.items()}


def released(folder: Path, model: str, weights: literal.Weights, name: str = "best.bin") -> Path:
    """Write a file as the model's public code does under DataParallel."""
    schedule = literal.d3dp_schedule() if model == "d3dp" else {}
    stored = {f"module.{name}": w for name, w in (weights | schedule).items()}
    if model == "motionagformer":
        beside = {"model": stored, "min_mpjpe": np.float64(38.4), "wandb_id": None}
    elif model == "motionbert":
        beside = {"model_pos": stored, "min_loss": np.float64(39.2)}
    else:
        beside = {"model_pos": stored, "random_state": np.random.RandomState(1)}
    torch.save(BESIDE | beside, folder / name)
    return folder / name


def imported(folder: Path, path: Path, model: str, **told: Any) -> Lifter:
    import_checkpoint([path], model, folder / "runs" / "it", told=TOLD[model] | told)
    return load_checkpoint(folder / "runs" / "it" / CHECKPOINT)[0].double()


def expected(model: str, weights: literal.Weights, lifter: Lifter, x: Tensor) -> Tensor:
    """Return what the equations give for one window of x, y and confidence."""
    w = {name: value.double() for name, value in weights.items()}
    if model == "mixste":
        return literal.mixste(w, x[..., :2], 1)
    if model == "poseformerv2":
        return literal.poseformerv2(w, x[..., :2], 1)[None]
    if model == "d3dp":
        noise = [list(step[0].double()) for step in lifter.noise]
        poses = literal.d3dp_samples(w, x[..., :2], noise, 1, mirrored=False)[-1]
    elif model == "motionbert":
        poses = literal.motionbert(w, x, 1)
    else:
        poses = literal.motionagformer(w, x, 1)
    poses[..., 0, :] = 0
    return poses


@pytest.mark.parametrize("model", SHAPES)
def test_predicts_as_its_equations(model: str, tmp_path: Path) -> None:
    weights = weights_of(model)
    lifter = imported(tmp_path, released(tmp_path, model, weights), model)
    frames = lifter.frames
    poses = torch.randn(
        2, frames, 17, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64
    )
    with torch.no_grad():
        found = lifter(LifterInput(poses[..., :2], torch.ones(2, 9), None, poses[..., 2]))
        wanted = torch.stack([expected(model, weights, lifter, pose) for pose in poses])
    assert wanted.abs().max() > 0.1
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)


def test_contracts_say_what_predictions_are(tmp_path: Path) -> None:
    for model, space, hypotheses in (
        ("motionbert", "image25d", 1),
        ("motionagformer", "image25d", 1),
        ("mixste", "camera", 1),
        ("d3dp", "camera", 2),
    ):
        folder = tmp_path / model
        folder.mkdir()
        imported(folder, released(folder, model, weights_of(model)), model)
        contract = read_contract(folder / "runs" / "it" / CHECKPOINT)
        assert (contract.space, contract.hypotheses) == (space, hypotheses)
        assert contract.uses_confidence == (space == "image25d")
        assert contract.origin is not None
        assert contract.origin.unit == ("metres" if space == "camera" else "normalised screen")


def test_d3dp_mirrors_inside_its_sampler(tmp_path: Path) -> None:
    weights = weights_of("d3dp")
    lifter = imported(tmp_path, released(tmp_path, "d3dp", weights), "d3dp")
    pose = torch.randn(3, 17, 2, dtype=torch.float64)
    w = {name: value.double() for name, value in weights.items()}
    noise = [list(step[0].double()) for step in lifter.noise]
    with torch.no_grad():
        found = lifter.forward_mirrored(LifterInput(pose[None], torch.ones(1, 9)))[0]
        wanted = literal.d3dp_samples(w, pose, noise, 1, mirrored=True)[-1]
    wanted[..., 0, :] = 0
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)


def _without(weights: literal.Weights, name: str) -> literal.Weights:
    return {key: value for key, value in weights.items() if key != name}


@pytest.mark.parametrize(
    ("stored", "model", "change", "told", "message"),
    [
        ("d3dp", "mixste", dict, {}, r"a checkpoint of d3dp; import it with --model d3dp"),
        ("mixste", "d3dp", dict, {}, r"a checkpoint of mixste; import it with --model mixste"),
        ("mixste", "motionbert", dict, {}, r"lacks weight 'temp_embed'.*not a checkpoint"),
        ("mixste", "mixste", dict, {"frames": 27}, r"its weights are of frames 4, not 27"),
        (
            "mixste",
            "mixste",
            lambda w: _without(w, "TTEblocks.0.attn.qkv.weight"),
            {},
            r"lacks weight 'TTEblocks.0.attn.qkv.weight'; it is not a whole checkpoint",
        ),
        (
            "mixste",
            "mixste",
            lambda w: w | {"head.1.weight": torch.zeros(3, 24)},
            {},
            r"weight 'head.1.weight' has shape \(3, 24\), which is not that of",
        ),
        ("d3dp", "d3dp", dict, {"steps": 1001}, r"steps.*1000"),
        ("d3dp", "d3dp", dict, {"hypotheses": 0}, r"hypotheses"),
        ("poseformerv2", "poseformerv2", dict, {"frames": 8}, r"frames 8 is even"),
    ],
)
def test_what_does_not_fit_is_refused(
    stored: str,
    model: str,
    change: Callable[[literal.Weights], literal.Weights],
    told: dict[str, Any],
    message: str,
    tmp_path: Path,
) -> None:
    path = released(tmp_path, stored, change(weights_of(stored)))
    with pytest.raises(HarnessError, match=message) as caught:
        imported(tmp_path, path, model, **told)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("model", "option"),
    [("poseformerv2", "frames"), ("motionagformer", "neighbours"), ("d3dp", "scale")],
)
def test_what_shapes_cannot_tell_is_asked_for(model: str, option: str, tmp_path: Path) -> None:
    path = released(tmp_path, model, weights_of(model))
    with pytest.raises(HarnessError, match=f"do not tell {option} .*add --{option}"):
        import_checkpoint([path], model, tmp_path / "runs" / "it")


def test_a_schedule_that_is_not_d3dps_is_refused(tmp_path: Path) -> None:
    weights = weights_of("d3dp")
    shares = literal.d3dp_schedule()["alphas_cumprod"]
    for changed, message in (
        (shares.float(), "stored as float32, expected float64"),
        (shares * (1 + 1e-6), "differs from the cosine schedule"),
        (shares[:500], "has 500 steps"),
    ):
        path = released(tmp_path, "d3dp", weights)
        content = torch.load(path, weights_only=False)
        content["model_pos"]["module.alphas_cumprod"] = changed
        torch.save(content, path)
        with pytest.raises(HarnessError, match=message):
            imported(tmp_path, path, "d3dp")


def test_releases_for_other_joints_are_refused(tmp_path: Path) -> None:
    for model, name, joints in (
        ("motionagformer", "motionagformer-b-mpi.pth.tr", "MPI-INF-3DHP"),
        ("d3dp", "3dhp_best_epoch.bin", "MPI-INF-3DHP"),
        ("d3dp", "in_the_wild_best_epoch.bin", "COCO"),
    ):
        path = released(tmp_path, model, weights_of(model), name)
        with pytest.raises(HarnessError, match=f"its name says that it is for {joints}"):
            imported(tmp_path, path, model)


def python2_file(path: Path, weights: literal.Weights) -> None:
    """Write a file as Python 2 did: names as bytes, addresses beyond 32 bits as decimal text."""
    address = 140_234_567_890_123
    stored = {"model_pos": weights, "optimizer": {"state": {address: {"step": 3}}}}
    torch.save(stored, path, _use_new_zipfile_serialization=False)
    coded = pickle.encode_long(address)
    binary = pickle.LONG1 + bytes([len(coded)]) + coded
    content = path.read_bytes()
    assert content.count(binary) == 1
    path.write_bytes(content.replace(binary, b"I%d\n" % address))


def test_files_of_python_2_are_read(tmp_path: Path) -> None:
    weights = weights_of("mixste")
    python2_file(tmp_path / "old.bin", weights)
    lifter = imported(tmp_path, tmp_path / "old.bin", "mixste")
    torch.testing.assert_close(
        lifter.state_dict()["network.head.1.weight"], weights["head.1.weight"].double()
    )
