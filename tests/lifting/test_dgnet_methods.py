"""DG-Net and its all-fixed counterparts under the lifter contract."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from dgnet import DGNetConfig
from harness.body.skeleton import H36M_16, H36M_17, Skeleton
from harness.foundation.errors import HarnessError
from harness.lifting.contract import Batch, Lifter, LifterInput, Method
from harness.lifting.methods import dgnet, fsg, fsg_ftg

METHODS = [dgnet.METHOD, fsg.METHOD, fsg_ftg.METHOD]
SMALL = {"channels": 8, "blocks": 1}


def built(
    method: Method, network: Mapping[str, Any] = SMALL, skeleton: Skeleton = H36M_17
) -> Lifter:
    torch.manual_seed(0)
    return method.build(method.settings.model_validate(network), skeleton, skeleton)


def random_batch(lifter: Lifter, size: int = 3) -> Batch:
    generator = torch.Generator().manual_seed(0)
    joints = len(lifter.skeleton)
    target = torch.randn(size, lifter.frames, joints, 3, generator=generator) * 0.3
    target = target - target[:, :, [lifter.skeleton.root]]
    root = torch.tensor([0.2, 0.1, 4.0]).expand(size, lifter.frames, 3)
    seen = target + root.unsqueeze(2)
    intrinsics = torch.tensor([2.3, 2.3, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]).expand(size, 9)
    depth = root[..., 2] if lifter.uses_root_depth else None
    return Batch(LifterInput(2.3 * seen[..., :2] / seen[..., 2:], intrinsics, depth), target, root)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
@pytest.mark.parametrize("skeleton", [H36M_17, H36M_16], ids=lambda skeleton: skeleton.name)
@pytest.mark.parametrize("frames", [1, 4])
def test_lifts_all_frames_of_its_windows(method: Method, skeleton: Skeleton, frames: int) -> None:
    lifter = built(method, {**SMALL, "frames": frames}, skeleton).eval()
    assert (lifter.frames, lifter.predicts) == (frames, "all")
    assert (lifter.skeleton, lifter.layout) == (skeleton, skeleton)
    assert not lifter.uses_root_depth
    batch = random_batch(lifter)
    assert lifter(batch.inputs).shape == batch.target.shape


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_training_lowers_its_loss(method: Method) -> None:
    lifter = built(method)
    batch = random_batch(lifter)
    optimizer = torch.optim.Adam(lifter.parameters(), 1e-2)
    losses = []
    for _ in range(20):
        loss = lifter.loss(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


def test_the_loss_is_the_networks_and_a_tenth_of_each_blocks() -> None:
    lifter = built(dgnet.METHOD, {**SMALL, "blocks": 2}).eval()
    batch = random_batch(lifter)
    levels = lifter.network.levels(batch.inputs.keypoints)

    def squared(prediction: torch.Tensor) -> torch.Tensor:
        return (prediction - batch.target).square().sum() / len(prediction)

    expected = squared(levels.network) + 0.1 * sum(squared(block) for block in levels.blocks)
    torch.testing.assert_close(lifter.loss(batch), expected)
    plain = built(dgnet.METHOD, {**SMALL, "blocks": 2, "block_loss_weight": 0.0}).eval()
    torch.testing.assert_close(plain.loss(batch), squared(levels.network))


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_balanced_coordinates_ask_for_the_depth_of_the_root(method: Method) -> None:
    lifter = built(method, {**SMALL, "balanced_coordinates": True}).eval()
    assert lifter.uses_root_depth
    batch = random_batch(lifter)
    plain = built(method).eval()(batch.inputs)
    prediction = lifter(batch.inputs)
    torch.testing.assert_close(prediction[..., 2], plain[..., 2])
    half_way = (prediction - batch.target)[..., :2].norm(dim=-1).mean()
    assert half_way < 0.8 * (plain - batch.target)[..., :2].norm(dim=-1).mean()
    without = LifterInput(batch.inputs.keypoints, batch.inputs.intrinsics)
    with pytest.raises(ValueError, match="depth of the root"):
        lifter(without)


def test_the_all_fixed_methods_have_no_dynamical_layer() -> None:
    for method in (fsg.METHOD, fsg_ftg.METHOD):
        lifter = built(method)
        batch = random_batch(lifter)
        assert not lifter.network.affinities(batch.inputs.keypoints)
    assert built(dgnet.METHOD).network.affinities(
        random_batch(built(dgnet.METHOD)).inputs.keypoints
    )


def test_full_networks_have_the_counts_they_are_known_by() -> None:
    counts = {
        method.name: sum(p.numel() for p in built(method, {}).parameters()) for method in METHODS
    }
    # fsg_ftg: FSG for DSG (+ 32,352) and FTG for DTG (- 1,028) in each of five blocks.
    assert counts["dgnet"] == 2_669_147
    assert counts["fsg_ftg"] == 2_669_147 + 5 * (32_352 - 1_028)
    # fsg: without three FTG modules of 99,072 and one non-local block of 33,472 in each.
    assert counts["fsg"] == counts["fsg_ftg"] - 5 * (3 * 99_072 + 33_472)


def test_settings_offer_every_switch_of_the_network() -> None:
    switches = {field.name: field.default for field in dataclasses.fields(DGNetConfig)}
    offered = dgnet.METHOD.settings()
    assert {name: getattr(offered, name) for name in switches} == switches
    own = set(type(offered).model_fields) - set(switches)
    assert own == {"block_loss_weight", "balanced_coordinates"}


@pytest.mark.parametrize(
    "network",
    [
        {"chanels": 64},
        {"channels": 0},
        {"spatial_unit": ["FTG"]},
        {"connection": "dense"},
        {"spatial_unit": [], "temporal_unit": []},
        {"initial_scale": 0},
    ],
)
def test_impossible_settings_are_refused(network: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        dgnet.METHOD.settings.model_validate(network)


def test_units_come_as_lists_from_a_parameter_file() -> None:
    settings = dgnet.METHOD.settings.model_validate({"temporal_unit": ["FTG", "DTG"]})
    assert settings.config().temporal_unit == ("FTG", "DTG")


def test_a_layout_without_a_joint_of_the_skeleton_is_refused() -> None:
    with pytest.raises(HarnessError, match="lacks Neck/Nose"):
        dgnet.METHOD.build(dgnet.METHOD.settings(), H36M_17, H36M_16)
