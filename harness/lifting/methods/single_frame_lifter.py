"""What methods that lift one frame at a time share: adapter, choice of joints, recipe."""

from typing import Literal

import torch
from torch import Tensor, nn

from harness.body.skeleton import H36M_16, H36M_17, Skeleton
from harness.lifting.contract import Batch, Lifter, LifterInput
from harness.lifting.recipe import Recipe

Joints = Literal[16, 17]
"""A choice of Human3.6M's joints: 16 as in SemGCN's public code (no Neck/Nose), or all 17."""


def skeleton_for(joints: Joints | None, skeleton: Skeleton) -> Skeleton:
    """Return the skeleton a method predicts: the data set's own, or the 16 or 17 asked for.

    Raises:
        HarnessError: the data set lacks one of the joints asked for.
    """
    if joints is None:
        return skeleton
    chosen = H36M_16 if joints == 16 else H36M_17
    chosen.columns_in(skeleton)
    return chosen


def semgcn_code_recipe(epochs: int) -> Recipe:
    """Return the recipe of SemGCN's public code (main_gcn.py, main_linear.py)."""
    return Recipe(
        epochs=epochs,
        batch_size=64,
        learning_rate=1e-3,
        schedule="exponential_by_step",
        decay=0.96,
        decay_steps=100_000,
        gradient_clip_norm=1.0,
        flip_augmentation=False,
    )


class SingleFrameLifter(Lifter):
    """A network of single poses under the lifter contract, trained with MSE on metres.

    Args:
        network: maps (batch, layout joints, 2) to (batch, joints, 3); without the root's joint
            where `predicts_root` is false.
        skeleton: joints predicted.
        layout: joints of the 2D pose.
        predicts_root: whether the network predicts the root too; otherwise it is zero, and the
            loss is the mean over the other joints.
    """

    frames = 1

    def __init__(
        self, network: nn.Module, skeleton: Skeleton, layout: Skeleton, *, predicts_root: bool
    ) -> None:
        super().__init__()
        self.network = network
        self.skeleton = skeleton
        self.layout = layout
        self.predicts_root = predicts_root

    def forward(self, inputs: LifterInput) -> Tensor:
        """Return (batch, 1, joints, 3) root-relative camera-space metres."""
        poses = self.network(inputs.keypoints[:, 0])
        if not self.predicts_root:
            before, after = poses.tensor_split([self.skeleton.root], dim=1)
            poses = torch.cat([before, torch.zeros_like(poses[:, :1]), after], dim=1)
        return poses.unsqueeze(1)

    def loss(self, batch: Batch) -> Tensor:
        """Return the mean squared difference over all predicted coordinates, in square metres."""
        difference = self(batch.inputs) - batch.target
        joints = len(self.skeleton) - (not self.predicts_root)
        return difference.square().sum(dim=(-1, -2)).mean() / (3 * joints)
