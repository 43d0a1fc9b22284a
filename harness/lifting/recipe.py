"""Training settings: what `training` of a model in params.yaml may say."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Recipe(BaseModel):
    """How a lifter is trained. Each method carries its published recipe as one of these.

    Attributes:
        epochs: passes over the training windows.
        batch_size: windows a step, over all devices together.
        learning_rate: initial learning rate of Adam.
        schedule: how the learning rate falls: not at all, by `decay` every epoch, or as
            decay ** (step / decay_steps).
        decay: factor of the schedule.
        decay_steps: steps to which `decay` belongs when the schedule is by step.
        amsgrad: Adam's AMSGrad variant.
        gradient_clip_norm: largest norm of the gradient, or none.
        flip_augmentation: mirror each training window with probability one half.
        window_stride: frames between the starts of neighbouring training windows.
        steps_per_epoch: end an epoch after so many steps, or none for a full pass.
        select: keep the epoch best on validation subjects, or the last.
        precision: Lightning Fabric's precision flag.
        float32_products: how exactly float32 matrices are multiplied in training steps:
            torch.set_float32_matmul_precision; validation and prediction are exact.
        compile: compile the loss with torch.compile: never, always, or where it pays; see
            `harness.training.compiling`. Weights then differ by rounding.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    schedule: Literal["constant", "exponential_by_epoch", "exponential_by_step"] = "constant"
    decay: float = Field(default=1.0, gt=0, le=1)
    decay_steps: int = Field(default=100_000, ge=1)
    amsgrad: bool = False
    gradient_clip_norm: float | None = Field(default=None, gt=0)
    flip_augmentation: bool = True
    window_stride: int = Field(default=1, ge=1)
    steps_per_epoch: int | None = Field(default=None, ge=1)
    select: Literal["best", "last"] = "best"
    precision: Literal["32-true", "bf16-mixed", "16-mixed", "64-true"] = "32-true"
    float32_products: Literal["highest", "high", "medium"] = "highest"
    compile: Literal["off", "auto", "on"] = "off"
