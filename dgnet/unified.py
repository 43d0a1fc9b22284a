"""The unified form (table XI): one graph over the joints of frames t - 1, t and t + 1 at once.

The paper names the form without an equation. Here a layer convolves the 3N joints of three frames
as one graph, whose messages share one weight matrix whatever frame they come from; the factorized
form has separate layers, and in time separate matrices, for space, forward and backward.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from dgnet.config import OutsideWindow
from dgnet.convolution import Term, itself_and_others
from dgnet.fixed import LearntAdjacency
from dgnet.frames import over_frames
from dgnet.layer import DynamicalGraphLayer, GraphLayer
from dgnet.neighbours import nearest
from dgnet.weighting import WeightingModule


def three_frames(x: Tensor, outside: OutsideWindow) -> Tensor:
    """Return (T, B, 3N, C): the joints of frames t - 1, t and t + 1 for (T, B, N, C).

    Frames outside the window are zero or repeat the first and last, as `outside` says.
    """
    keep = 1.0 if outside == "replicate" and len(x) > 1 else 0.0
    previous = torch.cat([x[:1] * keep, x[:-1]])
    following = torch.cat([x[1:], x[-1:] * keep])
    return torch.cat([previous, x, following], dim=2)


class FixedSpatioTemporalGraph(GraphLayer):
    """FSG on the graph of three frames.

    Y_t = relu(diag(A_0) X_t Theta_0 + (A_{-1} X_{t-1} + offdiag(A_0) X_t + A_1 X_{t+1}) Theta_1)
    with bias and BatchNorm. [A_{-1} A_0 A_1] is learnt by a softmax over each row on the skeleton's
    edges and self loops in frame t and on the same joint in frames t - 1 and t + 1.

    Args:
        inputs: channels of X.
        outputs: channels of Y.
        bones: (N, N) bool, the skeleton's edges without self loops.
        outside: what stands for the frames outside the window.
    """

    def __init__(self, inputs: int, outputs: int, bones: Tensor, outside: OutsideWindow) -> None:
        super().__init__(inputs, outputs, matrices=2)
        same = torch.eye(len(bones), dtype=torch.bool)
        self.outside = outside
        self.adjacency = LearntAdjacency(torch.cat([same, bones | same, same], dim=1))

    def terms(self, x: Tensor, mask: Tensor | None) -> Sequence[Term]:
        """The equation above; `mask` is not used."""
        before, now, after = self.adjacency().chunk(3, dim=1)
        itself, others = itself_and_others(now)
        neighbours = over_frames(len(x), self.outside, (now, after, before), (1, 1, 1))
        return [itself, others, *neighbours[1:]]


class DynamicalSpatioTemporalGraph(DynamicalGraphLayer):
    """Y_t = relu(B_t [X_{t-1}; X_t; X_{t+1}] Phi): DSG with the neighbours in three frames.

    B_t (N, 3N) connects joint i of frame t with the K of the 3N joints whose features are nearest
    its own, weighted by gamma([x_t^i, x^j]).

    Args:
        inputs: channels of X.
        outputs: channels of Y.
        neighbours: K.
        include_self: whether joint i of frame t may be its own neighbour.
        weighting: see `dgnet.weighting`.
        outside: what stands for the frames outside the window; with "zero" nobody is connected to
            them.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        neighbours: int,
        include_self: bool,
        weighting: WeightingModule,
        outside: OutsideWindow,
    ) -> None:
        super().__init__(inputs, outputs, matrices=1)
        self.neighbours = neighbours
        self.include_self = include_self
        self.weighting = weighting
        self.outside = outside

    def affinity(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Return B, (T, B, N, 3N); `mask` as in `DynamicalSpatialGraph.affinity`, (..., N, 3N)."""
        if mask is None:
            mask = nearest_of_three_frames(x, self.neighbours, self.include_self, self.outside)
        else:
            mask = mask & frames_present(x, self.outside).unsqueeze(-2)
        return self.weighting(x, three_frames(x, self.outside), mask)

    def affinities(self, x: Tensor, mask: Tensor | None) -> Mapping[str, Tensor]:
        """Return what the layer connects, for inspection: {"unified": (T, B, N, 3N)}."""
        return {"unified": self.affinity(x, mask)}

    def terms(self, x: Tensor, mask: Tensor | None) -> Sequence[Term]:
        """The equation above."""
        before, now, after = self.affinity(x, mask).chunk(3, dim=-1)
        return over_frames(len(x), self.outside, (now, after, before), (0, 0, 0))


def nearest_of_three_frames(
    x: Tensor, count: int, include_self: bool, outside: OutsideWindow
) -> Tensor:
    """Mask, (T, B, N, 3N), the joints of three frames whose features are nearest each joint's."""
    return nearest(x, count, include_self, three_frames(x, outside), frames_present(x, outside))


def frames_present(x: Tensor, outside: OutsideWindow) -> Tensor:
    """Return (T, 1, 3N) bool: which of the joints of three frames exist; (T, B, N, C) given."""
    frames, _, joints, _ = x.shape
    present = torch.ones(frames, 3, dtype=torch.bool, device=x.device)
    if outside == "zero" or frames == 1:
        present[0, 0] = present[-1, 2] = False
    return present.repeat_interleave(joints, dim=1).unsqueeze(1)
