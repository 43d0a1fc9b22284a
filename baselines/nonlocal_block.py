"""Non-local block over the joints of a pose (Wang et al., CVPR 2018, as SemGCN uses it)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

Groups = Sequence[Sequence[int]]


class NonLocalBlock(nn.Module):
    """Z_i = X_i + BatchNorm(output(1/M sum_j relu(w . [query_i, key_j]) value_j)).

    Query, key and value are linear maps to half the channels. With groups, keys and values are
    max-pooled over each group of joints first, so j runs over M groups instead of all joints
    (garyzhao/SemGCN, graph_non_local.py). The batch norm starts at zero: an untrained block is
    the identity.

    The concatenation form uses the query, and without groups the key too, only through its
    product with w; the two linear maps are therefore applied as one vector.

    Attributes:
        pair_weight: (2 * inner channels,), w: for the query, then for the key.
    """

    group_table: Tensor | None

    def __init__(self, channels: int, groups: Groups | None = None) -> None:
        super().__init__()
        inner = channels // 2
        self.query = nn.Linear(channels, inner)
        self.key = nn.Linear(channels, inner)
        self.value = nn.Linear(channels, inner)
        self.pair_weight = nn.Parameter(torch.randn(2 * inner) * inner**-0.5)
        self.output = nn.Linear(inner, channels)
        self.norm = nn.BatchNorm1d(channels)
        for linear in (self.query, self.key, self.value, self.output):
            nn.init.kaiming_normal_(linear.weight)
            nn.init.zeros_(linear.bias)
        nn.init.zeros_(self.norm.weight)
        table = None if groups is None else _padded_table(groups)
        self.register_buffer("group_table", table, persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Map (..., joints, channels) to the same shape."""
        batch = features.flatten(0, -3)
        for_query, for_key = self.pair_weight.chunk(2)
        inner = len(for_query)
        query_weight, query_bias = for_query @ self.query.weight, for_query @ self.query.bias
        if self.group_table is None:
            key_weight = (for_key @ self.key.weight).unsqueeze(0)
            key_bias = (for_key @ self.key.bias).unsqueeze(0)
        else:
            key_weight, key_bias = self.key.weight, self.key.bias
        # One product for value, key and query score together.
        mapped = torch.nn.functional.linear(
            batch,
            torch.cat([self.value.weight, key_weight, query_weight.unsqueeze(0)]),
            torch.cat([self.value.bias, key_bias, query_bias.unsqueeze(0)]),
        )
        value_and_key, query_score = mapped[..., :-1], mapped[..., -1]
        if self.group_table is None:
            value, key_score = value_and_key[..., :inner], value_and_key[..., inner]
        else:
            pooled = value_and_key[:, self.group_table].amax(dim=2)
            value, key_score = pooled[..., :inner], pooled[..., inner:] @ for_key
        pairs = torch.relu(query_score.unsqueeze(-1) + key_score.unsqueeze(-2))
        message = self.output(pairs @ value / value.shape[-2])
        return features + self.norm(message.flatten(0, 1)).view_as(features)


def _padded_table(groups: Groups) -> Tensor:
    """Return (groups, largest size) indices; a smaller group repeats its last member.

    The repetition does not change the group's maximum.
    """
    largest = max(len(group) for group in groups)
    return torch.tensor([[*group, *[group[-1]] * (largest - len(group))] for group in groups])
