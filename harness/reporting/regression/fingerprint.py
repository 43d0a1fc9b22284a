"""A few numbers that stand for many: what a step saw, gave and moved, small enough for git."""

from collections.abc import Iterable

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor


class Fingerprint(BaseModel):
    """Two numbers that change when any of the numbers they were made of does, or their order.

    Attributes:
        norm: Euclidean norm of all the numbers.
        projection: their product with a fixed vector of uniform random numbers in [-1, 1].
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    norm: float
    projection: float

    def differs_from(self, other: "Fingerprint", tolerance: float) -> bool:
        """Return whether the two differ by more than `tolerance` times the norm."""
        bound = tolerance * max(abs(self.norm), abs(other.norm))
        pairs = ((self.norm, other.norm), (self.projection, other.projection))
        return not all(abs(one - two) <= bound for one, two in pairs)  # also where one is NaN

    def beside(self, reference: "Fingerprint") -> str:
        """Return the number that differs more, of this one and of the reference, in words."""
        if abs(self.projection - reference.projection) > abs(self.norm - reference.norm):
            return (
                f"of weighted sum {self.projection:.9g}, the reference's {reference.projection:.9g}"
            )
        return f"of norm {self.norm:.9g}, the reference's {reference.norm:.9g}"


def fingerprint(tensors: Iterable[Tensor | None]) -> Fingerprint:
    """Return the fingerprint of tensors one after the other; what is not a number counts as 0."""
    parts = [part.detach().double().reshape(-1) for part in tensors if part is not None]
    values = torch.cat(parts).nan_to_num(nan=0.0).cpu().numpy()
    direction = np.random.default_rng(0).uniform(-1.0, 1.0, len(values))
    return Fingerprint(
        norm=rounded(float(np.sqrt(values @ values))), projection=rounded(float(values @ direction))
    )


def rounded(value: float) -> float:
    """Return a value to the twelve digits that are kept of it."""
    return float(f"{value:.12g}")
