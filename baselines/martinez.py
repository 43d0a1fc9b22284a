"""The simple baseline: a fully-connected residual network (Martinez et al., ICCV 2017)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.dropout import Dropout


class BoundedLinear(nn.Linear):
    """A linear layer whose weight matrix may be held to a largest norm.

    Where the Frobenius norm of the weight exceeds `max_norm`, the layer computes with the weight
    scaled down to that norm (una-dinosauria/3d-pose-baseline, linear_model.py, `--max_norm`).
    """

    def __init__(self, in_features: int, out_features: int, max_norm: float | None) -> None:
        super().__init__(in_features, out_features)
        self.max_norm = max_norm
        nn.init.kaiming_normal_(self.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Map (batch, in features) to (batch, out features)."""
        weight = self.weight
        if self.max_norm is not None:
            weight = weight * (self.max_norm / weight.norm()).clamp(max=1.0)
        return functional.linear(features, weight, self.bias)


class FullyConnectedLayer(nn.Module):
    """Linear, batch norm, ReLU, dropout."""

    def __init__(
        self, in_features: int, out_features: int, dropout: float, max_norm: float | None
    ) -> None:
        super().__init__()
        self.linear = BoundedLinear(in_features, out_features, max_norm)
        self.norm = nn.BatchNorm1d(out_features)
        self.dropout = Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        """Map (batch, in features) to (batch, out features)."""
        return self.dropout(torch.relu(self.norm(self.linear(features))))


class ResidualStage(nn.Module):
    """Two fully-connected layers with a skip connection around both (figure 1 of the paper)."""

    def __init__(self, width: int, dropout: float, max_norm: float | None) -> None:
        super().__init__()
        self.first = FullyConnectedLayer(width, width, dropout, max_norm)
        self.second = FullyConnectedLayer(width, width, dropout, max_norm)

    def forward(self, features: Tensor) -> Tensor:
        """Map (batch, width) to the same shape."""
        return features + self.second(self.first(features))


class Martinez(nn.Module):
    """All coordinates of a 2D pose in, all coordinates of a 3D pose out."""

    def __init__(
        self,
        joints_in: int,
        joints_out: int,
        *,
        stages: int = 2,
        width: int = 1024,
        dropout: float = 0.5,
        max_norm: float | None = None,
    ) -> None:
        """Build the network.

        Args:
            joints_in: joints of the 2D pose.
            joints_out: joints of the 3D pose.
            stages: residual stages of two layers each.
            width: units of every hidden layer.
            dropout: after every hidden layer.
            max_norm: largest Frobenius norm of any weight matrix, or None.
        """
        super().__init__()
        self.joints_out = joints_out
        self.input = FullyConnectedLayer(joints_in * 2, width, dropout, max_norm)
        self.stages = nn.Sequential(
            *(ResidualStage(width, dropout, max_norm) for _ in range(stages))
        )
        self.output = BoundedLinear(width, joints_out * 3, max_norm)

    def forward(self, keypoints: Tensor) -> Tensor:
        """Map (batch, joints in, 2) to (batch, joints out, 3)."""
        features = self.stages(self.input(keypoints.flatten(1)))
        return self.output(features).unflatten(1, (self.joints_out, 3))
