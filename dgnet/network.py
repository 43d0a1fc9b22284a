"""DG-Net (section III-C): 2D poses of a window in, root-relative 3D poses of all its frames out."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dgnet.blocks import DGConvBlock
from dgnet.config import DGNetConfig
from dgnet.connection import Connections
from dgnet.fixed import FixedSpatialGraph
from dgnet.graph import BodyGraph
from dgnet.layer import DynamicalGraphLayer, GraphLayer, Residual


class Levels(NamedTuple):
    """What the multi-level loss compares with the truth.

    Attributes:
        network: (B, T, N, 3), the prediction.
        blocks: one (B, T, N, 3) a block head; empty without heads.
    """

    network: Tensor
    blocks: tuple[Tensor, ...]


class BlockHead(nn.Module):
    """From a block's features to 3D: a two-layer FSG module, then FSG C -> 3; training only."""

    def __init__(self, channels: int, bones: Tensor) -> None:
        super().__init__()
        self.module = Residual(lambda: FixedSpatialGraph(channels, channels, bones))
        self.out = FixedSpatialGraph(channels, 3, bones, activated=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (T, B, N, 3) for (T, B, N, C)."""
        return self.out(self.module(x))


class DGNet(nn.Module):
    """The dynamical graph network.

    Input FSG 2 -> C; DG-Conv blocks; a head on the concatenated features of all blocks. Block heads
    exist for training only: `drop_block_heads` removes them without changing a prediction.

    Args:
        config: every switch.
        graph: the body whose joints come in and go out.
    """

    def __init__(self, config: DGNetConfig, graph: BodyGraph) -> None:
        super().__init__()
        bones = graph.bones()
        self.config = config
        self.connections = Connections(config, graph)
        self.input = FixedSpatialGraph(2, config.channels, bones)
        self.blocks = nn.ModuleList(DGConvBlock(config, graph) for _ in range(config.blocks))
        self.head = FixedSpatialGraph(config.blocks * config.channels, 3, bones, activated=False)
        heads = config.blocks if config.block_supervision else 0
        self.block_heads = nn.ModuleList(BlockHead(config.channels, bones) for _ in range(heads))
        for layer in self.modules():
            if isinstance(layer, GraphLayer):
                layer.reset_weight(config.initial_scale)

    def forward(self, keypoints: Tensor) -> Tensor:
        """Lift windows of 2D poses.

        Args:
            keypoints: (B, T, N, 2).

        Returns:
            (B, T, N, 3).
        """
        return self._lift(self._features(keypoints))

    def levels(self, keypoints: Tensor) -> Levels:
        """Return the predictions of the network and of the block heads (section III-C)."""
        features = self._features(keypoints)
        heads = zip(self.block_heads, features, strict=False)
        return Levels(self._lift(features), tuple(head(x).transpose(0, 1) for head, x in heads))

    def drop_block_heads(self) -> None:
        """Remove the block heads: what remains predicts the same (section IV-A, model size)."""
        self.block_heads = nn.ModuleList()

    @torch.no_grad()
    def affinities(self, keypoints: Tensor, block: int = 0) -> Mapping[str, Tensor]:
        """Return the affinity matrices of a block's dynamical layers, as figure 6 draws them.

        Args:
            keypoints: (B, T, N, 2).
            block: which block.

        Returns:
            By layer, such as "spatial_unit.1.first.spatial": B (B, T, N, N) of DSG; "...forward"
            and "...backward": Q of DTG, (B, T - 1, N, N) with frames outside the window as zero,
            for the first and the last T - 1 frames, else (B, T, N, N).
        """
        found: dict[str, Tensor] = {}

        def keep(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
            def hook(layer: nn.Module, arguments: tuple[Tensor, ...]) -> None:
                if isinstance(layer, DynamicalGraphLayer):
                    for kind, matrices in layer.affinities(*arguments[:2]).items():
                        found[f"{name}.{kind}"] = matrices.transpose(0, 1)

            return hook

        hooks = [
            layer.register_forward_pre_hook(keep(name))
            for name, layer in self.blocks[block].named_modules()
        ]
        try:
            self._features(keypoints)
        finally:
            for hook in hooks:
                hook.remove()
        return found

    def _features(self, keypoints: Tensor) -> list[Tensor]:
        pose = keypoints.transpose(0, 1)
        spatial_mask, temporal_mask = self.connections(pose)
        x = self.input(pose)
        features = []
        for block in self.blocks:
            x = block(x, spatial_mask, temporal_mask)
            features.append(x)
        return features

    def _lift(self, features: list[Tensor]) -> Tensor:
        return self.head(torch.cat(features, dim=-1)).transpose(0, 1)
