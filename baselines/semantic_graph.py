"""Semantic graph convolution, the layer of SemGCN (Zhao et al., CVPR 2019), and its module."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from baselines.dropout import Dropout

Edges = Sequence[tuple[int, int]]


def adjacency_mask(joints: int, edges: Edges) -> Tensor:
    """Return the (joints, joints) bool matrix of an undirected graph with self-connections."""
    mask = torch.eye(joints, dtype=torch.bool)
    for first, second in edges:
        mask[first, second] = mask[second, first] = True
    return mask


class SemanticGraphConvolution(nn.Module):
    """Y = diag(A) X W_self + (A - diag(A)) X W_neighbour + bias.

    A holds one learnt logit an edge (self-connections included), softmaxed over each joint's
    neighbourhood: the channel-shared form of eq. 3 of Zhao et al. with separate weights for the
    joint itself and its neighbours, as their code has it (garyzhao/SemGCN, sem_graph_conv.py).

    Attributes:
        weight: (2, in channels, out channels): for the joint itself, for its neighbours.
        edge_logits: (edges,), in row-major order of the adjacency matrix.
        bias: (out channels,).
    """

    mask: Tensor

    def __init__(self, joints: int, edges: Edges, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.register_buffer("mask", adjacency_mask(joints, edges), persistent=False)
        self.weight = nn.Parameter(torch.empty(2, in_channels, out_channels))
        self.edge_logits = nn.Parameter(torch.ones(int(self.mask.sum())))
        self.bias = nn.Parameter(torch.empty(out_channels))
        nn.init.xavier_uniform_(self.weight, gain=math.sqrt(2))
        nn.init.uniform_(self.bias, -(out_channels**-0.5), out_channels**-0.5)

    def edge_weights(self) -> Tensor:
        """Return A, (joints, joints): rows sum to one, zero where the skeleton has no edge."""
        logits = torch.full_like(self.mask, -torch.inf, dtype=self.edge_logits.dtype)
        return logits.masked_scatter(self.mask, self.edge_logits).softmax(dim=1)

    def forward(self, features: Tensor) -> Tensor:
        """Map (..., joints, in channels) to (..., joints, out channels)."""
        weights = self.edge_weights()
        itself = weights.diagonal()
        neighbours = (weights - itself.diag()) @ features
        # One product with both weight matrices stacked is faster than two products of half size.
        both = torch.cat([itself.unsqueeze(-1) * features, neighbours], dim=-1)
        return both @ self.weight.flatten(0, 1) + self.bias


class GraphConvolutionModule(nn.Module):
    """Semantic graph convolution, batch norm over all joints, ReLU, dropout."""

    def __init__(
        self, joints: int, edges: Edges, in_channels: int, out_channels: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.convolution = SemanticGraphConvolution(joints, edges, in_channels, out_channels)
        self.norm = nn.BatchNorm1d(out_channels)
        self.dropout = Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        """Map (..., joints, in channels) to (..., joints, out channels)."""
        mapped = self.convolution(features)
        normalised = self.norm(mapped.flatten(0, -2)).view_as(mapped)
        return self.dropout(torch.relu(normalised))


class ResidualGraphModule(nn.Module):
    """Two graph convolution modules of equal width with a skip connection around both."""

    def __init__(self, joints: int, edges: Edges, channels: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.first = GraphConvolutionModule(joints, edges, channels, channels, dropout)
        self.second = GraphConvolutionModule(joints, edges, channels, channels, dropout)

    def forward(self, features: Tensor) -> Tensor:
        """Map (..., joints, channels) to the same shape."""
        return features + self.second(self.first(features))
