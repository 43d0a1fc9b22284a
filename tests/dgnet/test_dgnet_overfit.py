"""Each of the three networks can fit 64 windows, and begins to at once."""

import math

import pytest
import torch

from dgnet import BodyGraph, DGNet, DGNetConfig, total_loss

PARENTS = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)
GRAPH = BodyGraph(17, [(parent, child) for child, parent in enumerate(PARENTS) if parent >= 0])
LEG = [[0.0, 0.45, 0.05], [0.0, 0.45, 0.05]]
ARM = [[0.05, 0.25, 0.05], [0.0, 0.25, -0.1]]
SPINE = [[0.0, -0.25, 0.0], [0.0, -0.25, 0.0], [0.0, -0.1, -0.08], [0.0, -0.1, 0.08]]
HIPS = [[-0.13, 0.0, 0.0], *LEG, [0.13, 0.0, 0.0], *LEG]
SHOULDERS = [[0.15, 0.05, 0.0], *ARM, [-0.15, 0.05, 0.0], *ARM]
BONES = torch.tensor([[0.0, 0.0, 0.0], *HIPS, *SPINE, *SHOULDERS])
FIXED = ("FSG", "FSG")


def windows(count, frames):
    """Return 2D and 3D, (count, frames, 17, ...), of a body whose bones sway once to and fro."""
    sway = 0.05 * torch.randn(2, 17, 3, generator=torch.Generator().manual_seed(1))
    phase = (torch.arange(count).view(-1, 1) + torch.arange(frames)) * 2 * math.pi / count
    latent = torch.stack([phase.sin(), phase.cos()], dim=-1)
    bones = BONES + torch.einsum("btk,kjc->btjc", latent, sway)
    joints = [torch.zeros(count, frames, 3)]
    for child, parent in enumerate(PARENTS[1:], start=1):
        joints.append(joints[parent] + bones[:, :, child])
    pose = torch.stack(joints, dim=2)
    seen = pose + torch.tensor([0.0, 0.0, 4.0])
    return 2 * seen[..., :2] / seen[..., 2:], pose


def test_a_few_steps_halve_the_error():
    keypoints, pose = windows(16, 2)
    torch.manual_seed(0)
    network = DGNet(DGNetConfig(channels=16, blocks=1, frames=2), GRAPH)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    errors = []
    for _ in range(25):
        levels = network.levels(keypoints)
        errors.append((levels.network - pose).norm(dim=-1).mean().item())
        optimizer.zero_grad()
        total_loss(levels, pose).backward()
        optimizer.step()
    assert errors[-1] < errors[0] / 2


@pytest.mark.parametrize(
    ("spatial_unit", "temporal_unit"),
    [
        pytest.param(("FSG", "DSG"), ("FTG", "DTG", "FTG"), id="dgnet", marks=pytest.mark.slow),
        pytest.param(FIXED, ("FTG", "FTG", "FTG"), id="fsg_ftg", marks=pytest.mark.slow),
        pytest.param(FIXED, (), id="fsg", marks=pytest.mark.slow),
    ],
)
def test_overfits_64_windows(spatial_unit, temporal_unit):
    keypoints, pose = windows(64, 2)
    spread = (pose - pose.mean(dim=(0, 1))).norm(dim=-1).mean()
    assert spread > 0.1, "predicting the mean pose must not be enough"
    torch.manual_seed(0)
    network = DGNet(
        DGNetConfig(
            channels=32, blocks=1, frames=2, spatial_unit=spatial_unit, temporal_unit=temporal_unit
        ),
        GRAPH,
    )
    steps = 300
    optimizer = torch.optim.Adam(network.parameters(), 1e-2, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        loss = total_loss(network.levels(keypoints), pose)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        error = (network.eval()(keypoints) - pose).norm(dim=-1).mean()
    assert error < 0.010, f"MPJPE {1000 * error:.1f} mm"
