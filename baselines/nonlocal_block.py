"""SemGCN's non-local block that pools groups of joints (garyzhao, graph_non_local.py)."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from dgnet.nonlocal_block import NonLocalBlock

Groups = Sequence[Sequence[int]]


class GroupedNonLocalBlock(NonLocalBlock):
    """x + BatchNorm(W(1/M sum_m relu(w.[theta(x_i), phi_m]) g_m)), m over M groups of joints.

    phi_m and g_m are the largest phi(x_j) and g(x_j), channel by channel, of the joints j in group
    m. The maximum stands between phi and w, so only theta folds into a vector here.

    Args:
        channels: C.
        groups: the joints of each group; every joint in one.
    """

    group_table: Tensor

    def __init__(self, channels: int, groups: Groups) -> None:
        super().__init__(channels)
        # A smaller group repeats its last member, which does not change its maximum.
        largest = max(len(group) for group in groups)
        table = [[*group, *[group[-1]] * (largest - len(group))] for group in groups]
        self.register_buffer("group_table", torch.tensor(table), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., N, C) for (..., N, C)."""
        of_theta, of_phi = self.pair.weight[0].chunk(2)
        inner = len(of_phi)
        # One product gives g, phi and the score of theta together.
        mapped = functional.linear(
            x,
            torch.cat([self.g.weight, self.phi.weight, (of_theta @ self.theta.weight)[None]]),
            torch.cat([self.g.bias, self.phi.bias, (of_theta @ self.theta.bias)[None]]),
        )
        pooled = mapped[..., self.group_table, : 2 * inner].amax(dim=-2)
        score = mapped[..., -1:] + (pooled[..., inner:] @ of_phi).unsqueeze(-2)
        y = self.out(score.relu() @ pooled[..., :inner] / len(self.group_table))
        return x + self.norm(y.flatten(0, -2)).view_as(y)
