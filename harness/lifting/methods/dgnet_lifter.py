"""DG-Net and its all-fixed counterparts as lifters: settings and adapter that the three share."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor

from dgnet import BodyGraph, DGNet, DGNetConfig, balanced, total_loss
from dgnet.config import (
    Connection,
    Form,
    OutsideWindow,
    SpatialLayer,
    TemporalLayer,
    WeightBound,
    Weighting,
)
from harness.body.skeleton import Skeleton
from harness.lifting.contract import Batch, Lifter, LifterInput
from harness.lifting.recipe import Recipe

REFERENCE = (
    "Zhang et al., Learning Dynamical Human-Joint Affinity for 3D Pose Estimation in Videos, "
    "IEEE Transactions on Image Processing 2021 (arXiv 2109.07353)"
)
RECIPE = Recipe(
    epochs=200,
    batch_size=64,
    learning_rate=1e-3,
    schedule="exponential_by_epoch",
    decay=0.96,
    flip_augmentation=True,
)
"""Section IV: Adam, 0.001 with exponential decay, batch 64, 200 epochs. The factor is not printed;
0.96 is SemGCN's. Whether training windows were mirrored is not said either; the field does so."""
DIFFERENCES = (
    "no code was published: docs/method.md names each choice where the paper is silent",
    "factor of the exponential decay and flip augmentation are not published",
)
"""What holds for all three."""


class FixedNetworkSettings(BaseModel):
    """Switches that DG-Net shares with its all-fixed counterparts; see `dgnet.DGNetConfig`.

    Attributes:
        block_loss_weight: lambda of eq. 17.
        balanced_coordinates: average X and Y with those of the pixel's ray; needs the true depth of
            the root, which predictions then record as privileged input.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: int = Field(default=128, ge=1)
    blocks: int = Field(default=5, ge=1)
    frames: int = Field(default=4, ge=1)
    outside_window: OutsideWindow = "zero"
    non_local: bool = True
    block_supervision: bool = True
    initial_scale: float = Field(default=1.0, gt=0)
    block_loss_weight: float = Field(default=0.1, ge=0)
    balanced_coordinates: bool = False

    @model_validator(mode="after")
    def _describes_a_network(self) -> Self:
        self.config()
        return self

    def config(self) -> DGNetConfig:
        """Return the network's own configuration.

        Raises:
            ValueError: no network has these switches.
        """
        fields = self.model_dump(exclude={"block_loss_weight", "balanced_coordinates"})
        return DGNetConfig(**fields)


class DGNetSettings(FixedNetworkSettings):
    """Every switch of DG-Net; see `dgnet.DGNetConfig` for what each means."""

    spatial_unit: tuple[SpatialLayer, ...] = ("FSG", "DSG")
    temporal_unit: tuple[TemporalLayer, ...] = ("FTG", "DTG", "FTG")
    spatial_neighbours: int = Field(default=3, ge=1)
    temporal_neighbours: int = Field(default=4, ge=1)
    connection: Connection = "dynamical"
    connection_seed: int = Field(default=0, ge=0)
    weighting: Weighting = "fully_connected"
    weight_bound: WeightBound = "softmax"
    spatial_self_neighbour: bool = True
    temporal_self_neighbour: bool = True
    form: Form = "factorized"
    knn: bool = True


_COMPILING_PAYS_AFTER = {"bf16-mixed": 1_000}
_WIDTH_OF_BREAK_EVEN = 128
"""Where compiling was seen to pay: at the published width (docs/performance.md, "Fewer digits") it
took 74 s and saved 0.32 s a step, which is paid back after some 230 steps; four times as many leave
room for processors on which it saves less."""


class DGNetLifter(Lifter):
    """A network of `dgnet` under the lifter contract.

    Args:
        config: the network.
        settings: loss and coordinates.
        skeleton: joints it takes and predicts.
    """

    predicts: Literal["all", "middle"] = "all"

    def __init__(
        self, config: DGNetConfig, settings: FixedNetworkSettings, skeleton: Skeleton
    ) -> None:
        super().__init__()
        self.frames = config.frames
        self.skeleton = skeleton
        self.layout = skeleton
        self.uses_root_depth = settings.balanced_coordinates
        self.block_loss_weight = settings.block_loss_weight
        self.network = DGNet(config, body_graph(skeleton))
        if config.channels >= _WIDTH_OF_BREAK_EVEN:
            self.compiling_pays_after = _COMPILING_PAYS_AFTER

    def forward(self, inputs: LifterInput) -> Tensor:
        """Return (batch, frames, joints, 3) root-relative camera-space metres."""
        return self._balance(self.network(inputs.keypoints), inputs)

    def loss(self, batch: Batch) -> Tensor:
        """Return the multi-level loss (eq. 15 to 17); balanced coordinates are the network's."""
        levels = self.network.levels(batch.inputs.keypoints)
        levels = levels._replace(network=self._balance(levels.network, batch.inputs))
        return total_loss(levels, batch.target, self.block_loss_weight)

    def _balance(self, prediction: Tensor, inputs: LifterInput) -> Tensor:
        if not self.uses_root_depth:
            return prediction
        if inputs.root_depth is None:
            raise ValueError("balanced coordinates need the depth of the root")
        return balanced(
            prediction, inputs.keypoints, inputs.intrinsics, inputs.root_depth, self.skeleton.root
        )


def body_graph(skeleton: Skeleton) -> BodyGraph:
    """Return the skeleton in the plain numbers `dgnet` takes."""
    pairs = tuple(zip(skeleton.left, skeleton.right, strict=True))
    return BodyGraph(len(skeleton), skeleton.edges, pairs)


def build(settings: FixedNetworkSettings, skeleton: Skeleton, layout: Skeleton) -> DGNetLifter:
    """Return the lifter that `settings` describe.

    Raises:
        HarnessError: the 2D layout lacks a joint of the skeleton: a graph network takes and
            predicts the same joints.
    """
    skeleton.columns_in(layout)
    return DGNetLifter(settings.config(), settings, skeleton)
