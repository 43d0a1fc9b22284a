"""ST-GCN of Cai et al.: a local-to-global graph network over 1, 3, 5 or 7 frames."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from baselines.spatial_temporal_graph import BodyParts
from baselines.stgcn import STGCN, PoseRefinement, pose_on_rays
from harness.body.skeleton import Skeleton
from harness.lifting.augmentation import mirrored_points
from harness.lifting.contract import Batch, Lifter, LifterInput, Method
from harness.lifting.recipe import Recipe

_CENTRE = "Spine"


class STGCNSettings(BaseModel):
    """Parameters of the network; see `baselines.stgcn.STGCN`.

    Attributes:
        refinement: refine X and Y with those on the pixels' rays; needs the true depth of the root,
            which predictions then record as privileged input.
        symmetry_weight: of the difference between left and right bones in the refinement's loss.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: Literal[1, 3, 5, 7] = 3
    joint_channels: tuple[int, int, int] = (128, 128, 256)
    part_channels: int = Field(default=512, ge=2)
    dropout: float = Field(default=0.05, ge=0, lt=1)
    body_dropout: float = Field(default=0.25, ge=0, lt=1)
    head_dropout: float = Field(default=0.1, ge=0, lt=1)
    refinement: bool = False
    symmetry_weight: float = Field(default=0.01, ge=0)


