"""Whether a measurement orders things as another one did: Kendall's tau, and how sure it is.

Pairs that are tied in print claim nothing and are left out, so that tau is 1 where all that print
claims holds (Somers' D of what was measured, given what was printed).

Millimetres differ between data sets; what a paper claims is mostly an order, which may hold or not
on any of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.foundation.seeds import derive_seed
from harness.scoring.resampling import bootstrap
from harness.scoring.statistics import LEVEL
from harness.scoring.takes import Takes

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """How far a measurement repeats an order.

    Attributes:
        tau: Kendall's tau over the pairs that print tells apart, 1 for the same order, -1 for the
            opposite one; None where there is no such pair.
        low: lower limit of its 95 % interval over takes; None where there is a single take.
        high: upper limit, likewise.
        agreeing: pairs that the measurement puts in the same order.
        pairs: pairs that print tells apart.
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
    people could have given. Seeds are resampled with them where there are several.

    Args:
        printed: a value for each model of `takes`.
        takes: the errors measured.
        groups: of each model; only pairs within a group are compared.
        seed: the same seed gives the same digits.
    """
    order = _Order(np.asarray(printed, np.float64), groups)
    values = takes.values()
    if not order.pairs:
        return Agreement(None, None, None, 0, 0)
    tau, agreeing = float(order.tau(values)), order.agreeing(values)
    if len(takes) < 2:
        return Agreement(tau, None, None, agreeing, order.pairs)
    resampled = order.tau(bootstrap(takes, derive_seed(seed, "ordering")))
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Agreement(tau, float(low), float(high), agreeing, order.pairs)


class _Order:
    """The pairs within groups that print tells apart, and the sign of each there."""

    def __init__(self, printed: Floats, groups: Sequence[str]) -> None:
        first, second = np.triu_indices(len(printed), k=1)
        of_group = np.asarray(groups)
        together = of_group[first] == of_group[second]
        chosen = together & (printed[first] != printed[second])
        self.first, self.second = first[chosen], second[chosen]
        self.printed = np.sign(printed[self.second] - printed[self.first])
        self.pairs = int(chosen.sum())

    def same(self, values: Floats) -> Floats:
        """Return (..., pairs) 1 for the same order, -1 for the opposite, 0 for a tie."""
        return self.printed * np.sign(values[..., self.second] - values[..., self.first])

    def agreeing(self, values: Floats) -> int:
        return int((self.same(values) > 0).sum())

    def tau(self, values: Floats) -> Floats:
        """Return (...) the mean of `same` for (..., models) values."""
        return self.same(values).mean(axis=-1)
