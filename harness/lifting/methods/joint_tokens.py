"""What lifters with a token for each joint and frame share: adapter, input, conversions."""

import torch
from torch import Tensor

from harness.body.skeleton import Skeleton
from harness.lifting.contract import Batch, Lifter, LifterInput

FRAMES_AT_A_TIME = 4096
"""Frames predicted together: at 512 channels an activation of them takes 140 MB."""


class JointTokenLifter(Lifter):
    """A network with a token for each joint of each frame; it takes the joints it predicts.

    Args:
        frames: length of the window.
        skeleton: joints it takes and predicts.
        layout: joints of the 2D source, which must have these.

    Raises:
        HarnessError: the 2D layout lacks a joint.
    """

    def __init__(self, frames: int, skeleton: Skeleton, layout: Skeleton) -> None:
        super().__init__()
        skeleton.columns_in(layout)
        self.frames = frames
        self.skeleton = skeleton
        self.layout = skeleton
        self.windows_at_a_time = max(1, FRAMES_AT_A_TIME // frames)


def with_confidence(inputs: LifterInput) -> Tensor:
    """Return (batch, frames, joints, 3): x, y and confidence, one where it was not given."""
    sure = inputs.confidence
    sure = torch.ones_like(inputs.keypoints[..., 0]) if sure is None else sure
    return torch.cat([inputs.keypoints, sure[..., None]], dim=-1)


def without_root(poses: Tensor, root: int) -> Tensor:
    """Return (..., joints, 3) with the root at zero and all other joints where they are."""
    before, _, after = poses.tensor_split([root, root + 1], dim=-2)
    return torch.cat([before, poses[..., :1, :] * 0, after], dim=-2)


def image_pose(batch: Batch, root: int) -> Tensor:
    """Return the target in units of the normalised screen, relative to the root.

    x and y are the ideal projection of each joint minus the root's; depth is in the units that a
    length at the root's depth has on the screen (Walter0807/MotionBERT, whose labels are made by
    lcn-pose, tools/gendb.py).

    Args:
        batch: a batch of windows.
        root: index of the root.

    Returns:
        (batch, frames, joints, 3).
    """
    focal = batch.inputs.intrinsics[:, None, None, :2]
    positions = batch.target + batch.root[:, :, None]
    seen = focal * positions[..., :2] / positions[..., 2:]
    scale = focal.mean(dim=-1, keepdim=True) / batch.root[:, :, None, 2:]
    return torch.cat([seen - seen[:, :, root : root + 1], batch.target[..., 2:] * scale], dim=-1)