class STGCNLifter(Lifter):
    """The network under the lifter contract: it predicts the middle frame and learns from all.

    Args:
        settings: the network's parameters.
        skeleton: joints it takes and predicts.
    """

    predicts = "middle"
    supervised = "all"
    mirrors_itself = True

    def __init__(self, settings: STGCNSettings, skeleton: Skeleton) -> None:
        super().__init__()
        self.frames = settings.frames
        self.skeleton = skeleton
        self.layout = skeleton
        self.uses_root_depth = settings.refinement
        self.symmetry_weight = settings.symmetry_weight
        self.network = STGCN(
            body_parts(skeleton),
            frames=settings.frames,
            joint_channels=settings.joint_channels,
            part_channels=settings.part_channels,
            dropout=settings.dropout,
            body_dropout=settings.body_dropout,
            head_dropout=settings.head_dropout,
        )
        self.refinement = PoseRefinement(len(skeleton)) if settings.refinement else None

    def forward(self, inputs: LifterInput) -> Tensor:
        """Return (batch, 1, joints, 3) root-relative metres, refined where the settings say so."""
        everything = self.network(inputs.keypoints)
        return self._refined(everything, inputs).unsqueeze(1)

    def forward_mirrored(self, inputs: LifterInput) -> Tensor:
        """Return the same of the mean of the network's outputs on the input and its mirror image.

        Refined once, with the 2D as it is (vanoracai's code, train_graph_time.py).
        """
        image = self.network(mirrored_points(inputs.keypoints, self.layout))
        both = (self.network(inputs.keypoints) + mirrored_points(image, self.skeleton)) / 2
        return self._refined(both, inputs).unsqueeze(1)

    def loss(self, batch: Batch) -> Tensor:
        """Return MPJPE over all frames, plus the refined middle frame's loss, in metres."""
        everything = self.network(batch.inputs.keypoints)
        loss = (everything - batch.target).norm(dim=-1).mean()
        if self.refinement is None:
            return loss
        refined = self._refined(everything, batch.inputs)
        truth = batch.target[:, self.frames // 2]
        loss = loss + (refined - truth).norm(dim=-1).mean()
        return loss + self.symmetry_weight * asymmetry(refined, self.skeleton)

    def _refined(self, everything: Tensor, inputs: LifterInput) -> Tensor:
        middle = self.frames // 2
        pose = everything[:, middle]
        if self.refinement is None:
            return pose
        if inputs.root_depth is None:
            raise ValueError("refinement needs the depth of the root")
        on_rays = pose_on_rays(
            pose,
            inputs.keypoints[:, middle],
            inputs.intrinsics,
            inputs.root_depth[:, middle],
            self.skeleton.root,
        )
        return self.refinement(pose, on_rays)


def asymmetry(pose: Tensor, skeleton: Skeleton) -> Tensor:
    """Return the difference in length of left and right bones: batch mean, summed over bones."""
    bones = [(skeleton.parents[child], child) for child in skeleton.left]

    def lengths(pairs: list[tuple[int, int]]) -> Tensor:
        parents, children = (list(side) for side in zip(*pairs, strict=True))
        return (pose[:, parents] - pose[:, children]).norm(dim=-1)

    mirrored = [(skeleton.mirror[parent], skeleton.mirror[child]) for parent, child in bones]
    return (lengths(bones) - lengths(mirrored)).abs().mean(dim=0).sum()


def body_parts(skeleton: Skeleton) -> BodyParts:
    """Return the skeleton divided into limbs, which are its chains of left and right joints.

    Distances are counted from the spine joint, or from the root where there is none.
    """
    limbs: list[list[int]] = []
    for joint in skeleton.left:
        parent = skeleton.parents[joint]
        limb = next((limb for limb in limbs if parent in limb), None)
        if limb is None:
            limbs.append([joint])
        else:
            limb.append(joint)
    sides = (*skeleton.left, *skeleton.right)
    return BodyParts(
        joints=len(skeleton),
        edges=skeleton.edges,
        mirror_pairs=tuple(zip(skeleton.left, skeleton.right, strict=True)),
        centre=skeleton.index(_CENTRE) if _CENTRE in skeleton.joints else skeleton.root,
        limbs=[(limb, [skeleton.mirror[joint] for joint in limb]) for limb in limbs],
        torso=[joint for joint in range(len(skeleton)) if joint not in sides],
    )


def build(settings: STGCNSettings, skeleton: Skeleton, layout: Skeleton) -> STGCNLifter:
    """Return the lifter that `settings` describe.

    Raises:
        HarnessError: the 2D layout lacks a joint of the skeleton: a graph network takes and
            predicts the same joints.
    """
    skeleton.columns_in(layout)
    return STGCNLifter(settings, skeleton)


METHOD = Method(
    name="stgcn",
    title="ST-GCN",
    reference=(
        "Cai et al., Exploiting Spatial-temporal Relationships for 3D Pose Estimation via Graph "
        "Convolutional Networks, ICCV 2019"
    ),
    settings=STGCNSettings,
    build=build,
    recipe=Recipe(
        epochs=60,
        batch_size=256,
        learning_rate=1e-3,
        schedule="exponential_by_epoch",
        decay=0.8355,
        amsgrad=True,
        flip_augmentation=True,
        mirror_images="all",
        last_batch="kept",
    ),
    differences=(
        "the learning rate falls evenly; the public code's factor is 0.95, and 0.5 every fifth "
        "epoch, which is the same after five epochs",
        "60 epochs: the public code goes on to 200, but by then its learning rate is below 1e-15; "
        "its best models are of epochs 10 to 58",
        "refinement is trained together with the network; the public code adds it after several "
        "epochs at a learning rate of 1e-5",
        "without the public code's switches for a symmetry loss of the network itself and for a "
        "penalty on differences of neighbouring frames",
        "the refinement's symmetry loss takes absolute differences of left and right bones; the "
        "public code's keep their sign and cancel",
        "the best epoch is chosen on validation subjects, there on the test subjects",
    ),
    published_row="stgcn",
    licence="MIT (vanoracai, as its README states)",
    published={
        "MPJPE, Human3.6M, CPN, 7 frames, refined": 48.8,
        "P-MPJPE, Human3.6M, CPN, 7 frames, refined": 39.0,
        "MPJPE, Human3.6M, CPN, 1 frame, refined, public code": 50.62,
        "MPJPE, Human3.6M, CPN, 3 frames, refined, public code": 49.04,
        "MPJPE, Human3.6M, ground truth 2D, 3 frames, public code": 36.03,
    },
)
