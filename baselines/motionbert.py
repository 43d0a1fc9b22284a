"""DSTformer, the network of MotionBERT (Zhu et al., ICCV 2023)."""

import torch
from torch import Tensor, nn

from baselines.attention import TransformerBlock
from baselines.two_streams import RepresentationHead, StreamFusion


class DualStreamLevel(nn.Module):
    """Two streams on the same input, space before time and time before space, and their fusion."""

    def __init__(self, channels: int, ratio: int, heads: int) -> None:
        super().__init__()

        def block() -> TransformerBlock:
            return TransformerBlock(channels, ratio, heads=heads)

        self.space_first = nn.ModuleDict({"spatial": block(), "temporal": block()})
        self.time_first = nn.ModuleDict({"spatial": block(), "temporal": block()})
        self.fusion = StreamFusion(channels)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (batch, frames, joints, channels) to the same shape."""
        streams = self.space_first, self.time_first
        space = streams[0]["spatial"](tokens)
        space = streams[0]["temporal"](space.transpose(1, 2)).transpose(1, 2)
        time = streams[1]["temporal"](tokens.transpose(1, 2)).transpose(1, 2)
        time = streams[1]["spatial"](time)
        return self.fusion(space, time)


class DSTformer(nn.Module):
    """Lifts all frames of a window of any length up to `longest`, with confidence as third input.

    Layout of Walter0807/MotionBERT, lib/model/DSTformer.py; sizes of the paper are 512 channels
    with MLPs twice as wide, of its Lite form 256 with MLPs four times as wide.
    """

    def __init__(
        self,
        *,
        joints: int = 17,
        channels: int = 512,
        depth: int = 5,
        ratio: int = 2,
        heads: int = 8,
        representation: int = 512,
        longest: int = 243,
    ) -> None:
        """Build the network.

        Args:
            joints: of the pose.
            channels: of every token.
            depth: levels of two streams.
            ratio: width of the MLPs, in `channels`.
            heads: of the attention.
            representation: width of the features before the last linear map.
            longest: frames that there are embeddings for.
        """
        super().__init__()
        self.embedding = nn.Linear(3, channels)
        self.joint_embedding = nn.Parameter(torch.empty(joints, channels))
        self.frame_embedding = nn.Parameter(torch.empty(longest, 1, channels))
        self.levels = nn.ModuleList(DualStreamLevel(channels, ratio, heads) for _ in range(depth))
        self.head = RepresentationHead(channels, representation, eps=1e-6)
        for embedding in (self.joint_embedding, self.frame_embedding):
            nn.init.trunc_normal_(embedding, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear) and not isinstance(module, StreamFusion):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, poses: Tensor) -> Tensor:
        """Lift windows.

        Args:
            poses: (batch, frames, joints, 3) x, y and confidence, at most `longest` frames.

        Returns:
            (batch, frames, joints, 3).
        """
        tokens = self.embedding(poses) + self.joint_embedding
        tokens = tokens + self.frame_embedding[: poses.shape[1]]
        for level in self.levels:
            tokens = level(tokens)
        return self.head(tokens)
