"""MixSTE: attention over joints and over frames in turn (Zhang et al., CVPR 2022)."""

import torch
from torch import Tensor, nn

from baselines.attention import TransformerBlock, drop_path_rates


class MixSTE(nn.Module):
    """Lifts all frames of a window; every spatial block is followed by a temporal one.

    One layer norm is shared by all spatial blocks and applied after each, one by all temporal ones
    (JinluZhang1126/MixSTE, common/model_cross.py). The temporal embedding is added once, after the
    first spatial block; it fixes the length of the window.
    """

    def __init__(
        self,
        frames: int,
        *,
        joints: int = 17,
        channels: int = 512,
        depth: int = 8,
        ratio: int = 2,
        heads: int = 8,
        drop_path: float = 0.1,
        coordinates: int = 2,
    ) -> None:
        """Build the network.

        Args:
            frames: length of the window.
            joints: of the pose.
            channels: of every token.
            depth: spatial blocks, and temporal blocks.
            ratio: width of the MLPs, in `channels`.
            heads: of the attention.
            drop_path: rate of the last block of either kind; they rise from 0.
            coordinates: numbers given of each joint.
        """
        super().__init__()
        self.embedding = nn.Linear(coordinates, channels)
        self.joint_embedding = nn.Parameter(torch.zeros(joints, channels))
        self.frame_embedding = nn.Parameter(torch.zeros(frames, 1, channels))

        def blocks() -> nn.ModuleList:
            return nn.ModuleList(
                TransformerBlock(channels, ratio, heads=heads, drop_path=rate)
                for rate in drop_path_rates(drop_path, depth)
            )

        self.spatial_blocks = blocks()
        self.temporal_blocks = blocks()
        self.spatial_norm = nn.LayerNorm(channels, eps=1e-6)
        self.temporal_norm = nn.LayerNorm(channels, eps=1e-6)
        self.head = nn.Sequential(nn.LayerNorm(channels, eps=1e-5), nn.Linear(channels, 3))

    def forward(self, poses: Tensor, condition: Tensor | None = None) -> Tensor:
        """Lift windows.

        Args:
            poses: (batch, frames, joints, coordinates), frames as many as the network is made for.
            condition: (batch, channels) added to every token before the first block, if anything.

        Returns:
            (batch, frames, joints, 3).
        """
        tokens = self.embedding(poses) + self.joint_embedding
        if condition is not None:
            tokens = tokens + condition[:, None, None]
        pairs = zip(self.spatial_blocks, self.temporal_blocks, strict=True)
        for level, (spatial, temporal) in enumerate(pairs):
            tokens = self.spatial_norm(spatial(tokens))
            if level == 0:
                tokens = tokens + self.frame_embedding
            tokens = self.temporal_norm(temporal(tokens.transpose(1, 2))).transpose(1, 2)
        return self.head(tokens)
