"""Martinez and SemGCN under the lifter contract."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from harness.body.skeleton import H36M_16, H36M_17, Skeleton
from harness.foundation.errors import HarnessError
from harness.lifting.contract import Batch, Lifter, LifterInput, Method
from harness.lifting.methods import martinez, semgcn

CASES = [
    (martinez.METHOD, {}),
    (martinez.METHOD, {"joints": 16, "predict_root": False}),
    (semgcn.METHOD, {}),
    (semgcn.METHOD, {"joints": 16}),
    (semgcn.METHOD, {"non_local": True}),
    (semgcn.METHOD, {"joints": 16, "non_local": True, "grouped": False}),
]


def built(method: Method, network: Mapping[str, Any], skeleton: Skeleton = H36M_17) -> Lifter:
    torch.manual_seed(0)
    return method.build(method.settings.model_validate(network), skeleton, skeleton)


def random_batch(lifter: Lifter, size: int) -> Batch:
    """Poses that bend in four ways, of a plausible size, four metres before a pinhole camera."""
    generator = torch.Generator().manual_seed(0)
    joints = len(lifter.skeleton)
    bends = torch.randn(4, joints, 3, generator=generator) * 0.15
    amounts = torch.randn(size, 4, generator=generator)
    rest = torch.randn(joints, 3, generator=generator) * 0.3
    target = (rest + torch.einsum("bk,kjc->bjc", amounts, bends)).unsqueeze(1)
    target = target - target[:, :, [lifter.skeleton.root]]
    root = torch.tensor([0.0, 0.0, 4.0]).expand(size, 1, 3)
    seen = target + root.unsqueeze(2)
    keypoints = seen[..., :2] / seen[..., 2:] * 2
    return Batch(LifterInput(keypoints, torch.zeros(size, 9)), target, root)


@pytest.mark.parametrize(("method", "network"), CASES)
def test_lifts_single_frames_of_its_joints(method: Method, network: dict[str, Any]) -> None:
    lifter = built(method, network).eval()
    expected = H36M_16 if network.get("joints") == 16 else H36M_17
    assert (lifter.frames, lifter.skeleton, lifter.layout) == (1, expected, expected)
    batch = random_batch(lifter, 4)
    poses = lifter(batch.inputs)
    assert poses.shape == batch.target.shape
    if network.get("predict_root") is False:
        assert not poses[:, :, lifter.skeleton.root].any()


@pytest.mark.parametrize(("method", "network"), CASES)
def test_loss_is_the_mean_squared_difference_of_what_it_predicts(
    method: Method, network: dict[str, Any]
) -> None:
    lifter = built(method, network).eval()
    batch = random_batch(lifter, 4)
    predicted = [
        joint
        for joint in range(len(lifter.skeleton))
        if joint != lifter.skeleton.root or network.get("predict_root", True)
    ]
    difference = (lifter(batch.inputs) - batch.target)[:, :, predicted]
    torch.testing.assert_close(lifter.loss(batch), difference.square().mean())


@pytest.mark.parametrize(
    ("method", "network"),
    [
        (martinez.METHOD, {"width": 64, "dropout": 0.0}),
        (martinez.METHOD, {"width": 64, "dropout": 0.0, "joints": 16, "predict_root": False}),
        pytest.param(semgcn.METHOD, {"modules": 2, "channels": 64}, marks=pytest.mark.slow),
        pytest.param(
            semgcn.METHOD,
            {"modules": 2, "channels": 64, "non_local": True},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_overfits_64_poses_to_under_10_mm(method: Method, network: dict[str, Any]) -> None:
    lifter = built(method, network)
    batch = random_batch(lifter, 64)
    # One fixed batch is a deterministic problem, where L-BFGS needs far fewer steps than Adam.
    optimiser = torch.optim.LBFGS(
        lifter.parameters(), max_iter=300, history_size=20, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = lifter.loss(batch)
        loss.backward()
        return loss

    optimiser.step(closure)
    with torch.no_grad():
        error = (lifter(batch.inputs) - batch.target).norm(dim=-1).mean()
    assert error < 0.010


@pytest.mark.parametrize(("method", "network"), CASES)
def test_weights_go_into_a_second_lifter(method: Method, network: dict[str, Any]) -> None:
    first = built(method, network)
    batch = random_batch(first, 8)
    first.loss(batch).backward()
    second = method.build(method.settings.model_validate(network), H36M_17, H36M_17)
    second.load_state_dict(first.state_dict())
    assert torch.equal(first.eval()(batch.inputs), second.eval()(batch.inputs))


@pytest.mark.parametrize("method", [martinez.METHOD, semgcn.METHOD])
@pytest.mark.parametrize("wrong", [{"non_locla": True}, {"joints": 14}, {"dropout": 1.0}])
def test_settings_refuse_what_they_do_not_know(method: Method, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        method.settings.model_validate(wrong)


def test_non_local_groups_of_16_joints_are_the_published_ones() -> None:
    assert semgcn.non_local_groups(H36M_16) == [
        *([2, 3], [5, 6], [1, 4], [0, 7], [8, 9], [14, 15], [11, 12], [10, 13])
    ]


def test_every_one_of_17_joints_is_in_one_non_local_group() -> None:
    groups = semgcn.non_local_groups(H36M_17)
    assert sorted(joint for group in groups for joint in group) == list(range(17))


def test_refuses_data_without_its_joints() -> None:
    with pytest.raises(HarnessError, match="lacks Neck/Nose"):
        built(semgcn.METHOD, {"joints": 17}, H36M_16)
    odd = Skeleton("odd", ("Hip", "Tail"), (-1, 0), (), ())
    with pytest.raises(HarnessError, match=r"Tail.*grouped: false"):
        built(semgcn.METHOD, {"non_local": True}, odd)
    with pytest.raises(HarnessError, match="lacks"):
        semgcn.METHOD.build(semgcn.SemGCNSettings(), H36M_17, H36M_16)
