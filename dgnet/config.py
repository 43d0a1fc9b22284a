"""Every switch of DG-Net as one plain value."""

from dataclasses import dataclass
from typing import Literal

SpatialLayer = Literal["FSG", "DSG"]
TemporalLayer = Literal["FTG", "DTG"]
Connection = Literal["random", "fixed", "full", "symmetry", "precomputed", "dynamical"]
Weighting = Literal["none", "fully_connected", "embedded_gaussian"]
WeightBound = Literal["raw", "sigmoid", "softmax", "tanh"]
OutsideWindow = Literal["zero", "replicate"]
Form = Literal["factorized", "unified"]


@dataclass(frozen=True)
class DGNetConfig:
    """The network of section III-C and every variant of its ablations (section IV-B).

    Attributes:
        channels: width C of the features.
        blocks: number of DG-Conv blocks.
        frames: T, frames of a window.
        spatial_unit: layers of the spatial unit, in order.
        temporal_unit: layers of the temporal unit, in order; empty for a single-frame network.
        spatial_neighbours: K of DSG.
        temporal_neighbours: K of DTG.
        connection: who is connected in the dynamical layers (table VII).
        connection_seed: seed of the connection "random".
        weighting: how much a connection counts in the dynamical layers (table VII).
        weight_bound: what bounds the weights of the fully connected weighting.
        spatial_self_neighbour: whether a joint is its own neighbour in DSG.
        temporal_self_neighbour: whether, in DTG, a joint of frame t is a neighbour of the same
            joint in frames t - 1 and t + 1.
        outside_window: what stands for the frames before the first and after the last.
        non_local: a spatial non-local block after each unit.
        block_supervision: whether blocks have heads of their own in training (eq. 15).
        form: spatial, then temporal layers, or both at once.
        knn: whether connections are limited at all; without, every joint is connected to all,
            itself included, whatever `connection` says.
        initial_scale: standard deviation of the first weights of a layer with BatchNorm, times
            sqrt(inputs * outputs). BatchNorm makes the prediction independent of it, not the speed
            of learning: the smaller the weights, the more one step of Adam turns them.
    """

    channels: int = 128
    blocks: int = 5
    frames: int = 4
    spatial_unit: tuple[SpatialLayer, ...] = ("FSG", "DSG")
    temporal_unit: tuple[TemporalLayer, ...] = ("FTG", "DTG", "FTG")
    spatial_neighbours: int = 3
    temporal_neighbours: int = 4
    connection: Connection = "dynamical"
    connection_seed: int = 0
    weighting: Weighting = "fully_connected"
    weight_bound: WeightBound = "softmax"
    spatial_self_neighbour: bool = True
    temporal_self_neighbour: bool = True
    outside_window: OutsideWindow = "zero"
    non_local: bool = True
    block_supervision: bool = True
    form: Form = "factorized"
    knn: bool = True
    initial_scale: float = 1.0

    def __post_init__(self) -> None:
        for name in ("channels", "blocks", "frames", "spatial_neighbours", "temporal_neighbours"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.initial_scale <= 0:
            raise ValueError(f"initial_scale is {self.initial_scale}; it must be positive")
        if not self.spatial_unit and not self.temporal_unit:
            raise ValueError("spatial_unit and temporal_unit are both empty: a block needs layers")
