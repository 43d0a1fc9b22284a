"""Dynamical graph convolutions: DSG (eq. 3 to 7) and DTG (eq. 10 to 14)."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from dgnet.config import OutsideWindow
from dgnet.convolution import Term
from dgnet.frames import following, over_frames, previous
from dgnet.layer import DynamicalGraphLayer
from dgnet.neighbours import nearest
from dgnet.weighting import WeightingModule


class DynamicalSpatialGraph(DynamicalGraphLayer):
    """DSG: Y_t = relu(B_t X_t Phi), B_t = D_t * R_t (eq. 6, 7), with bias and BatchNorm.

    Args:
        inputs: channels of X.
        outputs: channels of Y.
        neighbours: K.
        include_self: whether a joint may be its own neighbour.
        weighting: R, see `dgnet.weighting`.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        neighbours: int,
        include_self: bool,
        weighting: WeightingModule,
    ) -> None:
        super().__init__(inputs, outputs, matrices=1)
        self.neighbours = neighbours
        self.include_self = include_self
        self.weighting = weighting

    def affinity(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Return B (eq. 6), (T, B, N, N).

        Args:
            x: (T, B, N, inputs).
            mask: D (eq. 4), (..., N, N) bool; None finds the nearest joints by their features.
        """
        if mask is None:
            mask = nearest(x, self.neighbours, self.include_self)
        return self.weighting.weigh(*self.weighting.parts(x), mask)

    def affinities(self, x: Tensor, mask: Tensor | None) -> Mapping[str, Tensor]:
        """Return what the layer connects, for inspection: {"spatial": (T, B, N, N)}."""
        return {"spatial": self.affinity(x, mask)}

    def terms(self, x: Tensor, mask: Tensor | None) -> Sequence[Term]:
        """Eq. 7."""
        return [Term(0, affinity=self.affinity(x, mask))]


class DynamicalTemporalGraph(DynamicalGraphLayer):
    """DTG: Y_t = relu(X_t U_x + Q_{t+1} X_{t+1} U_f + Q_{t-1} X_{t-1} U_b) (eq. 14).

    Q_{t+1} = L_{t+1} * H_{t+1} connects joint i of frame t with joints of frame t + 1 that move as
    it does, Q_{t-1} likewise (eq. 10 to 13). The motion from t to t + 1 is the forward motion of
    frame t and the backward motion of frame t + 1: one search serves both.

    Args:
        inputs: channels of X.
        outputs: channels of Y.
        neighbours: K.
        include_self: whether the same joint of the other frame may be a neighbour.
        forward_weighting: H_{t+1}, alpha.
        backward_weighting: H_{t-1}, beta.
        outside: what stands for the frames outside the window. "replicate" repeats the first and
            last frame, and the first and last motion: standing still has no nearest motion.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        neighbours: int,
        include_self: bool,
        forward_weighting: WeightingModule,
        backward_weighting: WeightingModule,
        outside: OutsideWindow,
    ) -> None:
        super().__init__(inputs, outputs, matrices=3)
        self.neighbours = neighbours
        self.include_self = include_self
        self.forward_weighting = forward_weighting
        self.backward_weighting = backward_weighting
        self.outside = outside

    def affinity(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return Q_{t+1} of the first frames and Q_{t-1} of the last (eq. 13).

        Args:
            x: (T, B, N, inputs).
            mask: L (eq. 11), (N, N), or (T - 1, B, N, N) by motion; None finds the nearest motions.

        Returns:
            Two of (T - 1, B, N, N), or (T, B, N, N) with frames replicated.
        """
        if mask is None:
            with torch.no_grad():
                motion = x[1:] - x[:-1]
            mask = nearest(motion, self.neighbours, self.include_self)
        hear, tell = self.forward_weighting.parts(x)
        after = following(tell, self.outside)
        repeated = mask.dim() > 2 and len(after) > len(mask)
        of_after = torch.cat([mask, mask[-1:]]) if repeated else mask
        forward = self.forward_weighting.weigh(hear[: len(after)], after, of_after)
        hear, tell = self.backward_weighting.parts(x)
        before = previous(tell, self.outside)
        of_before = torch.cat([mask[:1], mask]) if repeated else mask
        hear = hear[len(hear) - len(before) :]
        return forward, self.backward_weighting.weigh(hear, before, of_before)

    def affinities(self, x: Tensor, mask: Tensor | None) -> Mapping[str, Tensor]:
        """Return what the layer connects, for inspection: {"forward": ..., "backward": ...}."""
        forward, backward = self.affinity(x, mask)
        return {"forward": forward, "backward": backward}

    def terms(self, x: Tensor, mask: Tensor | None) -> Sequence[Term]:
        """Eq. 14."""
        return over_frames(len(x), self.outside, (None, *self.affinity(x, mask)))
