"""How sure a difference between two models is: intervals and tests over takes, never over frames.

Neighbouring frames are nearly copies of each other, and the cameras of a take see one motion. What
may be called independent is the take, so takes are resampled and takes swap sides.

Interval: paired bootstrap within the groups of the protocol, so that no group is ever empty. Both
models are resampled together. Of the n takes of a group n - 1 are drawn (Rao and Wu, 1988): drawing
n from so few (four an action, in Human3.6M) would make the variance too small by (n - 1) / n. The
limits are percentiles, taken as far out as Student's t is from the normal (Hesterberg, 2015). Not
BCa: a difference of means is close to symmetric, and the acceleration that BCa corrects by cannot
be estimated from four takes. Even so an interval from n takes lies within their extremes, and such
an interval misses in one case of 2^(n - 1): with four takes it is no 95 % but at best 87 %.
Groups of a single take are resampled among each other as if they were one group; their spread then
holds the difference between groups too, which errs to the safe side. A lone such group cannot be
resampled and is held fixed.

Test: paired sign flips. If two models were alike, each take's difference could as well have the
other sign. All patterns of signs are tried where they are few, a random sample elsewhere. No
p-value from n takes is below 2 / 2^n, so an action of four takes is never significant alone.

Both speak about other takes like these: not about other subjects (test sets have two), and not
about other training runs, whose results are averaged take by take before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from harness.runs.seeds import derive_seed
from harness.scoring.takes import Takes

Floats = NDArray[np.float64]

LEVEL = 0.95
RESAMPLES = 10_000
AT_ONCE = 1_000  # resamples held in memory together
POOLED = -1  # number of the stratum of groups of one take
MOST_EXACT_TAKES = 14  # their 2^14 patterns are about as many as a random sample takes


@dataclass(frozen=True)
class Difference:
    """A model's average minus the first model's.

    Attributes:
        value: the difference, in the unit of the metric.
        low: lower limit of its 95 % interval; None where there is a single take.
        high: upper limit, likewise.
        p_value: of the hypothesis that the models are alike; None where there is a single take.
    """

    value: float
    low: float | None
    high: float | None
    p_value: float | None


def differences_to_first(takes: Takes, seed: int = 0) -> list[Difference]:
    """Return how each model but the first differs from the first on `takes`.

    Args:
        takes: errors of two or more models.
        seed: the same seed gives the same digits.
    """
    apart = Takes(
        takes.names,
        takes.totals[1:] - takes.totals[0],
        takes.frames,
        takes.groups,
        takes.average,
    )
    values = apart.values()
    if len(apart) < 2:
        return [Difference(float(value), None, None, None) for value in values]
    resampled = bootstrap(apart, derive_seed(seed, "bootstrap"))
    tail = ndtr(stdtrit(_degrees_of_freedom(apart), (1 - LEVEL) / 2))
    low, high = np.quantile(resampled, [tail, 1 - tail], axis=0)
    flips_seed = derive_seed(seed, "sign flips")
    return [
        Difference(
            float(value),
            float(low[index]),
            float(high[index]),
            sign_flip_p_value(apart.weights() * apart.totals[index], flips_seed),
        )
        for index, value in enumerate(values)
    ]


def bootstrap(takes: Takes, seed: int) -> Floats:
    """Return (RESAMPLES, models) averages over resampled takes."""
    generator = np.random.default_rng(seed)
    strata = _strata(takes)
    alone = strata == POOLED
    numbers, groups = np.unique(takes.groups, return_inverse=True)
    of_group = np.equal.outer(groups, np.arange(len(numbers))).astype(np.float64)
    if takes.average == "frames":
        of_group = np.ones((len(takes), 1))
    parts = []
    for _ in range(RESAMPLES // AT_ONCE):
        drawn = np.ones((AT_ONCE, len(takes)))
        for stratum in np.unique(strata):
            chosen = np.flatnonzero(strata == stratum)
            n = len(chosen)
            if n > 1:
                counts = generator.multinomial(n - 1, np.full(n, 1.0 / n), size=AT_ONCE)
                drawn[:, chosen] = counts * (n / (n - 1))
        # A group of one is a constant over its own frames; drawing it weighs the group itself.
        counted = drawn if takes.average == "frames" else np.where(alone, 1.0, drawn)
        frames = (counted * takes.frames) @ of_group
        sums = np.stack([(drawn * total) @ of_group for total in takes.totals], axis=1)
        parts.append((sums / frames[:, None]).mean(axis=2))
    return np.concatenate(parts)


def _strata(takes: Takes) -> NDArray[np.int64]:
    """Return (takes,) what each take is resampled within: its group, or the pool of lone takes."""
    return np.where(np.bincount(takes.groups)[takes.groups] == 1, POOLED, takes.groups)


def _degrees_of_freedom(takes: Takes) -> int:
    strata = _strata(takes)
    return max(1, len(strata) - len(np.unique(strata)))


def sign_flip_p_value(contributions: Floats, seed: int) -> float:
    """Return how often random signs make the sum at least as far from 0 as it is.

    Args:
        contributions: (takes,) what each take adds to the difference of the averages.
        seed: for the sample of sign patterns where there are too many to try all.
    """
    takes = len(contributions)
    # Rounding must not decide whether a pattern ties with the one observed.
    observed = abs(contributions.sum()) - 1e-12 * np.abs(contributions).sum()
    if takes <= MOST_EXACT_TAKES:
        patterns = np.arange(2**takes)[:, None] >> np.arange(takes) & 1
        return float(np.mean(np.abs((2 * patterns - 1) @ contributions) >= observed))
    generator = np.random.default_rng(seed)
    as_far = 0
    for _ in range(RESAMPLES // AT_ONCE):
        signs = 2 * generator.integers(0, 2, size=(AT_ONCE, takes)) - 1
        as_far += int(np.sum(np.abs(signs @ contributions) >= observed))
    return (1 + as_far) / (1 + RESAMPLES)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p-values corrected for their number (Holm, 1979); None stays and is not counted."""
    known = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, index) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        corrected[index] = largest
    return corrected
