"""MotionAGFormer: attention and graph convolutions side by side, all frames at once."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from baselines.motionagformer import NEIGHBOURS, MotionAGFormer
from harness.body.skeleton import H36M_17, Skeleton
from harness.lifting.contract import Method, Space
from harness.lifting.methods.motionbert_family import DIFFERENCES, ConfidenceLifter
from harness.lifting.recipe import Recipe


class MotionAGFormerSettings(BaseModel):
    """Parameters of the network; see `baselines.motionagformer.MotionAGFormer`. Heads are always 8.

    The published sizes: XS 27 frames, 64 channels, depth 12; S 81, 64, 26; B 243, 128, 16;
    L 243, 128, 26.

    Attributes:
        neighbours: frames that a frame hears in the temporal graph.
        space: what is predicted: metres in "camera" space, or "image25d" as published.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: int = Field(default=243, ge=1)
    channels: int = Field(default=128, ge=8, multiple_of=8)
    depth: int = Field(default=16, ge=1)
    ratio: int = Field(default=4, ge=1)
    neighbours: int = Field(default=2, ge=1)
    representation: int = Field(default=512, ge=1)
    space: Space = "camera"


def joint_neighbours(skeleton: Skeleton) -> Sequence[Sequence[int]]:
    """Return the joints that each joint hears: the published ones, or the ends of its bones."""
    if skeleton.joints == H36M_17.joints:
        return NEIGHBOURS
    heard: list[list[int]] = [[] for _ in skeleton.joints]
    for one, other in skeleton.edges:
        heard[one].append(other)
        heard[other].append(one)
    return heard


def build(
    settings: MotionAGFormerSettings, skeleton: Skeleton, layout: Skeleton
) -> ConfidenceLifter:
    """Return the lifter that `settings` describe.

    Raises:
        HarnessError: the 2D layout lacks a joint of the skeleton.
    """
    network = MotionAGFormer(
        joint_neighbours=joint_neighbours(skeleton), **settings.model_dump(exclude={"space"})
    )
    return ConfidenceLifter(network, settings.frames, settings.space, skeleton, layout)


METHOD = Method(
    name="motionagformer",
    title="MotionAGFormer",
    reference=(
        "Mehraban et al., MotionAGFormer: Enhancing 3D Human Pose Estimation with a "
        "Transformer-GCNFormer Network, WACV 2024"
    ),
    settings=MotionAGFormerSettings,
    build=build,
    recipe=Recipe(
        epochs=60,
        batch_size=16,
        learning_rate=5e-4,
        optimizer="adamw",
        weight_decay=0.01,
        schedule="exponential_by_epoch",
        decay=0.99,
        window_stride=81,
    ),
    differences=(
        *DIFFERENCES,
        "window_stride is that of 243 frames; the public code's is a third of the window",
        "on other joints than Human3.6M's 17 the spatial graph is the skeleton's, both ways; the "
        "published one is not symmetric",
    ),
    licence="Apache-2.0 (TaatiTeam/MotionAGFormer)",
    published={"MPJPE, Human3.6M, MotionBERT's hourglass, L": 38.4},
)
