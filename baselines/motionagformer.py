"""MotionAGFormer: attention beside graph convolutions (Mehraban et al., WACV 2024)."""

from collections.abc import Sequence
from math import sqrt

import torch
from torch import Tensor, nn

from baselines.attention import MLP, Attention
from baselines.fixed_matrix import FixedMatrix
from baselines.two_streams import RepresentationHead, StreamFusion

NEIGHBOURS = (
    *((1, 7), (0, 2), (1, 3), (2,), (0, 5), (4, 6), (5,), (0, 8), (7, 9), (8, 10), (9,)),
    *((8, 12), (11, 13), (12,), (8, 15), (14, 16), (15,)),
)
"""Joints that each of Human3.6M's 17 joints hears in the published spatial graph.

Not symmetric, and no joint hears itself: the left hip hears the root, which does not hear it; both
shoulders hear the thorax, which hears neither (TaatiTeam/MotionAGFormer, model/modules/graph.py).
"""


class GraphConvolution(nn.Module):
    """relu(y + BN(A V(y) + U(y))), A the normalised graph; its batch norm is over the nodes.

    Args:
        nodes: of the graph, which are the channels of the batch norm.
        channels: of input and output.
    """

    def __init__(self, nodes: int, channels: int) -> None:
        super().__init__()
        self.nodes = nodes
        self.own = nn.Linear(channels, channels)
        self.heard = nn.Linear(channels, channels)
        self.norm = nn.BatchNorm1d(nodes)
        for linear in (self.own, self.heard):
            nn.init.normal_(linear.weight, std=sqrt(2 / channels))

    def forward(self, features: Tensor) -> Tensor:
        """Map (..., nodes, channels) to the same shape; leading axes are batch."""
        flat = features.reshape(-1, *features.shape[-2:])
        mixed = self.own(flat) + self.propagated(flat, self.heard(flat))
        return torch.relu(flat + self.norm(mixed)).view(features.shape)

    def propagated(self, features: Tensor, values: Tensor) -> Tensor:
        """Return A `values`, where A may depend on `features`; both (batch, nodes, channels)."""
        raise NotImplementedError


class SpatialGraphConvolution(GraphConvolution):
    """A graph convolution over the joints of a frame.

    Args:
        neighbours: joints that each joint hears.
        channels: of input and output.
    """

    def __init__(self, neighbours: Sequence[Sequence[int]], channels: int) -> None:
        super().__init__(len(neighbours), channels)
        degrees = [len(heard) for heard in neighbours]
        adjacency = torch.zeros(self.nodes, self.nodes, dtype=torch.float64)
        for joint, heard in enumerate(neighbours):
            for other in heard:
                # By the degrees of rows on both sides, although the graph is not symmetric.
                adjacency[joint, other] = 1 / sqrt(degrees[joint] * degrees[other])
        self.graph = FixedMatrix(adjacency)

    def propagated(self, features: Tensor, values: Tensor) -> Tensor:
        """Return A `values`."""
        return self.graph(values)


class TemporalGraphConvolution(GraphConvolution):
    """A graph convolution over the frames of a joint, which finds its graph itself.

    A frame hears the frames whose features have the largest dot products with its own: those that
    reach the k-th largest, so more than k where some are equal. It need not hear itself.

    Args:
        frames: length of the window.
        channels: of input and output.
        neighbours: k.
    """

    def __init__(self, frames: int, channels: int, neighbours: int) -> None:
        super().__init__(frames, channels)
        self.neighbours = min(neighbours, frames)

    def propagated(self, features: Tensor, values: Tensor) -> Tensor:
        """Return A `values`; the choice of neighbours has no gradient."""
        with torch.no_grad():
            similarity = features @ features.transpose(1, 2)
            least = similarity.topk(self.neighbours, dim=-1).values[..., -1:]
            heard = (similarity >= least).to(values.dtype)
            scale = heard.sum(dim=-1, keepdim=True).rsqrt()
        # Scaled as vectors: two products with diagonal matrices would cost as much again.
        return scale * (heard @ (scale * values))


