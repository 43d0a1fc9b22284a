"""The grouped non-local block against its equation, pair by pair in float64."""

import torch
from torch import Tensor

from baselines.nonlocal_block import GroupedNonLocalBlock, Groups
from dgnet.nonlocal_block import NonLocalBlock

JOINTS, CHANNELS = 5, 6
GROUPS = ((3, 1), (0, 2, 4))


def randomised(block: NonLocalBlock) -> NonLocalBlock:
    torch.manual_seed(0)
    block = block.double().eval()
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter)
    block.norm.running_mean = torch.randn(CHANNELS, dtype=torch.float64)
    block.norm.running_var = torch.rand(CHANNELS, dtype=torch.float64) + 0.5
    return block


def literal(block: GroupedNonLocalBlock, pose: Tensor, groups: Groups) -> Tensor:
    """z_i = x_i + BN(W (1/M sum_m relu(w . [theta x_i, phi_m]) g_m)); phi, g are group maxima."""

    def pooled(linear: torch.nn.Linear) -> list[Tensor]:
        return [
            torch.stack([linear(pose[joint]) for joint in group]).max(dim=0).values
            for group in groups
        ]

    rows = []
    for i in range(JOINTS):
        message = torch.zeros(CHANNELS // 2, dtype=torch.float64)
        for phi, g in zip(pooled(block.phi), pooled(block.g), strict=True):
            pair = torch.cat([block.theta(pose[i]), phi])
            message = message + torch.relu(block.pair.weight[0] @ pair) * g / len(groups)
        norm = block.norm
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        rows.append(pose[i] + (block.out(message) - norm.running_mean) * scale + norm.bias)
    return torch.stack(rows)


def test_equals_the_equation_in_value_and_gradient() -> None:
    block = randomised(GroupedNonLocalBlock(CHANNELS, GROUPS))
    poses = torch.randn(3, JOINTS, CHANNELS, dtype=torch.float64, requires_grad=True)
    expected = torch.stack([literal(block, pose, GROUPS) for pose in poses])
    actual = block(poses)
    torch.testing.assert_close(actual, expected)
    wanted = (poses, *block.parameters())
    direction = torch.randn_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad((actual * direction).sum(), wanted),
        torch.autograd.grad((expected * direction).sum(), wanted),
    )


def test_groups_of_one_joint_are_no_groups() -> None:
    grouped = randomised(GroupedNonLocalBlock(CHANNELS, [[joint] for joint in range(JOINTS)]))
    plain = randomised(NonLocalBlock(CHANNELS))
    poses = torch.randn(2, 3, JOINTS, CHANNELS, dtype=torch.float64)
    torch.testing.assert_close(grouped(poses), plain(poses))


def test_joints_may_be_relabelled() -> None:
    order = [3, 0, 4, 2, 1]
    new_name = {old: new for new, old in enumerate(order)}
    renamed = [[new_name[joint] for joint in group] for group in GROUPS]
    block = randomised(GroupedNonLocalBlock(CHANNELS, GROUPS))
    relabelled = randomised(GroupedNonLocalBlock(CHANNELS, renamed))
    poses = torch.randn(2, JOINTS, CHANNELS, dtype=torch.float64)
    torch.testing.assert_close(relabelled(poses[:, order]), block(poses)[:, order])


def test_starts_as_the_identity() -> None:
    poses = torch.randn(4, JOINTS, CHANNELS)
    torch.testing.assert_close(GroupedNonLocalBlock(CHANNELS, GROUPS)(poses), poses)
