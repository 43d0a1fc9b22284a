"""Semantic graph convolution, the layer of SemGCN (Zhao et al., CVPR 2019), and its module."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from baselines.dropout import Dropout
from dgnet.convolution import graph_product, itself_and_others, normalised_graph_product

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
        windows = features.flatten(0, -3).unsqueeze(0)
        weight, terms = self.weight.transpose(0, 1), itself_and_others(self.edge_weights())
        return graph_product(windows, weight, self.bias, terms).view(*features.shape[:-1], -1)


class GraphConvolutionModule(nn.Module):
    """Semantic graph convolution, batch norm over all joints, ReLU, dropout."""

    def __init__(
        self, joints: int, edges: Edges, in_channels: int, out_channels: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.convolution = SemanticGraphConvolution(joints, edges, in_channels, out_channels)
        self.norm = nn.BatchNorm1d(out_channels)
        self.dropout = Dropout(dropout)

    def forward(self, features: Tensor, residual: Tensor | None = None) -> Tensor:
        """Map (batch, joints, in channels) to (batch, joints, out channels), added to a residual.

        Args:
            features: of all joints.
            residual: what is added after dropout, if anything.
        """
        layer, drops = self.convolution, self.dropout.p > 0
        mapped = normalised_graph_product(
            features.unsqueeze(0),
            layer.weight.transpose(0, 1),
            layer.bias,
            itself_and_others(layer.edge_weights()),
            self.norm,
            None if drops or residual is None else residual.unsqueeze(0),
        ).squeeze(0)
        if not drops:
            return mapped
        dropped = self.dropout(mapped)
        return dropped if residual is None else residual + dropped


class ResidualGraphModule(nn.Module):
    """Two graph convolution modules of equal width with a skip connection around both."""

    def __init__(self, joints: int, edges: Edges, channels: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.first = GraphConvolutionModule(joints, edges, channels, channels, dropout)
        self.second = GraphConvolutionModule(joints, edges, channels, channels, dropout)

    def forward(self, features: Tensor) -> Tensor:
        """Map (batch, joints, channels) to the same shape."""
        return self.second(self.first(features), features)
