"""Losses on poses that nobody labelled: WS-GCN (Jiang and Chen, ICCAI 2024).

Terms and constants follow the public code (RoyMikeJiang/WSGCN, main_gcn.py), whose projection is
VideoPose3D's (common/camera.py, project_to_2d).
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def project(points: Tensor, intrinsics: Tensor) -> Tensor:
    """Project camera-space points through a lens with radial and tangential distortion.

    x = X / Z and y = Y / Z, held within [-1, 1]; with r2 = x^2 + y^2 and d = 1 + k1 r2 + k2 r2^2 +
    k3 r2^3 + p1 x + p2 y the image is (f_x (x d + p1 r2) + c_x, f_y (y d + p2 r2) + c_y).

    Args:
        points: (batch, joints, 3) metres, z forward.
        intrinsics: (batch, 9) f_x, f_y, c_x, c_y, k1, k2, k3, p1, p2 of each point's camera.

    Returns:
        (batch, joints, 2) in the units of f and c.
    """
    focal, centre, radial, tangential = intrinsics.unsqueeze(1).split([2, 2, 3, 2], dim=-1)
    xy = (points[..., :2] / points[..., 2:]).clamp(-1.0, 1.0)
    r2 = xy.square().sum(dim=-1, keepdim=True)
    powers = torch.cat([r2, r2.square(), r2**3], dim=-1)
    distortion = 1 + ((radial * powers).sum(-1) + (tangential * xy).sum(-1)).unsqueeze(-1)
    return focal * (xy * distortion + tangential * r2) + centre


def reprojection_loss(poses: Tensor, root: Tensor, seen: Tensor, intrinsics: Tensor) -> Tensor:
    """Mean squared difference between what the camera saw and the projected prediction.

    Args:
        poses: (batch, joints, 3) predicted, root-relative, metres.
        root: (batch, 3) where the root is in camera space, metres.
        seen: (batch, joints, 2) keypoints in the units of `intrinsics`.
        intrinsics: see `project`.
    """
    return (project(poses + root.unsqueeze(1), intrinsics) - seen).square().mean()


def bone_length_loss(
    labelled: Tensor, unlabelled: Tensor, bones: Sequence[tuple[int, int]]
) -> Tensor:
    """Mean over bones of the absolute difference of their mean lengths in two sets of poses.

    Both sets are predictions: the penalty holds the bones of people without labels near those that
    the labels teach, and sends gradients into both.

    Args:
        labelled: (poses, joints, 3) predicted for labelled people.
        unlabelled: (other poses, joints, 3) predicted for the others.
        bones: index pairs of the joints that a bone connects.
    """
    difference = _mean_lengths(labelled, bones) - _mean_lengths(unlabelled, bones)
    return difference.abs().mean()


def _mean_lengths(poses: Tensor, bones: Sequence[tuple[int, int]]) -> Tensor:
    parents, children = (list(side) for side in zip(*bones, strict=True))
    return (poses[:, children] - poses[:, parents]).norm(dim=-1).mean(dim=0)
