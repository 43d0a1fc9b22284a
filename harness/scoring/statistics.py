"""How sure a difference between two models is: intervals and tests over takes, never over frames.

Neighbouring frames are nearly copies of each other, and the cameras of a take see one motion. What
may be called independent is the take, so takes are resampled and takes swap sides.

Interval: paired bootstrap within the groups of the protocol, so that no group is ever empty. Both
models are resampled together (`harness.scoring.resampling`). The limits are percentiles, taken as
far out as Student's t is from the normal (Hesterberg, 2015). Not BCa: a difference of means is
close to symmetric, and the acceleration that BCa corrects by cannot be estimated from four takes.
Even so an interval from n takes lies within their extremes, and such an interval misses in one case
of 2^(n - 1): with four takes it is no 95 % but at best 87 %.
Groups of a single take are resampled among each other as if they were one group; their spread then
holds the difference between groups too, which errs to the safe side. A lone such group cannot be
resampled and is held fixed.

Several training seeds: where both models have them, seeds are resampled first and takes after, n -
1 of n as above. Models of the same seeds are resampled together: a seed draws the same order of
windows for both. From two or three seeds percentiles cannot reach far enough out (two draw nothing
beyond the better and the worse), so the interval is Student's: the standard error of the resamples,
with the degrees of freedom that Satterthwaite (1946) gives to the sum of the variance between
seeds, which has few, and that between takes. The test is the same t.

One seed: the test is of paired sign flips over takes. If two runs were alike, each take's
difference could as well have the other sign. All patterns of signs are tried where they are few, a
random sample elsewhere. No p-value from n takes is below 2 / 2^n, so an action of four takes is
never significant alone. It speaks of these two runs on other takes, not of the methods: another
seed may turn it, so it earns no mark.

Neither speaks about other subjects: `harness.scoring.subject_intervals` does, where a test set has
enough of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtr, stdtrit

from harness.foundation.seeds import derive_seed
from harness.scoring.resampling import AT_ONCE, RESAMPLES, bootstrap, strata_of
from harness.scoring.takes import Takes

Floats = NDArray[np.float64]

LEVEL = 0.95
SIGNIFICANT = 0.05
MOST_EXACT_TAKES = 14  # their 2^14 patterns are about as many as a random sample takes


@dataclass(frozen=True)
class Difference:
    """A model's average minus the first model's.

    Attributes:
        value: the difference, in the unit of the metric.
        low: lower limit of its 95 % interval; None where there is a single take.
        high: upper limit, likewise.
        p_value: of the hypothesis that the models are alike; None where there is a single take.
        smallest_p: the smallest p-value that a test on so many takes can give.
        seeds: training seeds of the model that has fewer.
    """

    value: float
    low: float | None
    high: float | None
    p_value: float | None
    smallest_p: float = 0.0
    seeds: int = 1


def differences_to_first(takes: Takes, seed: int = 0) -> list[Difference]:
    """Return how each model but the first differs from the first on `takes`.

    Args:
        takes: errors of two or more models.
        seed: the same seed gives the same digits.
    """
    values = takes.values()[1:] - takes.values()[0]
    seeds = [min(len(takes.seeds[0]), len(own)) for own in takes.seeds[1:]]
    if len(takes) < 2:
        return [
            Difference(float(value), None, None, None, 1.0, of_model)
            for value, of_model in zip(values, seeds, strict=True)
        ]
    resampled = bootstrap(takes, derive_seed(seed, "bootstrap"))
    found = []
    for index, of_model in enumerate(seeds, start=1):
        apart = resampled[:, index] - resampled[:, 0]
        several = of_model > 1
        found.append(
            _over_seeds(takes, index, apart) if several else _over_takes(takes, index, apart, seed)
        )
    return found


def _over_takes(takes: Takes, index: int, resampled: Floats, seed: int) -> Difference:
    """Return how a model differs where one of the two has a single seed."""
    tail = ndtr(stdtrit(_degrees_of_freedom(takes), (1 - LEVEL) / 2))
    low, high = np.quantile(resampled, [tail, 1 - tail])
    apart = takes.weights() * (takes.totals[index] - takes.totals[0])
    p_value = sign_flip_p_value(apart, derive_seed(seed, "sign flips"))
    return Difference(float(apart.sum()), float(low), float(high), p_value, 2.0 ** (1 - len(takes)))


def _over_seeds(takes: Takes, index: int, resampled: Floats) -> Difference:
    """Return how a model differs where both have several seeds."""
    seeds = between_seeds(takes, index)
    of_takes = max(float(resampled.var()) - sum(of for of, _ in seeds), 0.0)
    value = float(takes.values()[index] - takes.values()[0])
    low, high, p_value = student(value, [*seeds, (of_takes, _degrees_of_freedom(takes))])
    fewer = min(len(takes.seeds[0]), len(takes.seeds[index]))
    return Difference(value, low, high, p_value, seeds=fewer)


def between_seeds(takes: Takes, index: int) -> list[tuple[float, int]]:
    """Return the variances, with degrees of freedom, that seeds bring into a model's difference.

    Nothing where the model or the first has a single seed.
    """
    first, own = takes.by_seed[0] @ takes.weights(), takes.by_seed[index] @ takes.weights()
    if min(len(first), len(own)) < 2:
        return []
    paired = takes.seeds[0] == takes.seeds[index]
    return [_spread(own - first)] if paired else [_spread(own), _spread(first)]


def student(value: float, parts: Sequence[tuple[float, int]]) -> tuple[float, float, float]:
    """Return limits and two-sided p-value of an average whose variance is a sum of estimates.

    The degrees of freedom of the sum are those of Satterthwaite (1946).

    Args:
        value: the average.
        parts: the squared standard errors, with the degrees of freedom of each.
    """
    variance = sum(of for of, _ in parts)
    by_freedom = sum(of**2 / freedom for of, freedom in parts)
    if not by_freedom:  # the same on every take and of every seed
        return value, value, float(value == 0.0)
    freedom, error = variance**2 / by_freedom, variance**0.5
    reach = float(stdtrit(freedom, (1 + LEVEL) / 2) * error)
    return value - reach, value + reach, float(2 * stdtr(freedom, -abs(value) / error))


def _spread(by_seed: Floats) -> tuple[float, int]:
    """Return the squared standard error of a mean over seeds and its degrees of freedom."""
    return float(by_seed.var(ddof=1) / len(by_seed)), len(by_seed) - 1


def _degrees_of_freedom(takes: Takes) -> int:
    strata = strata_of(takes)
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
        return float(np.mean(np.abs(_sign_patterns(takes) @ contributions) >= observed))
    generator = np.random.default_rng(seed)
    as_far = 0
    for _ in range(RESAMPLES // AT_ONCE):
        signs = 2 * generator.integers(0, 2, size=(AT_ONCE, takes)) - 1
        as_far += int(np.sum(np.abs(signs @ contributions) >= observed))
    return (1 + as_far) / (1 + RESAMPLES)


@lru_cache(maxsize=2)
def _sign_patterns(takes: int) -> Floats:
    """Return (2^(takes - 1), takes) every pattern of signs, of two that are opposite only one."""
    return np.where(np.arange(2 ** (takes - 1))[:, None] >> np.arange(takes) & 1, 1.0, -1.0)


def possible_tests(smallest: Sequence[float]) -> list[bool]:
    """Return which of several tests could be significant at all after correction (Tarone, 1990).

    A test that cannot get below SIGNIFICANT / k, whatever its data, is not counted among the k.

    Args:
        smallest: the smallest p-value that each test can give.
    """
    for count in range(1, len(smallest) + 1):
        possible = [p < SIGNIFICANT / count for p in smallest]
        if sum(possible) <= count:
            return possible
    return []


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p-values corrected for their number (Holm, 1979); None stays and is not counted."""
    known = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, index) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        corrected[index] = largest
    return corrected
