"""The body as a graph: plain numbers, so that any project can use the network."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class BodyGraph:
    """Joints, bones and mirror images.

    Attributes:
        joints: number of joints N.
        edges: bones as pairs of joint indices.
        mirror_pairs: (left, right) pairs of joint indices; joints in no pair lie on the midline.
    """

    joints: int
    edges: Sequence[tuple[int, int]]
    mirror_pairs: Sequence[tuple[int, int]] = ()

    def __post_init__(self) -> None:
        for name in ("edges", "mirror_pairs"):
            for pair in getattr(self, name):
                if not all(0 <= joint < self.joints for joint in pair) or pair[0] == pair[1]:
                    raise ValueError(
                        f"{name} has {tuple(pair)}, but joints are 0..{self.joints - 1}"
                    )

    def bones(self) -> Tensor:
        """Return (N, N) bool: joints i and j are connected in the skeleton (eq. 1)."""
        return self._symmetric(self.edges)

    def mirrors(self) -> Tensor:
        """Return (N, N) bool: j is the mirror image of i; a midline joint is its own."""
        mirrors = self._symmetric(self.mirror_pairs)
        return mirrors | torch.diag(~mirrors.any(dim=1))

    def _symmetric(self, pairs: Sequence[tuple[int, int]]) -> Tensor:
        matrix = torch.zeros(self.joints, self.joints, dtype=torch.bool)
        for first, second in pairs:
            matrix[first, second] = matrix[second, first] = True
        return matrix
