"""Dropout with the same masks on every CPU."""

import torch
from torch import Tensor, nn


class Dropout(nn.Dropout):
    """nn.Dropout whose masks depend on torch's seed alone.

    On Intel's processors torch lets Intel's library draw the masks of nn.Dropout, on others it
    draws them itself (bernoulli_scalar_kernel in ATen's DistributionKernels.cpp), so that a seed
    gives other masks there. Uniform numbers are torch's own everywhere.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Zero each number with probability p and scale the others by 1 / (1 - p)."""
        if not self.training or self.p == 0:
            return features
        kept = torch.rand_like(features) >= self.p
        return features * kept / (1 - self.p) if self.p < 1 else features * 0
