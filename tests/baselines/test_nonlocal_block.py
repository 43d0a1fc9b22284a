"""The non-local block against its equation, pair by pair in float64."""

import pytest
import torch
from torch import Tensor

from baselines.nonlocal_block import Groups, NonLocalBlock

JOINTS, CHANNELS = 5, 6
GROUPS = ((3, 1), (0, 2, 4))


def random_block(groups: Groups | None) -> NonLocalBlock:
    torch.manual_seed(0)
    block = NonLocalBlock(CHANNELS, groups).double().eval()
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter)
    block.norm.running_mean = torch.randn(CHANNELS, dtype=torch.float64)
    block.norm.running_var = torch.rand(CHANNELS, dtype=torch.float64) + 0.5
    return block


def literal(block: NonLocalBlock, pose: Tensor, groups: Groups) -> Tensor:
    """z_i = x_i + BN(W (1/M sum_j relu(w . [theta x_i, phi_j]) g_j)); phi, g are group maxima."""

    def pooled(linear: torch.nn.Linear) -> list[Tensor]:
        return [
            torch.stack([linear(pose[joint]) for joint in group]).max(dim=0).values
            for group in groups
        ]

    keys, values = pooled(block.key), pooled(block.value)
    rows = []
    for i in range(JOINTS):
        message = torch.zeros(CHANNELS // 2, dtype=torch.float64)
        for key, value in zip(keys, values, strict=True):
            pair = torch.cat([block.query(pose[i]), key])
            message = message + torch.relu(block.pair_weight @ pair) * value / len(groups)
        norm = block.norm
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        rows.append(pose[i] + (block.output(message) - norm.running_mean) * scale + norm.bias)
    return torch.stack(rows)


@pytest.mark.parametrize("groups", [None, GROUPS])
def test_equals_the_equation_in_value_and_gradient(groups: Groups | None) -> None:
    block = random_block(groups)
    poses = torch.randn(3, JOINTS, CHANNELS, dtype=torch.float64, requires_grad=True)
    singles = [[joint] for joint in range(JOINTS)]
    expected = torch.stack([literal(block, pose, groups or singles) for pose in poses])
    actual = block(poses)
    torch.testing.assert_close(actual, expected)
    wanted = (poses, *block.parameters())
    direction = torch.randn_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad((actual * direction).sum(), wanted),
        torch.autograd.grad((expected * direction).sum(), wanted),
    )


@pytest.mark.parametrize("groups", [None, GROUPS])
def test_joints_may_be_relabelled(groups: Groups | None) -> None:
    order = [3, 0, 4, 2, 1]
    new_name = {old: new for new, old in enumerate(order)}
    renamed = groups and [[new_name[joint] for joint in group] for group in groups]
    block, relabelled = random_block(groups), random_block(renamed)
    poses = torch.randn(2, JOINTS, CHANNELS, dtype=torch.float64)
    torch.testing.assert_close(relabelled(poses[:, order]), block(poses)[:, order])


def test_leading_dimensions_are_independent_poses() -> None:
    block = random_block(GROUPS)
    poses = torch.randn(2, 3, JOINTS, CHANNELS, dtype=torch.float64)
    torch.testing.assert_close(block(poses)[1, 2], block(poses[1, 2].unsqueeze(0))[0])


def test_starts_as_the_identity() -> None:
    poses = torch.randn(4, JOINTS, CHANNELS)
    torch.testing.assert_close(NonLocalBlock(CHANNELS)(poses), poses)
