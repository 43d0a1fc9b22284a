"""Balanced coordinates (section IV-B, table XI): X and Y also from the pixel and the depth."""

import torch
from torch import Tensor


def balanced(
    prediction: Tensor, keypoints: Tensor, intrinsics: Tensor, root_depth: Tensor, root: int
) -> Tensor:
    """Average the predicted X and Y with those of the pixel's ray at the predicted depth.

    The paper's X = Z (U - c_x) / f holds for absolute Z and X. Z is the predicted root-relative
    depth plus the true depth of the root; the X and Y so found are made relative to the root's
    before the average. Lens distortion is left out, as in the paper.

    Args:
        prediction: (B, T, N, 3) root-relative, metres.
        keypoints: (B, T, N, 2) pixels or normalised screen coordinates.
        intrinsics: (B, 4 or more) f_x, f_y, c_x, c_y in the units of `keypoints`.
        root_depth: (B, T) metres.
        root: index of the root joint.

    Returns:
        (B, T, N, 3): ((X + X_ray) / 2, (Y + Y_ray) / 2, Z).
    """
    focal, centre = intrinsics[:, None, None, 0:2], intrinsics[:, None, None, 2:4]
    depth = prediction[..., 2:] + root_depth[..., None, None]
    position = depth * (keypoints - centre) / focal
    relative = position - position[..., root : root + 1, :]
    return torch.cat([(prediction[..., :2] + relative) / 2, prediction[..., 2:]], dim=-1)
