"""SemGCN and Martinez et al. in the form of their public code, written from what it computes.

garyzhao/SemGCN: models/sem_graph_conv.py, sem_gcn.py, graph_non_local.py, linear_model.py. Features
are (batch, joints, channels) between graph convolutions and (batch, channels, joints) in batch
norms and non-local blocks.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

PARENTS = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 8, 10, 11, 8, 13, 14)
"""Human3.6M without the neck, as SemGCN has it: 16 joints."""
GROUPS = ((2, 3), (5, 6), (1, 4), (0, 7), (8, 9), (14, 15), (11, 12), (10, 13))
"""The joints that its non-local blocks pool in pairs."""


class PublicGraphConvolution(nn.Module):
    """Two products with dense masks of the adjacency matrix, which is filled on every call."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        joints = len(PARENTS)
        mask = torch.eye(joints, dtype=torch.bool)
        for child, parent in enumerate(PARENTS):
            if parent >= 0:
                mask[child, parent] = mask[parent, child] = True
        self.mask = mask
        self.weight = nn.Parameter(torch.empty(2, inputs, outputs))
        self.edges = nn.Parameter(torch.ones(1, int(mask.sum())))
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.xavier_uniform_(self.weight, gain=1.414)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, joints, inputs) to (batch, joints, outputs)."""
        own, others = torch.matmul(x, self.weight[0]), torch.matmul(x, self.weight[1])
        scores = -9e15 * torch.ones(self.mask.shape)
        scores[self.mask] = self.edges
        adjacency = functional.softmax(scores, dim=1)
        itself = torch.eye(len(scores))
        own = torch.matmul(adjacency * itself, own)
        return own + torch.matmul(adjacency * (1 - itself), others) + self.bias.view(1, 1, -1)


class PublicGraphModule(nn.Module):
    """Graph convolution, batch norm with joints last, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = PublicGraphConvolution(inputs, outputs)
        self.norm = nn.BatchNorm1d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, joints, inputs) to (batch, joints, outputs)."""
        x = self.convolution(x).transpose(1, 2)
        return functional.relu(self.norm(x).transpose(1, 2))


class PublicResidual(nn.Module):
    """x + two modules."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = PublicGraphModule(channels, channels)
        self.second = PublicGraphModule(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, joints, channels) to the same shape."""
        return x + self.second(self.first(x))


class PublicNonLocal(nn.Module):
    """The concatenation form: all pairs of theta and pooled phi, convolved to a scalar."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.g = nn.Sequential(nn.Conv1d(channels, inner, 1), nn.MaxPool1d(2))
        self.phi = nn.Sequential(nn.Conv1d(channels, inner, 1), nn.MaxPool1d(2))
        self.theta = nn.Conv1d(channels, inner, 1)
        self.pair = nn.Sequential(nn.Conv2d(2 * inner, 1, 1, bias=False), nn.ReLU())
        self.out = nn.Sequential(nn.Conv1d(inner, channels, 1), nn.BatchNorm1d(channels))
        self.order = [joint for group in GROUPS for joint in group]
        self.restored = [self.order.index(joint) for joint in range(len(self.order))]

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, joints, channels) to the same shape."""
        x = x[:, self.order].transpose(1, 2)
        batch, inner = len(x), self.theta.out_channels
        g = self.g(x).view(batch, inner, -1).permute(0, 2, 1)
        theta = self.theta(x).view(batch, inner, -1, 1)
        phi = self.phi(x).view(batch, inner, 1, -1)
        theta = theta.expand(-1, -1, -1, phi.shape[3])
        phi = phi.expand(-1, -1, theta.shape[2], -1)
        scores = self.pair(torch.cat([theta, phi], dim=1)).squeeze(1)
        heard = torch.matmul(scores / scores.shape[-1], g).permute(0, 2, 1).contiguous()
        x = self.out(heard) + x
        return x.transpose(1, 2)[:, self.restored]


def public_semgcn(channels: int = 128, modules: int = 4, non_local: bool = False) -> nn.Module:
    """Return SemGCN of 16 joints, with non-local blocks or without."""
    layers: list[nn.Module] = [PublicGraphModule(2, channels)]
    for residual in (None, *range(modules)):
        if residual is not None:
            layers.append(PublicResidual(channels))
        if non_local:
            layers.append(PublicNonLocal(channels))
    return nn.Sequential(*layers, PublicGraphConvolution(channels, 3))


class PublicLinear(nn.Module):
    """One residual stage of two fully connected layers."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.relu, self.dropout = nn.ReLU(inplace=True), nn.Dropout(dropout)
        self.w1, self.batch_norm1 = nn.Linear(width, width), nn.BatchNorm1d(width)
        self.w2, self.batch_norm2 = nn.Linear(width, width), nn.BatchNorm1d(width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, width) to the same shape."""
        y = self.dropout(self.relu(self.batch_norm1(self.w1(x))))
        y = self.dropout(self.relu(self.batch_norm2(self.w2(y))))
        return x + y


def public_martinez(joints: int = 16, width: int = 1024, stages: int = 2) -> nn.Module:
    """Return the fully connected network."""
    return nn.Sequential(
        nn.Flatten(1),
        nn.Linear(2 * joints, width),
        nn.BatchNorm1d(width),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        *(PublicLinear(width, 0.5) for _ in range(stages)),
        nn.Linear(width, 3 * joints),
        nn.Unflatten(1, (joints, 3)),
    )
