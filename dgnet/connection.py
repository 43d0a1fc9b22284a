"""Who is connected in the whole network: masks that all dynamical layers share, where they do."""

import torch
from torch import Tensor, nn

from dgnet.blocks import unified_neighbours
from dgnet.config import DGNetConfig
from dgnet.graph import BodyGraph
from dgnet.neighbours import nearest, static_mask
from dgnet.unified import nearest_of_three_frames


class Connections(nn.Module):
    """Masks of the spatial and the temporal dynamical layers, by connection style (table VII).

    Styles that no pose changes are buffers, kept with the weights. "precomputed" finds the nearest
    joints by the 2D pose, for DTG by its motion, once for all layers. "dynamical" leaves the search
    to each layer. Without KNN every joint is connected to all.

    Args:
        config: the network's switches.
        graph: the body.
    """

    spatial: Tensor | None
    temporal: Tensor | None

    def __init__(self, config: DGNetConfig, graph: BodyGraph) -> None:
        super().__init__()
        self.config = config
        if config.form == "unified":
            spatial = self._static(graph, unified_neighbours(config), True, frames=3)
            temporal = spatial
        else:
            spatial = self._static(graph, config.spatial_neighbours, True, frames=1)
            temporal = self._static(graph, config.temporal_neighbours, False, frames=1)
        self.register_buffer("spatial", spatial)
        self.register_buffer("temporal", temporal)

    def forward(self, pose: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Return the masks of the spatial and of the temporal layers; None: each layer searches.

        Args:
            pose: (T, B, N, 2) the 2D input.
        """
        config = self.config
        if self.spatial is not None or config.connection == "dynamical":
            return self.spatial, self.temporal
        if config.form == "unified":
            mask = nearest_of_three_frames(
                pose,
                unified_neighbours(config),
                config.spatial_self_neighbour,
                config.outside_window,
            )
            return mask, mask
        motion = pose[1:] - pose[:-1]
        return (
            nearest(pose, config.spatial_neighbours, config.spatial_self_neighbour),
            nearest(motion, config.temporal_neighbours, config.temporal_self_neighbour),
        )

    def _static(self, graph: BodyGraph, count: int, spatial: bool, frames: int) -> Tensor | None:
        config = self.config
        if not config.knn:
            return torch.ones(graph.joints, frames * graph.joints, dtype=torch.bool)
        return static_mask(
            config.connection,
            graph,
            count,
            config.spatial_self_neighbour if spatial else config.temporal_self_neighbour,
            frames,
            # Space and time draw their own neighbours.
            2 * config.connection_seed + (0 if spatial else 1),
        )
