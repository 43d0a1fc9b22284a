"""MixSTE: a transformer over joints and frames in turn, all frames at once."""

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from baselines.mixste import MixSTE
from baselines.pose_losses import MIXSTE_WEIGHTS, half_square, mixste_loss
from harness.body.skeleton import H36M_17, Skeleton
from harness.lifting.contract import Batch, LifterInput, Method
from harness.lifting.methods.joint_tokens import JointTokenLifter
from harness.lifting.recipe import Recipe


class MixSTESettings(BaseModel):
    """Parameters of the network; see `baselines.mixste.MixSTE`. Heads are always 8."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: int = Field(default=243, ge=1)
    channels: int = Field(default=512, ge=8, multiple_of=8)
    depth: int = Field(default=8, ge=1)
    ratio: int = Field(default=2, ge=1)
    drop_path: float = Field(default=0.1, ge=0, lt=1)


class MixSTELifter(JointTokenLifter):
    """The network under the lifter contract.

    Args:
        settings: the network's parameters.
        skeleton: joints it takes and predicts.
        layout: joints of the 2D source, which must have these.
    """

    def __init__(self, settings: MixSTESettings, skeleton: Skeleton, layout: Skeleton) -> None:
        super().__init__(settings.frames, skeleton, layout)
        self.network = MixSTE(joints=len(skeleton), **settings.model_dump())
        self.joint_weights = joint_weights(skeleton)

    def forward(self, inputs: LifterInput) -> Tensor:
        """Return (batch, frames, joints, 3) root-relative metres; the root is as predicted."""
        return self.network(inputs.keypoints)

    def loss(self, batch: Batch) -> Tensor:
        """Return half the square of MixSTE's weighted loss with its two terms in time."""
        return half_square(mixste_loss(self(batch.inputs), batch.target, self.joint_weights))


def joint_weights(skeleton: Skeleton) -> tuple[float, ...]:
    """Return the weight of each joint in the loss; joints that Human3.6M lacks weigh one."""
    published = dict(zip(H36M_17.joints, MIXSTE_WEIGHTS, strict=True))
    return tuple(published.get(joint, 1.0) for joint in skeleton.joints)


METHOD = Method(
    name="mixste",
    title="MixSTE",
    reference=(
        "Zhang et al., MixSTE: Seq2seq Mixed Spatio-Temporal Encoder for 3D Human Pose Estimation "
        "in Video, CVPR 2022"
    ),
    settings=MixSTESettings,
    build=MixSTELifter,
    recipe=Recipe(
        epochs=120,
        batch_size=4,
        learning_rate=4e-5,
        optimizer="adamw",
        weight_decay=0.1,
        schedule="exponential_by_epoch",
        decay=0.99,
        mirror_images="all",
        last_batch="kept",
        window_stride=243,
        windows="centred",
    ),
    differences=(
        "120 epochs, the public code's default; a comment in it names 256 for the published run",
        "the best epoch is chosen on validation subjects, there on the test subjects",
        "each frame counts once in scores; the public code's last window of a video is moved back "
        "to end with it, and the frames it shares with the one before count twice",
        "batch_size and window_stride are those of 243 frames; in the public code they are "
        "1024 // frames, and frames",
    ),
    licence="none stated (JinluZhang1126/MixSTE); this code is written from its equations",
    published={"MPJPE, Human3.6M, CPN, 243 frames": 40.9},
)
