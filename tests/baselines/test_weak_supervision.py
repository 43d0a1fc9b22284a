"""The losses of WS-GCN against loops over their equations in float64."""

import math

import pytest
import torch
from torch import Tensor

from baselines.weak_supervision import bone_length_loss, project, reprojection_loss

BONES = ((0, 1), (1, 2), (0, 3))


def random_cameras(count: int) -> Tensor:
    """Return intrinsics (count, 9) whose nine numbers all matter."""
    generator = torch.Generator().manual_seed(0)
    usual = torch.tensor([2.3, 2.2, 0.02, -0.03, -0.2, 0.24, -0.1, -0.01, 0.02]).double()
    return usual * (1 + 0.3 * torch.randn(count, 9, generator=generator).double())


def random_poses(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return root-relative poses and roots so near that some joints lie beside the image."""
    generator = torch.Generator().manual_seed(seed)
    poses = torch.randn(count, 4, 3, generator=generator).double() * 0.4
    offset = torch.tensor([0.1, -0.2, 2.5]).double()
    return poses, torch.randn(count, 3, generator=generator).double() * 0.1 + offset


def projected(point: list[float], camera: list[float]) -> tuple[float, float]:
    """Follow the equations of the lens for one point in plain arithmetic."""
    fx, fy, cx, cy, k1, k2, k3, p1, p2 = camera
    x = min(max(point[0] / point[2], -1.0), 1.0)
    y = min(max(point[1] / point[2], -1.0), 1.0)
    r2 = x * x + y * y
    d = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3 + p1 * x + p2 * y
    return fx * (x * d + p1 * r2) + cx, fy * (y * d + p2 * r2) + cy


def test_projection_equals_the_equations_beyond_the_clamp_too() -> None:
    poses, root = random_poses(6, 1)
    poses[0, 1] = torch.tensor([9.0, 0.3, 0.1])
    cameras = random_cameras(6)
    points = poses + root.unsqueeze(1)
    expected = [
        [projected(joint, camera) for joint in pose]
        for pose, camera in zip(points.tolist(), cameras.tolist(), strict=True)
    ]
    torch.testing.assert_close(project(points, cameras), torch.tensor(expected).double())


@pytest.mark.parametrize("term", range(9))
def test_every_number_of_the_camera_moves_the_image(term: int) -> None:
    poses, root = random_poses(2, 1)
    cameras = random_cameras(2)
    changed = cameras.clone()
    changed[:, term] *= 1.5
    points = poses + root.unsqueeze(1)
    assert (project(points, cameras) - project(points, changed)).abs().max() > 1e-6


def test_reprojection_loss_is_the_mean_over_all_coordinates() -> None:
    poses, root = random_poses(5, 2)
    cameras = random_cameras(5)
    seen = torch.randn(5, 4, 2, generator=torch.Generator().manual_seed(3)).double()
    squares = []
    for window in range(5):
        for joint in range(4):
            point = [float(poses[window, joint, axis] + root[window, axis]) for axis in range(3)]
            image = projected(point, cameras[window].tolist())
            squares += [(image[axis] - float(seen[window, joint, axis])) ** 2 for axis in range(2)]
    expected = sum(squares) / len(squares)
    assert float(reprojection_loss(poses, root, seen, cameras)) == pytest.approx(expected)


def test_true_poses_reproject_to_what_was_seen() -> None:
    poses, root = random_poses(5, 2)
    cameras = random_cameras(5)
    seen = project(poses + root.unsqueeze(1), cameras)
    assert float(reprojection_loss(poses, root, seen, cameras)) == 0.0
    without_lens = cameras.clone()
    without_lens[:, 4:] = 0
    assert float(reprojection_loss(poses, root, seen, without_lens)) > 1e-6


def test_reprojection_loss_has_the_gradient_of_its_function() -> None:
    poses, root = random_poses(3, 4)
    cameras = random_cameras(3)
    seen = torch.zeros(3, 4, 2).double()
    assert torch.autograd.gradcheck(
        lambda moved: reprojection_loss(moved, root, seen, cameras), (poses.requires_grad_(),)
    )


def test_bone_length_loss_compares_mean_lengths_bone_by_bone() -> None:
    labelled, _ = random_poses(5, 5)
    others, _ = random_poses(3, 6)
    differences = []
    for parent, child in BONES:
        means = []
        for poses in (labelled, others):
            lengths = [math.dist(pose[parent].tolist(), pose[child].tolist()) for pose in poses]
            means.append(sum(lengths) / len(lengths))
        differences.append(abs(means[0] - means[1]))
    expected = sum(differences) / len(differences)
    assert float(bone_length_loss(labelled, others, BONES)) == pytest.approx(expected)


def test_bone_length_loss_sees_lengths_and_nothing_else() -> None:
    poses, _ = random_poses(4, 7)
    turned = poses @ torch.linalg.qr(torch.randn(3, 3).double())[0] + 3.0
    assert float(bone_length_loss(poses, turned.flip(0), BONES)) == pytest.approx(0.0, abs=1e-12)
    assert float(bone_length_loss(poses, 1.1 * poses, BONES)) > 0.01


def test_bone_length_loss_moves_both_sets() -> None:
    labelled, others = (random_poses(2, seed)[0].requires_grad_() for seed in (8, 9))
    bone_length_loss(labelled, others, BONES).backward()
    assert labelled.grad is not None
    assert others.grad is not None
    assert labelled.grad.abs().sum() > 0
    assert others.grad.abs().sum() > 0
