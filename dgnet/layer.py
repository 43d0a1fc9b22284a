"""What all graph layers share: relu(BatchNorm(convolution)), and modules of two such layers.

Features are laid out (frames, batch, joints, channels): the frames before and after are contiguous
slices, and one matrix product serves all frames of all windows.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from dgnet.convolution import Term, graph_product, normalised_graph_product


class GraphLayer(nn.Module, ABC):
    """Y = relu(BatchNorm(sum over k of affinity_k X W_k + bias)).

    Args:
        inputs: channels of X.
        outputs: channels of Y.
        matrices: how many weight matrices W_k.
        activated: whether BatchNorm and ReLU follow; heads go without.
    """

    def __init__(self, inputs: int, outputs: int, matrices: int, activated: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, matrices, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.norm = nn.BatchNorm1d(outputs) if activated else None
        self.reset_weight(1.0)

    def reset_weight(self, scale: float) -> None:
        """Draw the first weights: uniform, of standard deviation scale / sqrt(inputs * outputs).

        That is about half of what SemGCN's public code draws (Xavier's rule on the stacked
        matrices), and far below Xavier's rule on each matrix. Layers without BatchNorm, the heads,
        start a hundred times smaller still, so that the first predictions are all but zero:
        otherwise they are metres off, and Adam remembers those first gradients for a thousand
        steps in which it then hardly moves.
        """
        inputs, _, outputs = self.weight.shape
        deviation = (0.01 if self.norm is None else scale) / (inputs * outputs) ** 0.5
        nn.init.uniform_(self.weight, -deviation * 3**0.5, deviation * 3**0.5)

    @abstractmethod
    def terms(self, x: Tensor, mask: Tensor | None) -> Sequence[Term]:
        """Return what is added up: affinity_k and where it applies.

        Args:
            x: (T, B, N, inputs).
            mask: who is connected, or None for layers that find out or need not know.
        """

    def forward(
        self, x: Tensor, mask: Tensor | None = None, residual: Tensor | None = None
    ) -> Tensor:
        """Return (T, B, N, outputs) for (T, B, N, inputs), added to `residual` if there is one."""
        terms = self.terms(x, mask)
        if self.norm is None:
            return graph_product(x, self.weight, self.bias, terms)
        return normalised_graph_product(x, self.weight, self.bias, terms, self.norm, residual)


class DynamicalGraphLayer(GraphLayer):
    """A graph layer whose affinity depends on its input."""

    @abstractmethod
    def affinities(self, x: Tensor, mask: Tensor | None) -> Mapping[str, Tensor]:
        """Return the affinity matrices by name; arguments as `terms`."""


class Residual(nn.Module):
    """x + layer(layer(x)): the two-layer module every graph convolution comes in."""

    def __init__(self, make_layer: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.first = make_layer()
        self.second = make_layer()

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return (T, B, N, C) for (T, B, N, C)."""
        return self.second(self.first(x, mask), mask, x)
