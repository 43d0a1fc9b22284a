"""How much a connection counts: R (eq. 5), H (eq. 12) and their alternatives of table VII."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional

from dgnet.config import WeightBound, Weighting


class WeightingModule(nn.Module, ABC):
    """Weights of connections, from a part that receivers and a part that senders contribute.

    The parts are found once for all frames; which frames listen to which is a matter of slices.
    """

    @abstractmethod
    def parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return what joints contribute as receivers and as senders, (..., N, any) twice.

        Args:
            x: (..., N, C) features.
        """

    @abstractmethod
    def weigh(self, receiver: Tensor, sender: Tensor, mask: Tensor) -> Tensor:
        """Weigh what each joint hears.

        Args:
            receiver: the first of `parts` of the N joints that listen.
            sender: the second of `parts` of the M joints that they may listen to.
            mask: (..., N, M) bool, broadcastable: who is connected.

        Returns:
            (..., N, M): 0 where the mask is false.
        """

    def forward(self, receiver: Tensor, sender: Tensor, mask: Tensor) -> Tensor:
        """Return (..., N, M) weights, 0 where the mask is false.

        Args:
            receiver: (..., N, C) features of the joints that listen.
            sender: (..., M, C) features of the joints that they may listen to.
            mask: (..., N, M) bool, broadcastable: who is connected.
        """
        return self.weigh(self.parts(receiver)[0], self.parts(sender)[1], mask)


class Unweighted(WeightingModule):
    """Every connection counts 1: the affinity is the mask itself."""

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features, of which only the number of joints counts."""
        return x, x

    def weigh(self, receiver: Tensor, sender: Tensor, mask: Tensor) -> Tensor:
        """Return the mask as numbers, for each frame and window."""
        weights = mask.to(receiver.dtype)
        return weights.expand(*receiver.shape[:-1], sender.shape[-2])


class FullyConnected(WeightingModule):
    """gamma([x_i, x_j]), one fully connected layer to a scalar (eq. 5, 12), bounded.

    The layer on a concatenation is a sum of two: gamma([x_i, x_j]) = a.x_i + b.x_j + c. With the
    bound "softmax" the terms a.x_i + c are the same for all neighbours of joint i and cancel: they
    are parameters without effect, and a.x_i is not computed.

    Args:
        channels: width of the features.
        bound: "raw" leaves the score as it is, which diverges in evaluation mode; "sigmoid" and
            "tanh" bound each score, "softmax" makes the weights of a joint's neighbours sum to 1.
    """

    def __init__(self, channels: int, bound: WeightBound) -> None:
        super().__init__()
        self.bound = bound
        self.score = nn.Linear(2 * channels, 1)

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return a.x_i and b.x_j + c; with the bound "softmax" the latter twice."""
        of_receiver, of_sender = self.score.weight.chunk(2, dim=1)
        told = functional.linear(x, of_sender, self.score.bias)
        return (told if self.bound == "softmax" else functional.linear(x, of_receiver)), told

    def weigh(self, receiver: Tensor, sender: Tensor, mask: Tensor) -> Tensor:
        """Return the bounded sums of both parts."""
        told = sender.transpose(-1, -2)
        if self.bound == "softmax":
            return masked_softmax(told, mask)
        score = receiver + told
        if self.bound == "sigmoid":
            score = score.sigmoid()
        elif self.bound == "tanh":
            score = score.tanh()
        return score * mask


class EmbeddedGaussian(WeightingModule):
    """exp(theta(x_i).phi(x_j)) normalised over the neighbours (Wang et al., CVPR 2018, eq. 4).

    theta and phi are linear layers to half the width. The kernel is normalised by definition, so no
    further bound applies.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(1, channels // 2)
        self.theta = nn.Linear(channels, inner)
        self.phi = nn.Linear(channels, inner)

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return theta(x_i) and phi(x_j)."""
        return self.theta(x), self.phi(x)

    def weigh(self, receiver: Tensor, sender: Tensor, mask: Tensor) -> Tensor:
        """Return the normalised kernel."""
        return masked_softmax(receiver @ sender.transpose(-1, -2), mask)


def masked_softmax(score: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the last axis where `mask` is true, 0 elsewhere; without any, all weigh alike.

    Only the unified form can have rows without a true value, for joints connected solely to frames
    outside the window.
    """
    return torch.where(mask, score, torch.finfo(score.dtype).min).softmax(-1)


def make_weighting(weighting: Weighting, channels: int, bound: WeightBound) -> WeightingModule:
    """Return the module that weighs connections."""
    if weighting == "none":
        return Unweighted()
    if weighting == "embedded_gaussian":
        return EmbeddedGaussian(channels)
    return FullyConnected(channels, bound)
