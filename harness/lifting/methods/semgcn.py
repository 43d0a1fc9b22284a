"""SemGCN: semantic graph convolutions on single frames, with or without non-local blocks."""

from pydantic import BaseModel, ConfigDict, Field

from baselines.semgcn import SemGCN
from harness.body.skeleton import Skeleton
from harness.foundation.errors import HarnessError
from harness.lifting.contract import Method
from harness.lifting.methods.single_frame_lifter import (
    Joints,
    SingleFrameLifter,
    semgcn_code_recipe,
    skeleton_for,
)

NON_LOCAL_GROUPS = (
    ("RKnee", "RFoot"),
    ("LKnee", "LFoot"),
    ("RHip", "LHip"),
    ("Hip", "Spine"),
    ("Thorax", "Neck/Nose", "Head"),
    ("RElbow", "RWrist"),
    ("LElbow", "LWrist"),
    ("LShoulder", "RShoulder"),
)
"""Joints that non-local blocks pool (SemGCN's h36m_dataset.py, `joints_group`).

There Neck/Nose does not exist; where it does, it joins the group of its neighbours on the spine."""


class SemGCNSettings(BaseModel):
    """Parameters of the network; see `baselines.semgcn.SemGCN`.

    Attributes:
        joints: 16 or 17 of Human3.6M's joints, in and out; None for all that the data have.
        non_local: interleave non-local blocks.
        grouped: non-local blocks pool pairs of joints, as the public code does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    joints: Joints | None = None
    non_local: bool = False
    grouped: bool = True
    channels: int = Field(default=128, ge=2)
    modules: int = Field(default=4, ge=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)


def non_local_groups(skeleton: Skeleton) -> list[list[int]]:
    """Return the joints of each non-local group that `skeleton` has.

    Raises:
        HarnessError: the skeleton has a joint that is in no group.
    """
    unknown = set(skeleton.joints) - {joint for group in NON_LOCAL_GROUPS for joint in group}
    if unknown:
        raise HarnessError(
            f"semgcn: skeleton {skeleton.name} has joints that no non-local group names "
            f"({', '.join(sorted(unknown))}); set grouped: false"
        )
    groups = [
        [skeleton.index(joint) for joint in group if joint in skeleton.joints]
        for group in NON_LOCAL_GROUPS
    ]
    return [group for group in groups if group]


def build(settings: SemGCNSettings, skeleton: Skeleton, layout: Skeleton) -> SingleFrameLifter:
    """Return the lifter that `settings` describe.

    Raises:
        HarnessError: the data lack a joint that `settings` ask for, the 2D layout lacks a joint of
            the skeleton (a graph network takes and predicts the same joints), or the skeleton does
            not fit the non-local groups.
    """
    predicted = skeleton_for(settings.joints, skeleton)
    predicted.columns_in(layout)
    pooled = settings.non_local and settings.grouped
    network = SemGCN(
        len(predicted),
        predicted.edges,
        channels=settings.channels,
        modules=settings.modules,
        dropout=settings.dropout,
        non_local=settings.non_local,
        groups=non_local_groups(predicted) if pooled else None,
    )
    return SingleFrameLifter(network, predicted, predicted, predicts_root=True)


METHOD = Method(
    name="semgcn",
    title="SemGCN",
    reference=(
        "Zhao et al., Semantic Graph Convolutional Networks for 3D Human Pose Regression, CVPR 2019"
    ),
    settings=SemGCNSettings,
    build=build,
    recipe=semgcn_code_recipe(epochs=50),
    differences=(
        "recipe of the public code, which differs from the paper's (plain MSE, no bone loss)",
        "with non-local blocks the public code trains 30 epochs on ground truth 2D and 100 on "
        "detections (training: epochs)",
        "all of the data set's joints; the public code leaves out Neck/Nose (network: joints 16); "
        "with 17, Neck/Nose is pooled with Thorax and Head in non-local blocks",
        "the learning rate falls at every step, there in jumps every 100,000 steps",
        "the best epoch is chosen on validation subjects, there on the test subjects",
    ),
    published_row="semgcn",
    licence="Apache-2.0 (garyzhao/SemGCN)",
    published={
        "MPJPE, Human3.6M, ground truth 2D": 42.14,
        "P-MPJPE, Human3.6M, ground truth 2D": 33.53,
        "MPJPE, Human3.6M, ground truth 2D, non-local": 40.78,
        "P-MPJPE, Human3.6M, ground truth 2D, non-local": 31.46,
        "MPJPE, Human3.6M, stacked hourglass, non-local": 61.24,
        "P-MPJPE, Human3.6M, stacked hourglass, non-local": 47.71,
    },
)
