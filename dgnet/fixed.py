"""Fixed graph convolutions: FSG over the skeleton (eq. 1, 2) and FTG over time (eq. 8, 9)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dgnet.config import OutsideWindow
from dgnet.convolution import Term, itself_and_others
from dgnet.frames import over_frames
from dgnet.layer import GraphLayer


class LearntAdjacency(nn.Module):
    """Learnable edge weights, by a softmax over each row's edges (SemGCN).

    Args:
        edges: (N, M) bool with at least one edge in each row.
    """

    places: Tensor

    def __init__(self, edges: Tensor) -> None:
        super().__init__()
        self.shape = edges.shape
        self.register_buffer("places", edges.flatten().nonzero().squeeze(1), persistent=False)
        self.score = nn.Parameter(torch.ones(len(self.places)))

    def forward(self) -> Tensor:
        """Return (N, M): rows sum to 1, 0 where there is no edge."""
        empty = self.score.new_full((self.shape.numel(),), -torch.inf)
        return empty.scatter(0, self.places, self.score).view(self.shape).softmax(-1)


class FixedSpatialGraph(GraphLayer):
    """FSG: Y_t = relu(A X_t Theta), with the good practices of SemGCN.

    A is learnt on the skeleton's edges and self loops, by a softmax over each row; a joint itself
    and its neighbours have a weight matrix each:
    Y_t = relu(BatchNorm(diag(A) X_t Theta_0 + offdiag(A) X_t Theta_1 + bias)).

    Args:
        inputs: channels of X.
        outputs: channels of Y.
        bones: (N, N) bool, the skeleton's edges without self loops.
        activated: whether BatchNorm and ReLU follow.
    """

    def __init__(self, inputs: int, outputs: int, bones: Tensor, activated: bool = True) -> None:
        super().__init__(inputs, outputs, matrices=2, activated=activated)
        self.adjacency = LearntAdjacency(bones | torch.eye(len(bones), dtype=torch.bool))

    def terms(self, x: Tensor, mask: Tensor | None) -> Sequence[Term]:
        """Eq. 2; `mask` is not used."""
        return itself_and_others(self.adjacency())


class FixedTemporalGraph(GraphLayer):
    """FTG: Y_t = relu(X_t W_x + X_{t+1} W_f + X_{t-1} W_b) (eq. 9), with bias and BatchNorm.

    Args:
        inputs: channels of X.
        outputs: channels of Y.
        outside: what stands for the frames outside the window.
    """

    def __init__(self, inputs: int, outputs: int, outside: OutsideWindow) -> None:
        super().__init__(inputs, outputs, matrices=3)
        self.outside = outside

    def terms(self, x: Tensor, mask: Tensor | None) -> Sequence[Term]:
        """Eq. 9; `mask` is not used."""
        return over_frames(len(x), self.outside, (None, None, None))
