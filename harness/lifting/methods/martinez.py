"""Martinez et al.: a fully-connected residual network on single frames."""

from pydantic import BaseModel, ConfigDict, Field

from baselines.martinez import Martinez
from harness.body.skeleton import Skeleton
from harness.lifting.contract import Method
from harness.lifting.methods.single_frame_lifter import (
    Joints,
    SingleFrameLifter,
    semgcn_code_recipe,
    skeleton_for,
)


class MartinezSettings(BaseModel):
    """Parameters of the network; see `baselines.martinez.Martinez`.

    Attributes:
        joints: 16 or 17 of Human3.6M's joints, in and out; None for all that the data have.
        predict_root: predict all joints; otherwise all but the root, which is then zero.
        max_norm: largest Frobenius norm of any weight matrix, or None; the paper uses 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    joints: Joints | None = None
    predict_root: bool = True
    stages: int = Field(default=2, ge=0)
    width: int = Field(default=1024, ge=1)
    dropout: float = Field(default=0.5, ge=0, lt=1)
    max_norm: float | None = Field(default=None, gt=0)


def build(settings: MartinezSettings, skeleton: Skeleton, layout: Skeleton) -> SingleFrameLifter:
    """Return the lifter that `settings` describe.

    Without a choice of joints the 2D layout may differ from the skeleton.

    Raises:
        HarnessError: the data lack a joint that `settings` ask for.
    """
    predicted = skeleton_for(settings.joints, skeleton)
    taken = layout if settings.joints is None else skeleton_for(settings.joints, layout)
    network = Martinez(
        len(taken),
        len(predicted) - (not settings.predict_root),
        stages=settings.stages,
        width=settings.width,
        dropout=settings.dropout,
        max_norm=settings.max_norm,
    )
    return SingleFrameLifter(network, predicted, taken, predicts_root=settings.predict_root)


METHOD = Method(
    name="martinez",
    title="Martinez et al.",
    reference=(
        "Martinez et al., A simple yet effective baseline for 3d human pose estimation, ICCV 2017"
    ),
    settings=MartinezSettings,
    build=build,
    recipe=semgcn_code_recipe(epochs=200),
    differences=(
        "recipe and normalisation of SemGCN's public code: screen coordinates and metres instead "
        "of z-scores, no max-norm unless set",
        "all joints are predicted; that code predicts 16 joints without the root "
        "(network: joints 16, predict_root false)",
        "the learning rate falls at every step, there in jumps every 100,000 steps",
        "the best epoch is chosen on validation subjects, there on the test subjects",
    ),
    published_row="martinez",
    licence="Apache-2.0 (garyzhao/SemGCN)",
    published={
        "MPJPE, Human3.6M, stacked hourglass": 62.9,
        "P-MPJPE, Human3.6M, stacked hourglass": 47.7,
        "MPJPE, Human3.6M, ground truth 2D, SemGCN's code": 44.40,
        "P-MPJPE, Human3.6M, ground truth 2D, SemGCN's code": 35.25,
    },
)
