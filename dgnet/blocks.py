"""The DG-Conv block: spatial unit, non-local block, temporal unit, non-local block (figure 3)."""

from collections.abc import Callable

from torch import Tensor, nn

from dgnet.config import DGNetConfig
from dgnet.dynamical import DynamicalSpatialGraph, DynamicalTemporalGraph
from dgnet.fixed import FixedSpatialGraph, FixedTemporalGraph
from dgnet.graph import BodyGraph
from dgnet.layer import Residual
from dgnet.nonlocal_block import NonLocalBlock
from dgnet.unified import DynamicalSpatioTemporalGraph, FixedSpatioTemporalGraph
from dgnet.weighting import WeightingModule, make_weighting


class DGConvBlock(nn.Module):
    """Two units of residual modules, each followed by a spatial non-local block.

    An empty unit has no non-local block. In the unified form the lists of layers keep their order
    and length, and each layer is the fixed or dynamical convolution over three frames.

    Args:
        config: the network's switches.
        graph: the body.
    """

    def __init__(self, config: DGNetConfig, graph: BodyGraph) -> None:
        super().__init__()
        self.spatial_unit = _unit(config.spatial_unit, config, graph)
        self.temporal_unit = _unit(config.temporal_unit, config, graph)
        self.after_spatial = _non_local(config, config.spatial_unit)
        self.after_temporal = _non_local(config, config.temporal_unit)

    def forward(
        self, x: Tensor, spatial_mask: Tensor | None, temporal_mask: Tensor | None
    ) -> Tensor:
        """Return (T, B, N, C) for (T, B, N, C).

        Args:
            x: features.
            spatial_mask: D for all layers of the spatial unit, or None: each finds its own.
            temporal_mask: L likewise.
        """
        for module in self.spatial_unit:
            x = module(x, spatial_mask)
        x = self.after_spatial(x)
        for module in self.temporal_unit:
            x = module(x, temporal_mask)
        return self.after_temporal(x)


def unified_neighbours(config: DGNetConfig) -> int:
    """K of the unified form: as many neighbours as DSG and DTG together give a joint."""
    return config.spatial_neighbours + 2 * config.temporal_neighbours


def _unit(layers: tuple[str, ...], config: DGNetConfig, graph: BodyGraph) -> nn.ModuleList:
    return nn.ModuleList(Residual(_layer_maker(layer, config, graph)) for layer in layers)


def _non_local(config: DGNetConfig, unit: tuple[str, ...]) -> nn.Module:
    return NonLocalBlock(config.channels) if config.non_local and unit else nn.Identity()


def _layer_maker(layer: str, config: DGNetConfig, graph: BodyGraph) -> Callable[[], nn.Module]:
    width, outside = config.channels, config.outside_window

    def weighting() -> WeightingModule:
        return make_weighting(config.weighting, width, config.weight_bound)

    def fixed_spatial() -> nn.Module:
        return FixedSpatialGraph(width, width, graph.bones())

    def dynamical_spatial() -> nn.Module:
        return DynamicalSpatialGraph(
            width, width, config.spatial_neighbours, config.spatial_self_neighbour, weighting()
        )

    def fixed_temporal() -> nn.Module:
        return FixedTemporalGraph(width, width, outside)

    def dynamical_temporal() -> nn.Module:
        return DynamicalTemporalGraph(
            width,
            width,
            config.temporal_neighbours,
            config.temporal_self_neighbour,
            weighting(),
            weighting(),
            outside,
        )

    def fixed_unified() -> nn.Module:
        return FixedSpatioTemporalGraph(width, width, graph.bones(), outside)

    def dynamical_unified() -> nn.Module:
        return DynamicalSpatioTemporalGraph(
            width,
            width,
            unified_neighbours(config),
            config.spatial_self_neighbour,
            weighting(),
            outside,
        )

    if config.form == "unified":
        makers = dict.fromkeys(("FSG", "FTG"), fixed_unified)
        makers |= dict.fromkeys(("DSG", "DTG"), dynamical_unified)
    else:
        makers = {
            "FSG": fixed_spatial,
            "DSG": dynamical_spatial,
            "FTG": fixed_temporal,
            "DTG": dynamical_temporal,
        }
    if layer not in makers:
        raise ValueError(f"unknown layer {layer!r}; there are {', '.join(makers)}")
    return makers[layer]
