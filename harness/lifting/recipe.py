"""Training settings: what `training` of a model in params.yaml may say."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

_ADDED_LATER = (
    "optimizer",
    "weight_decay",
    "mirror_images",
    "last_batch",
    "windows",
    "start_from",
)


class Recipe(BaseModel):
    """How a lifter is trained. Each method carries its published recipe as one of these.

    Attributes:
        epochs: passes over the training windows.
        batch_size: windows a step, over all devices together.
        learning_rate: initial learning rate.
        schedule: how the learning rate falls: not at all, by `decay` every epoch, or as
            decay ** (step / decay_steps).
        decay: factor of the schedule.
        decay_steps: steps to which `decay` belongs when the schedule is by step.
        optimizer: Adam, or AdamW, whose weight decay is decoupled from the gradient.
        weight_decay: share of each weight that a step takes away, times the learning rate; with
            Adam, L2 regularisation of that strength instead.
        amsgrad: the AMSGrad variant of either.
        gradient_clip_norm: largest norm of the gradient, or none.
        flip_augmentation: train on mirror images of windows, too.
        mirror_images: which of them: "by_chance", each window mirrored with probability one half,
            or "all", an epoch being every window and every mirror image.
        last_batch: of an epoch, where it is smaller than the others: "left_out" or "kept".
        window_stride: frames between the starts of neighbouring training windows.
        windows: where all frames are predicted: "inside" their clip, whose last frames may be in
            none, or "centred", as many as hold every frame, its ends repeated.
        steps_per_epoch: end an epoch after so many steps, or none for a full pass.
        select: keep the epoch best on validation subjects, or the last.
        precision: Lightning Fabric's precision flag.
        float32_products: how exactly float32 matrices are multiplied in training steps:
            torch.set_float32_matmul_precision; validation and prediction are exact.
        compile: compile the loss with torch.compile: never, always, or where it pays; see
            `harness.training.compiling`. Weights then differ by rounding.
        start_from: a run, its folder or a checkpoint whose weights training starts from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    optimizer: Literal["adam", "adamw"] = "adam"
    weight_decay: float = Field(default=0.0, ge=0)
    schedule: Literal["constant", "exponential_by_epoch", "exponential_by_step"] = "constant"
    decay: float = Field(default=1.0, gt=0, le=1)
    decay_steps: int = Field(default=100_000, ge=1)
    amsgrad: bool = False
    gradient_clip_norm: float | None = Field(default=None, gt=0)
    flip_augmentation: bool = True
    mirror_images: Literal["by_chance", "all"] = "by_chance"
    last_batch: Literal["left_out", "kept"] = "left_out"
    window_stride: int = Field(default=1, ge=1)
    windows: Literal["inside", "centred"] = "inside"
    steps_per_epoch: int | None = Field(default=None, ge=1)
    select: Literal["best", "last"] = "best"
    precision: Literal["32-true", "bf16-mixed", "16-mixed", "64-true"] = "32-true"
    float32_products: Literal["highest", "high", "medium"] = "highest"
    compile: Literal["off", "auto", "on"] = "off"
    start_from: str | None = None

    def identity(self) -> dict[str, Any]:
        """Return what identifies a run, as plain values.

        Settings that recipes did not always have are left out at their default, so that runs that
        do not use them keep their identity.
        """
        values = self.model_dump(mode="json")
        usual = {name: Recipe.model_fields[name].default for name in _ADDED_LATER}
        return {
            key: value for key, value in values.items() if key not in usual or value != usual[key]
        }
