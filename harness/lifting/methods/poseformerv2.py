"""PoseFormerV2: few frames and low frequencies of many, for the middle frame."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor

from baselines.pose_losses import mean_distance
from baselines.poseformerv2 import PoseFormerV2
from harness.body.skeleton import Skeleton
from harness.lifting.contract import Batch, Lifter, LifterInput, Method
from harness.lifting.recipe import Recipe


class PoseFormerV2Settings(BaseModel):
    """Parameters of the network; see `baselines.poseformerv2.PoseFormerV2`. Heads are always 8.

    Published with frames/kept_frames/kept_coefficients of 27/1/3, 27/3/3, 81/1/3, 81/3/3, 81/9/9
    and 243/27/27.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: int = Field(default=243, ge=1)
    kept_frames: int = Field(default=27, ge=1)
    kept_coefficients: int = Field(default=27, ge=1)
    joint_channels: int = Field(default=32, ge=8, multiple_of=8)
    depth: int = Field(default=4, ge=1)
    ratio: int = Field(default=2, ge=1)
    drop_path: float = Field(default=0.1, ge=0, lt=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name in ("frames", "kept_frames"):
            if getattr(self, name) % 2 == 0:
                raise ValueError(f"{name} {getattr(self, name)} is even; the middle must be one")
        for name in ("kept_frames", "kept_coefficients"):
            if getattr(self, name) > self.frames:
                raise ValueError(f"{name} {getattr(self, name)} is more than frames, {self.frames}")
        return self


class PoseFormerV2Lifter(Lifter):
    """The network under the lifter contract.

    Args:
        settings: the network's parameters.
        skeleton: joints it takes and predicts.
        layout: joints of the 2D source, which must have these.

    Raises:
        HarnessError: the 2D layout lacks a joint.
    """

    predicts = "middle"

    def __init__(
        self, settings: PoseFormerV2Settings, skeleton: Skeleton, layout: Skeleton
    ) -> None:
        super().__init__()
        skeleton.columns_in(layout)
        self.frames = settings.frames
        self.skeleton = skeleton
        self.layout = skeleton
        self.network = PoseFormerV2(joints=len(skeleton), **settings.model_dump())

    def forward(self, inputs: LifterInput) -> Tensor:
        """Return (batch, 1, joints, 3) root-relative metres; the root is as predicted."""
        return self.network(inputs.keypoints)

    def loss(self, batch: Batch) -> Tensor:
        """Return the mean distance of joints, in metres."""
        return mean_distance(self(batch.inputs), batch.target)


METHOD = Method(
    name="poseformerv2",
    title="PoseFormerV2",
    reference=(
        "Zhao et al., PoseFormerV2: Exploring Frequency Domain for Efficient and Robust 3D Human "
        "Pose Estimation, CVPR 2023"
    ),
    settings=PoseFormerV2Settings,
    build=PoseFormerV2Lifter,
    recipe=Recipe(
        epochs=200,
        batch_size=1024,
        learning_rate=1e-4,
        optimizer="adamw",
        weight_decay=0.1,
        schedule="exponential_by_epoch",
        decay=0.99,
        mirror_images="all",
        last_batch="kept",
    ),
    differences=("the best epoch is chosen on validation subjects, there on the test subjects",),
    licence="MIT (QitaoZhao/PoseFormerV2)",
    published={
        "MPJPE, Human3.6M, CPN, 27/1/3": 48.7,
        "MPJPE, Human3.6M, CPN, 27/3/3": 47.9,
        "MPJPE, Human3.6M, CPN, 81/1/3": 47.6,
        "MPJPE, Human3.6M, CPN, 81/3/3": 47.1,
        "MPJPE, Human3.6M, CPN, 81/9/9": 46.0,
        "MPJPE, Human3.6M, CPN, 243/27/27": 45.2,
    },
)
