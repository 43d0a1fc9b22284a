"""The multi-level loss (eq. 15 to 17)."""

from torch import Tensor

from dgnet.network import Levels


def pose_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """Squared error summed over frames and joints (eq. 15, 16), mean over the windows of a batch.

    Args:
        prediction: (B, T, N, 3).
        target: (B, T, N, 3).
    """
    return (prediction - target).square().sum(dim=(1, 2, 3)).mean()


def total_loss(levels: Levels, target: Tensor, block_weight: float = 0.1) -> Tensor:
    """Loss of the network plus `block_weight` (lambda) times that of each block (eq. 17)."""
    loss = pose_loss(levels.network, target)
    for prediction in levels.blocks:
        loss = loss + block_weight * pose_loss(prediction, target)
    return loss
