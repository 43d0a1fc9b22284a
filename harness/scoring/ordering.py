"""Whether a measurement orders things as another one did: Kendall's tau, and how sure it is.

Millimetres differ between data sets; what a paper claims is mostly an order, which may hold or not
on any of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.runs.seeds import derive_seed
from harness.scoring.statistics import LEVEL, bootstrap
from harness.scoring.takes import Takes

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """How far a measurement repeats an order.

    Attributes:
        tau: Kendall's tau-b, 1 for the same order, -1 for the opposite one; None where nothing is
            ordered.
        low: lower limit of its 95 % interval over takes; None where there is a single take.
        high: upper limit, likewise.
        agreeing: pairs that the measurement puts in the same order.
        pairs: pairs that are ordered at all.
    """

    tau: float | None
    low: float | None
    high: float | None
    agreeing: int
    pairs: int


def agreement(
    printed: Sequence[float], takes: Takes, groups: Sequence[str], seed: int = 0
) -> Agreement:
    """Return how far the errors on `takes` repeat the order of printed values.

    The interval is that of the percentiles over resampled takes: what another recording of the same
    people could have given. It does not speak about other training runs.

    Args:
        printed: a value for each model of `takes`.
        takes: the errors measured.
        groups: of each model; only pairs within a group are compared.
        seed: the same seed gives the same digits.
    """
    order = _Order(np.asarray(printed, np.float64), groups)
    values = takes.values()
    tau = float(order.tau(values))
    agreeing, pairs = order.agreeing(values), int(np.abs(order.printed).sum())
    if np.isnan(tau) or len(takes) < 2:
        return Agreement(None if np.isnan(tau) else tau, None, None, agreeing, pairs)
    resampled = order.tau(bootstrap(takes, derive_seed(seed, "ordering")))
    low, high = np.nanquantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Agreement(tau, float(low), float(high), agreeing, pairs)


class _Order:
    """The pairs within groups, and the sign of each in print."""

    def __init__(self, printed: Floats, groups: Sequence[str]) -> None:
        first, second = np.triu_indices(len(printed), k=1)
        of_group = np.asarray(groups)
        together = of_group[first] == of_group[second]
        self.first, self.second = first[together], second[together]
        self.printed = np.sign(printed[self.second] - printed[self.first])

    def signs(self, values: Floats) -> Floats:
        return np.sign(values[..., self.second] - values[..., self.first])

    def agreeing(self, values: Floats) -> int:
        return int((self.signs(values) * self.printed > 0).sum())

    def tau(self, values: Floats) -> Floats:
        """Return tau-b of (..., models) values, NaN where print or values are all ties."""
        signs = self.signs(values)
        told_apart = np.abs(self.printed).sum() * np.abs(signs).sum(axis=-1)
        with np.errstate(invalid="ignore"):
            return (signs * self.printed).sum(axis=-1) / np.sqrt(told_apart)
