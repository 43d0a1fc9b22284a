"""The spatial non-local block, in the concatenation form that SemGCN's public code uses."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class NonLocalBlock(nn.Module):
    """x + BatchNorm(W(1/N * f(x) g(x))), f_ij = relu(w.[theta(x_i), phi(x_j)]).

    Form, initial values and inner width C / 2 as in garyzhao/SemGCN, models/graph_non_local.py;
    BatchNorm starts at 0, so the block starts as the identity. Joints are not grouped: SemGCN pools
    16 joints in pairs, which is not defined for other skeletons.

    f needs theta and phi only through one scalar each: w.[theta(x_i), phi(x_j)] =
    (w_1 theta).x_i + (w_2 phi).x_j + const. The layers fold into two vectors, in training too: the
    same function of the same parameters, so the same gradient.

    Args:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(1, channels // 2)
        self.g = nn.Linear(channels, inner)
        self.theta = nn.Linear(channels, inner)
        self.phi = nn.Linear(channels, inner)
        self.pair = nn.Linear(2 * inner, 1, bias=False)
        self.out = nn.Linear(inner, channels)
        self.norm = nn.BatchNorm1d(channels)
        for layer in (self.g, self.theta, self.phi, self.pair, self.out):
            nn.init.kaiming_normal_(layer.weight)
        for layer in (self.g, self.theta, self.phi, self.out):
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return (T, B, N, C) for (T, B, N, C)."""
        of_theta, of_phi = (self.pair.weight[0] / x.shape[-2]).chunk(2)
        # One product gives g and both scores, one for each end of a pair.
        mapped = functional.linear(
            x,
            torch.cat(
                [
                    self.g.weight,
                    torch.stack([of_theta @ self.theta.weight, of_phi @ self.phi.weight]),
                ]
            ),
            torch.cat(
                [self.g.bias, torch.stack([of_theta @ self.theta.bias, of_phi @ self.phi.bias])]
            ),
        )
        g, first, second = mapped.split([self.g.out_features, 1, 1], dim=-1)
        affinity = (first + second.transpose(-1, -2)).relu_()
        y = self.out(affinity @ g)
        return x + self.norm(y.flatten(0, -2)).view_as(y)
