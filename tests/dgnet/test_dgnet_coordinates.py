"""Balanced coordinates and the multi-level loss."""

import torch

from dgnet import Levels, balanced, total_loss

INTRINSICS = torch.tensor([[2.0, 2.1, 0.1, -0.2, 0, 0, 0, 0, 0]])


def test_the_true_pose_is_a_fixed_point():
    generator = torch.Generator().manual_seed(0)
    absolute = torch.randn(1, 4, 7, 3, generator=generator) + torch.tensor([0.3, 0.2, 5.0])
    keypoints = absolute[..., :2] / absolute[..., 2:] * INTRINSICS[0, :2] + INTRINSICS[0, 2:4]
    root = absolute[:, :, 2:3]
    pose = absolute - root
    result = balanced(pose, keypoints, INTRINSICS, root[:, :, 0, 2], root=2)
    torch.testing.assert_close(result, pose, rtol=1e-4, atol=1e-5)


def test_x_and_y_move_half_way_to_the_ray_and_depth_stays():
    prediction = torch.zeros(1, 1, 2, 3)
    keypoints = torch.tensor([[[[0.1, -0.2], [1.1, 0.85]]]])
    result = balanced(prediction, keypoints, INTRINSICS, torch.tensor([[4.0]]), root=0)
    expected = torch.tensor([[[[0.0, 0.0, 0.0], [1.0, 1.0, 0.0]]]])
    torch.testing.assert_close(result, expected)


def test_loss_is_equation_17():
    generator = torch.Generator().manual_seed(0)
    target, network, block = torch.randn(3, 2, 4, 7, 3, generator=generator)
    literal = 0.0
    for prediction, weight in ((network, 1.0), (block, 0.1), (target, 0.1)):
        for b in range(2):
            for t in range(4):
                for i in range(7):
                    error = prediction[b, t, i] - target[b, t, i]
                    literal += weight * float((error**2).sum()) / 2
    loss = total_loss(Levels(network, (block, target)), target, 0.1)
    torch.testing.assert_close(loss.item(), literal, rtol=1e-5, atol=0)
