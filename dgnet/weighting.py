"""How much a connection counts: R (eq. 5), H (eq. 12) and their alternatives of table VII."""

import torch
from torch import Tensor, nn

from dgnet.config import WeightBound, Weighting


class Unweighted(nn.Module):
    """Every connection counts 1: the affinity is the mask itself."""

    def forward(self, receiver: Tensor, sender: Tensor, mask: Tensor) -> Tensor:
        """Return (..., N, M) weights of `mask`; see `FullyConnected`."""
        weights = mask.to(receiver.dtype)
        return weights.expand(*receiver.shape[:-1], sender.shape[-2])


class FullyConnected(nn.Module):
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

    def forward(self, receiver: Tensor, sender: Tensor, mask: Tensor) -> Tensor:
        """Weigh what each joint hears.

        Args:
            receiver: (..., N, C) features of the joints that listen.
            sender: (..., M, C) features of the joints that they may listen to.
            mask: (..., N, M) bool, broadcastable: who is connected.

        Returns:
            (..., N, M): 0 where the mask is false.
        """
        of_receiver, of_sender = self.score.weight[0].chunk(2)
        told = (sender @ of_sender + self.score.bias).unsqueeze(-2)
        if self.bound == "softmax":
            return masked_softmax(told, mask)
        score = (receiver @ of_receiver).unsqueeze(-1) + told
        if self.bound == "sigmoid":
            score = score.sigmoid()
        elif self.bound == "tanh":
            score = score.tanh()
        return score * mask


class EmbeddedGaussian(nn.Module):
    """exp(theta(x_i).phi(x_j)) normalised over the neighbours (Wang et al., CVPR 2018, eq. 4).

    theta and phi are linear layers to half the width. The kernel is normalised by definition, so no
    further bound applies.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(1, channels // 2)
        self.theta = nn.Linear(channels, inner)
        self.phi = nn.Linear(channels, inner)

    def forward(self, receiver: Tensor, sender: Tensor, mask: Tensor) -> Tensor:
        """Return (..., N, M) weights; arguments as `FullyConnected.forward`."""
        return masked_softmax(self.theta(receiver) @ self.phi(sender).transpose(-1, -2), mask)


def masked_softmax(score: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the last axis where `mask` is true, 0 elsewhere.

    A row without a true value would have no softmax; it weighs all alike. Only the unified form can
    have such rows, for joints connected solely to frames outside the window, whose features are 0.
    """
    return torch.where(mask, score, torch.finfo(score.dtype).min).softmax(-1)


def make_weighting(weighting: Weighting, channels: int, bound: WeightBound) -> nn.Module:
    """Return the module that weighs connections: (receiver, sender, mask) -> weights."""
    if weighting == "none":
        return Unweighted()
    if weighting == "embedded_gaussian":
        return EmbeddedGaussian(channels)
    return FullyConnected(channels, bound)
