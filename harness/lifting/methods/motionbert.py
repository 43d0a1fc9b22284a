"""MotionBERT without its pre-training: DSTformer, and its Lite form by its settings."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from baselines.motionbert import DSTformer
from harness.body.skeleton import Skeleton
from harness.lifting.contract import Method, Space
from harness.lifting.methods.motionbert_family import DIFFERENCES, ConfidenceLifter
from harness.lifting.recipe import Recipe


class MotionBERTSettings(BaseModel):
    """Parameters of the network; see `baselines.motionbert.DSTformer`. Heads are always 8.

    Attributes:
        frames: length of the window, at most `longest`.
        channels: 512, in the Lite form 256.
        ratio: 2, in the Lite form 4.
        space: what is predicted: metres in "camera" space, or "image25d" as published.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: int = Field(default=243, ge=1)
    channels: int = Field(default=512, ge=8, multiple_of=8)
    depth: int = Field(default=5, ge=1)
    ratio: int = Field(default=2, ge=1)
    representation: int = Field(default=512, ge=1)
    longest: int = Field(default=243, ge=1)
    space: Space = "camera"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.frames > self.longest:
            raise ValueError(f"frames {self.frames} are more than the longest, {self.longest}")
        return self


def build(settings: MotionBERTSettings, skeleton: Skeleton, layout: Skeleton) -> ConfidenceLifter:
    """Return the lifter that `settings` describe.

    Raises:
        HarnessError: the 2D layout lacks a joint of the skeleton.
    """
    network = DSTformer(joints=len(skeleton), **settings.model_dump(exclude={"frames", "space"}))
    return ConfidenceLifter(network, settings.frames, settings.space, skeleton, layout)


METHOD = Method(
    name="motionbert",
    title="MotionBERT (DSTformer)",
    reference=(
        "Zhu et al., MotionBERT: A Unified Perspective on Learning Human Motion Representations, "
        "ICCV 2023"
    ),
    settings=MotionBERTSettings,
    build=build,
    recipe=Recipe(
        epochs=120,
        batch_size=32,
        learning_rate=2e-4,
        optimizer="adamw",
        weight_decay=0.01,
        schedule="exponential_by_epoch",
        decay=0.99,
        window_stride=81,
    ),
    differences=(
        *DIFFERENCES,
        "trained from scratch: pre-training on AMASS and 2D videos is left out; fine-tuning a "
        "released pre-trained network is training: start_from, 60 epochs",
        "terms of limbs and angles in the loss are left out: their weights are zero in every "
        "published configuration",
    ),
    licence="Apache-2.0 (Walter0807/MotionBERT)",
    published={
        "MPJPE, Human3.6M, its own hourglass, from scratch": 39.2,
        "MPJPE, Human3.6M, its own hourglass, fine-tuned": 37.2,
    },
)
