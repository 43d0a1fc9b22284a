"""What transformers over joints and frames share: attention, MLP, drop path and their block."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Attention(nn.Module):
    """Multi-head self-attention over the last axis but one, without masks.

    One linear map gives query, key and value, in this order; head i owns the i-th run of channels
    of each. softmax(Q K^T / sqrt(d)) V, heads side by side, then a linear map with bias.

    Args:
        channels: of input and output; a multiple of `heads`.
        heads: their number.
        qkv_bias: whether the first linear map has a bias.
    """

    def __init__(self, channels: int, heads: int = 8, *, qkv_bias: bool = True) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"{channels} channels cannot be shared out among {heads} heads")
        self.heads = heads
        self.qkv = nn.Linear(channels, 3 * channels, bias=qkv_bias)
        self.out = nn.Linear(channels, channels)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (..., tokens, channels) to the same shape; leading axes are batch."""
        count, channels = tokens.shape[-2:]
        mapped = self.qkv(tokens).reshape(-1, count, 3, self.heads, channels // self.heads)
        # Four axes: with more, the fused kernels of the CPU are not used.
        query, key, value = mapped.permute(2, 0, 3, 1, 4).unbind(0)
        heard = functional.scaled_dot_product_attention(query, key, value)
        return self.out(heard.transpose(1, 2).reshape(tokens.shape))


class MLP(nn.Sequential):
    """Linear, exact GELU, linear; `ratio` times as wide inside.

    Args:
        channels: of input and output.
        ratio: width inside, in `channels`.
    """

    def __init__(self, channels: int, ratio: int) -> None:
        super().__init__(
            nn.Linear(channels, ratio * channels),
            nn.GELU(),
            nn.Linear(ratio * channels, channels),
        )


class DropPath(nn.Module):
    """In training, leave out a residual branch at random (Huang et al., ECCV 2016).

    Every group of tokens that attend to one another is kept or left out whole; what is kept is
    divided by the probability of being kept.

    Args:
        rate: probability of being left out.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, branch: Tensor) -> Tensor:
        """Map (..., tokens, channels) to the same shape; one draw per entry of the leading axes."""
        if not self.training or self.rate == 0:
            return branch
        kept = 1 - self.rate
        # Uniform numbers, for the same masks on every CPU (see baselines/dropout.py).
        shape = (*branch.shape[:-2], 1, 1)
        draws = torch.rand(shape, dtype=torch.float64, device=branch.device) < kept
        return branch * (draws.to(branch) / kept)


class TransformerBlock(nn.Module):
    """x + Attention(LN(x)), then x + MLP(LN(x)).

    Args:
        channels: of input and output.
        ratio: width of the MLP, in `channels`.
        heads: of the attention.
        drop_path: probability with which either branch is left out in training.
    """

    def __init__(
        self, channels: int, ratio: int, *, heads: int = 8, drop_path: float = 0.0
    ) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(channels, eps=1e-6)
        self.attention = Attention(channels, heads)
        self.mlp_norm = nn.LayerNorm(channels, eps=1e-6)
        self.mlp = MLP(channels, ratio)
        self.drop_path = DropPath(drop_path)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (..., tokens, channels) to the same shape; leading axes are batch."""
        tokens = tokens + self.drop_path(self.attention(self.attention_norm(tokens)))
        return tokens + self.drop_path(self.mlp(self.mlp_norm(tokens)))


def drop_path_rates(last: float, depth: int) -> list[float]:
    """Return rates that rise in equal steps from 0 in the first block to `last` in the last."""
    return [last * block / max(depth - 1, 1) for block in range(depth)]
