"""The literal reading of DG-Net's equations, on the weights of a network of `dgnet`.

It builds all N x N pairs of concatenated features, loops over the frames and runs one neighbour
search for each direction of motion: what the fast form is compared with, in numbers and in time.
For the default switches.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from dgnet import DGNet, Levels
from dgnet.dynamical import DynamicalSpatialGraph, DynamicalTemporalGraph
from dgnet.fixed import FixedSpatialGraph, FixedTemporalGraph
from dgnet.layer import GraphLayer
from dgnet.nonlocal_block import NonLocalBlock


def literal_levels(network: DGNet, keypoints: Tensor) -> Levels:
    """Return what `DGNet.levels` does, equation by equation."""
    x = literal_layer(network.input, keypoints)
    features, heads = [], []
    for block in network.blocks:
        for unit, non_local in (
            (block.spatial_unit, block.after_spatial),
            (block.temporal_unit, block.after_temporal),
        ):
            for module in unit:
                x = x + literal_layer(module.second, literal_layer(module.first, x))
            x = literal_non_local(non_local, x)
        features.append(x)
    for head, feature in zip(network.block_heads, features, strict=False):
        module = head.module
        feature = feature + literal_layer(module.second, literal_layer(module.first, feature))
        heads.append(literal_layer(head.out, feature))
    return Levels(literal_layer(network.head, torch.cat(features, dim=-1)), tuple(heads))


def literal_layer(layer: GraphLayer, x: Tensor) -> Tensor:
    """Convolve frame by frame, then BatchNorm and ReLU; x is (B, T, N, C)."""
    frames = [_CONVOLUTIONS[type(layer)](layer, x, t) for t in range(x.shape[1])]
    y = torch.stack(frames, dim=1) + layer.bias
    if layer.norm is None:
        return y
    return (
        layer.norm(y.permute(0, 3, 1, 2).flatten(2))
        .unflatten(2, y.shape[1:3])
        .permute(0, 2, 3, 1)
        .relu()
    )


def literal_fsg(layer: FixedSpatialGraph, x: Tensor, t: int) -> Tensor:
    """Eq. 2 for one frame."""
    adjacency = layer.adjacency()
    own = torch.eye(x.shape[2], dtype=x.dtype)
    neighbours = torch.matmul(adjacency * (1 - own), torch.matmul(x[:, t], layer.weight[:, 1]))
    return torch.matmul(adjacency * own, torch.matmul(x[:, t], layer.weight[:, 0])) + neighbours


def literal_ftg(layer: FixedTemporalGraph, x: Tensor, t: int) -> Tensor:
    """Eq. 9 for one frame, zero outside the window."""
    y = x[:, t] @ layer.weight[:, 0]
    if t + 1 < x.shape[1]:
        y = y + x[:, t + 1] @ layer.weight[:, 1]
    if t > 0:
        y = y + x[:, t - 1] @ layer.weight[:, 2]
    return y


def literal_knn(rows: Tensor, count: int) -> Tensor:
    """Eq. 3: the 0/1 mask of the `count` nearest rows of (B, N, C)."""
    distance = (rows.unsqueeze(2) - rows.unsqueeze(1)).square().sum(dim=-1).sqrt()
    chosen = distance.topk(count, dim=-1, largest=False).indices
    return torch.zeros_like(distance).scatter(-1, chosen, 1.0)


def literal_affinity(score: nn.Linear, receiver: Tensor, sender: Tensor, mask: Tensor) -> Tensor:
    """Eq. 5 and 6 on all concatenated pairs, with the softmax bound."""
    joints = receiver.shape[1]
    pairs = torch.cat(
        [
            receiver.unsqueeze(2).expand(-1, -1, joints, -1),
            sender.unsqueeze(1).expand(-1, joints, -1, -1),
        ],
        dim=-1,
    )
    return score(pairs).squeeze(-1).masked_fill(mask == 0, -torch.inf).softmax(dim=-1)


def literal_dsg(layer: DynamicalSpatialGraph, x: Tensor, t: int) -> Tensor:
    """Eq. 7 for one frame."""
    mask = literal_knn(x[:, t], layer.neighbours)
    affinity = literal_affinity(layer.weighting.score, x[:, t], x[:, t], mask)
    return affinity @ x[:, t] @ layer.weight[:, 0]


def literal_dtg(layer: DynamicalTemporalGraph, x: Tensor, t: int) -> Tensor:
    """Eq. 14 for one frame, zero outside the window."""
    y = x[:, t] @ layer.weight[:, 0]
    if t + 1 < x.shape[1]:
        mask = literal_knn(x[:, t + 1] - x[:, t], layer.neighbours)
        score = layer.forward_weighting.score
        y = (
            y
            + literal_affinity(score, x[:, t], x[:, t + 1], mask) @ x[:, t + 1] @ layer.weight[:, 1]
        )
    if t > 0:
        mask = literal_knn(x[:, t] - x[:, t - 1], layer.neighbours)
        score = layer.backward_weighting.score
        y = (
            y
            + literal_affinity(score, x[:, t], x[:, t - 1], mask) @ x[:, t - 1] @ layer.weight[:, 2]
        )
    return y


def literal_non_local(block: NonLocalBlock, x: Tensor) -> Tensor:
    """The concatenation form on all pairs, frame by frame."""
    joints = x.shape[2]
    frames = []
    for t in range(x.shape[1]):
        theta, phi, g = block.theta(x[:, t]), block.phi(x[:, t]), block.g(x[:, t])
        pairs = torch.cat(
            [
                theta.unsqueeze(2).expand(-1, -1, joints, -1),
                phi.unsqueeze(1).expand(-1, joints, -1, -1),
            ],
            dim=-1,
        )
        frames.append(block.out(block.pair(pairs).squeeze(-1).relu() / joints @ g))
    y = torch.stack(frames, dim=1)
    return x + block.norm(y.flatten(0, 2)).view_as(y)


_CONVOLUTIONS: dict[type, Callable[..., Tensor]] = {
    FixedSpatialGraph: literal_fsg,
    FixedTemporalGraph: literal_ftg,
    DynamicalSpatialGraph: literal_dsg,
    DynamicalTemporalGraph: literal_dtg,
}
