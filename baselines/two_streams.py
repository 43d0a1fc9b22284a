"""What MotionAGFormer and DSTformer share: two streams fused per token, and the head."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class StreamFusion(nn.Linear):
    """A weighted mean of two streams, weights per token by a softmax over a linear map of both.

    It starts as the plain mean: weight zero, bias one half. Row 0 of the weight is for the first
    stream; its first half of columns reads the first stream.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(2 * channels, 2)
        nn.init.zeros_(self.weight)
        nn.init.constant_(self.bias, 0.5)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:  # type: ignore[override]
        """Map two (..., channels) to their weighted mean."""
        of_first, of_second = self.weight.chunk(2, dim=1)
        # By parts: the two streams side by side would be a copy of both.
        scores = functional.linear(first, of_first, self.bias)
        scores = scores + functional.linear(second, of_second)
        # A softmax over two is a sigmoid of their difference.
        share = torch.sigmoid(scores[..., :1] - scores[..., 1:])
        return torch.lerp(second, first, share)


class RepresentationHead(nn.Sequential):
    """Layer norm, linear map to the representation, tanh, linear map to coordinates.

    Args:
        channels: of the input.
        representation: width of the representation.
        eps: of the layer norm.
    """

    def __init__(self, channels: int, representation: int, eps: float) -> None:
        super().__init__(
            nn.LayerNorm(channels, eps=eps),
            nn.Linear(channels, representation),
            nn.Tanh(),
            nn.Linear(representation, 3),
        )