class ScaledBlock(nn.Module):
    """x + s1 mixer(LN(x)), then x + s2 MLP(LN(x)), with learned scales per channel.

    Args:
        mixer: maps (..., nodes, channels) to the same shape.
        channels: of input and output.
        ratio: width of the MLP, in `channels`.
    """

    def __init__(self, mixer: nn.Module, channels: int, ratio: int) -> None:
        super().__init__()
        self.mixer_norm = nn.LayerNorm(channels, eps=1e-5)
        self.mixer = mixer
        self.mixer_scale = nn.Parameter(torch.full((channels,), 1e-5))
        self.mlp_norm = nn.LayerNorm(channels, eps=1e-5)
        self.mlp = MLP(channels, ratio)
        self.mlp_scale = nn.Parameter(torch.full((channels,), 1e-5))

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (..., nodes, channels) to the same shape; leading axes are batch."""
        tokens = torch.addcmul(tokens, self.mixer_scale, self.mixer(self.mixer_norm(tokens)))
        return torch.addcmul(tokens, self.mlp_scale, self.mlp(self.mlp_norm(tokens)))


class AttentionGraphLayer(nn.Module):
    """A stream of attention and a stream of graph convolutions, each over joints, then frames."""

    def __init__(
        self,
        frames: int,
        channels: int,
        ratio: int,
        heads: int,
        neighbours: int,
        joint_neighbours: Sequence[Sequence[int]],
    ) -> None:
        super().__init__()

        def attention() -> ScaledBlock:
            return ScaledBlock(Attention(channels, heads, qkv_bias=False), channels, ratio)

        self.attention_spatial = attention()
        self.attention_temporal = attention()
        self.graph_spatial = ScaledBlock(
            SpatialGraphConvolution(joint_neighbours, channels), channels, ratio
        )
        self.graph_temporal = ScaledBlock(
            TemporalGraphConvolution(frames, channels, neighbours), channels, ratio
        )
        self.fusion = StreamFusion(channels)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (batch, frames, joints, channels) to the same shape."""
        attended = self.attention_spatial(tokens).transpose(1, 2)
        attended = self.attention_temporal(attended).transpose(1, 2)
        convolved = self.graph_spatial(tokens).transpose(1, 2)
        convolved = self.graph_temporal(convolved).transpose(1, 2)
        return self.fusion(attended, convolved)


class MotionAGFormer(nn.Module):
    """Lifts all frames of a window, with confidence as third input.

    It has no embedding of time; the batch norms over frames fix the length of the window
    (TaatiTeam/MotionAGFormer, model/MotionAGFormer.py).
    """

    def __init__(
        self,
        frames: int,
        *,
        channels: int = 128,
        depth: int = 16,
        ratio: int = 4,
        heads: int = 8,
        neighbours: int = 2,
        representation: int = 512,
        joint_neighbours: Sequence[Sequence[int]] = NEIGHBOURS,
    ) -> None:
        """Build the network.

        Args:
            frames: length of the window.
            channels: of every token.
            depth: layers of two streams.
            ratio: width of the MLPs, in `channels`.
            heads: of the attention.
            neighbours: frames that a frame hears in the temporal graph.
            representation: width of the features before the last linear map.
            joint_neighbours: joints that each joint hears in the spatial graph.
        """
        super().__init__()
        self.embedding = nn.Linear(3, channels)
        self.joint_embedding = nn.Parameter(torch.zeros(len(joint_neighbours), channels))
        self.layers = nn.Sequential(
            *(
                AttentionGraphLayer(frames, channels, ratio, heads, neighbours, joint_neighbours)
                for _ in range(depth)
            )
        )
        self.head = RepresentationHead(channels, representation, eps=1e-5)

    def forward(self, poses: Tensor) -> Tensor:
        """Lift windows.

        Args:
            poses: (batch, frames, joints, 3) x, y and confidence, frames as many as the network is
                made for.

        Returns:
            (batch, frames, joints, 3).
        """
        return self.head(self.layers(self.embedding(poses) + self.joint_embedding))
