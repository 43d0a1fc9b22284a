"""Losses of MixSTE and of MotionBERT's family, on poses of consecutive frames."""

from collections.abc import Sequence

import torch
from torch import Tensor

MIXSTE_WEIGHTS = (
    *(1.0, 1.0, 2.5, 2.5, 1.0, 2.5, 2.5, 1.0, 1.0, 1.0, 1.5, 1.5, 4.0, 4.0, 1.5, 4.0, 4.0),
)
"""What MixSTE's loss weighs Human3.6M's 17 joints with: limbs more than the trunk."""


def mean_distance(prediction: Tensor, target: Tensor) -> Tensor:
    """Return the mean distance of joints, over all leading axes of (..., 3)."""
    return torch.linalg.vector_norm(prediction - target, dim=-1).mean()


def velocity_distance(prediction: Tensor, target: Tensor) -> Tensor:
    """Return the mean distance of first differences in time of (batch, frames, joints, 3).

    Zero where there is a single frame.
    """
    if prediction.shape[1] == 1:
        return prediction.new_zeros(())
    return mean_distance(prediction.diff(dim=1), target.diff(dim=1))


def mixste_loss(
    prediction: Tensor, target: Tensor, weights: Sequence[float] = MIXSTE_WEIGHTS
) -> Tensor:
    """Return MixSTE's loss: weighted distances, smoothness of the prediction and velocity.

    mean w |p - g| + 0.5 mean w (D p)^2 + 2 mean |D p - D g|; the second mean is over coordinates
    too (JinluZhang1126/MixSTE, common/loss.py).

    Args:
        prediction: (batch, frames, joints, 3).
        target: of the same shape.
        weights: of the joints.
    """
    weight = prediction.new_tensor(weights)
    distances = torch.linalg.vector_norm(prediction - target, dim=-1)
    loss = (weight * distances).mean() + 2 * velocity_distance(prediction, target)
    if prediction.shape[1] > 1:
        loss = loss + 0.5 * (weight[:, None] * prediction.diff(dim=1) ** 2).mean()
    return loss


def motionbert_loss(
    prediction: Tensor, target: Tensor, *, scale_weight: float = 0.5, velocity_weight: float = 20.0
) -> Tensor:
    """Return the loss of MotionBERT and MotionAGFormer: distances, scaled distances, velocity.

    mean |p - g| + 0.5 mean |s p - g| + 20 mean |D p - D g|, where s scales each frame's
    prediction to fit best, s = <g, p> / <p, p>. Terms of limbs and angles have weight zero in every
    published configuration (Walter0807/MotionBERT, lib/model/loss.py).

    Args:
        prediction: (batch, frames, joints, 3).
        target: of the same shape.
        scale_weight: of the second term.
        velocity_weight: of the third term.
    """
    matching = (target * prediction).sum(dim=(-2, -1), keepdim=True)
    size = (prediction * prediction).sum(dim=(-2, -1), keepdim=True)
    return (
        mean_distance(prediction, target)
        + scale_weight * mean_distance(matching / size * prediction, target)
        + velocity_weight * velocity_distance(prediction, target)
    )


def half_square(loss: Tensor) -> Tensor:
    """Return L^2 / 2, whose gradient is L times that of L.

    MixSTE and D3DP begin the backward pass with the loss in place of one, so that steps of large
    loss weigh more; this is the loss that they descend.
    """
    return loss * loss / 2
