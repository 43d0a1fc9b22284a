"""What MotionBERT and MotionAGFormer share: input with confidence, target, loss."""

from torch import Tensor, nn

from baselines.pose_losses import motionbert_loss
from harness.body.skeleton import Skeleton
from harness.lifting.contract import Batch, LifterInput, Space
from harness.lifting.methods.joint_tokens import (
    JointTokenLifter,
    image_pose,
    with_confidence,
    without_root,
)

DIFFERENCES = (
    "predicts metres in camera space, as all methods here; the published target, x and y of the "
    "image and depth in its units, is space: image25d, and is scored with the true factor of each "
    "frame",
    "the best epoch is chosen on validation subjects, there on the test subjects",
    "every frame of a clip is predicted; the public code drops what is left over at its end",
)
"""What holds for both."""


class ConfidenceLifter(JointTokenLifter):
    """A network that maps x, y and confidence of every joint to a pose, trained as MotionBERT.

    Args:
        network: maps (batch, frames, joints, 3) to the same shape.
        frames: length of the window.
        space: what is predicted and learnt.
        skeleton: joints it takes and predicts.
        layout: joints of the 2D source, which must have these.
    """

    uses_confidence = True

    def __init__(
        self,
        network: nn.Module,
        frames: int,
        space: Space,
        skeleton: Skeleton,
        layout: Skeleton,
    ) -> None:
        super().__init__(frames, skeleton, layout)
        self.space = space
        self.network = network

    def forward(self, inputs: LifterInput) -> Tensor:
        """Return (batch, frames, joints, 3), the root at zero, in the lifter's `space`."""
        return without_root(self.network(with_confidence(inputs)), self.skeleton.root)

    def loss(self, batch: Batch) -> Tensor:
        """Return MotionBERT's loss; the root of what the network puts out learns zero."""
        target = batch.target
        if self.space == "image25d":
            target = image_pose(batch, self.skeleton.root)
        return motionbert_loss(self.network(with_confidence(batch.inputs)), target)
