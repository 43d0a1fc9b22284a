"""Averages over resampled takes, and over resampled subjects with their takes, from sums alone.

Of n takes n - 1 are drawn (Rao and Wu, 1988): drawing n from so few (four an action, in Human3.6M)
would make the variance too small by (n - 1) / n. Subjects likewise.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from harness.foundation.seeds import derive_seed
from harness.scoring.takes import Takes

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

RESAMPLES = 10_000
AT_ONCE = 1_000  # resamples held in memory together
POOLED = -1  # number of the stratum of groups of one take


def bootstrap(takes: Takes, seed: int) -> Floats:
    """Return (RESAMPLES, models) averages over resampled seeds, where several, and takes."""
    of_seeds = np.random.default_rng(derive_seed(seed, "seeds"))
    strata = strata_of(takes)
    alone = strata == POOLED
    of_group = _of_group(takes)
    parts = []
    # Actions of as many takes are drawn alike, whichever number their group has.
    ranks = np.unique(strata, return_inverse=True)[1]
    for drawn in _drawn_takes(tuple(ranks.tolist()), seed):
        # A group of one is a constant over its own frames; drawing it weighs the group itself.
        counted = drawn if takes.average == "frames" else np.where(alone, 1.0, drawn)
        frames = counted @ (takes.frames[:, None] * of_group)
        sums = _sums(drawn, of_group, _totals_of_drawn_seeds(takes, of_seeds))
        parts.append((sums / frames[:, None]).mean(axis=2))
    return np.concatenate(parts)


def bootstrap_of_subjects(takes: Takes, seed: int) -> Floats:
    """Return (RESAMPLES, models) averages over resampled seeds, subjects, and takes inside each.

    A subject that is drawn twice has its takes drawn twice. They are drawn within each of the
    subject's groups (actions); a lone take there stays, for the draw of subjects has its spread
    already. A resample without anybody who does some action has no such action: a group weighs as
    many of the drawn subjects as do it, relative to how many do in the set.

    Args:
        takes: of two or more subjects.
        seed: the same seed gives the same digits.
    """
    generator = np.random.default_rng(seed)
    of_seeds = np.random.default_rng(derive_seed(seed, "seeds"))
    _, subjects = np.unique(takes.names["subject"].to_numpy(), return_inverse=True)
    people = int(subjects.max()) + 1
    cells = takes.groups * people + subjects
    of_group = _of_group(takes)
    does = np.zeros((people, of_group.shape[1]))
    np.maximum.at(does, subjects, of_group)
    parts = []
    for _ in range(RESAMPLES // AT_ONCE):
        times = generator.multinomial(people - 1, np.full(people, 1.0 / people), size=AT_ONCE)
        drawn = times[:, subjects].astype(np.float64)
        for cell in np.unique(cells):
            chosen = np.flatnonzero(cells == cell)
            n = len(chosen)
            if n > 1:
                of_cell = times[:, subjects[chosen[0]]] * (n - 1)
                counts = generator.multinomial(of_cell, np.full(n, 1.0 / n))
                drawn[:, chosen] = counts * (n / (n - 1))
        frames = drawn @ (takes.frames[:, None] * of_group)
        frames[frames == 0] = 1.0  # a group that nobody drawn does: its sums and weight are 0
        weights = times @ does / does.sum(axis=0)
        weights /= weights.sum(axis=1, keepdims=True)
        sums = _sums(drawn, of_group, _totals_of_drawn_seeds(takes, of_seeds))
        parts.append(np.einsum("nmg,ng->nm", sums / frames[:, None], weights))
    return np.concatenate(parts)


def strata_of(takes: Takes) -> Integers:
    """Return (takes,) what each take is resampled within: its group, or the pool of lone takes."""
    return np.where(np.bincount(takes.groups)[takes.groups] == 1, POOLED, takes.groups)


def _of_group(takes: Takes) -> Floats:
    """Return (takes, groups) 1 where a take is of a group; one group where frames weigh alike."""
    if takes.average == "frames":
        return np.ones((len(takes), 1))
    numbers, groups = np.unique(takes.groups, return_inverse=True)
    return np.equal.outer(groups, np.arange(len(numbers))).astype(np.float64)


def _sums(drawn: Floats, of_group: Floats, totals: Iterable[Floats]) -> Floats:
    """Return (AT_ONCE, models, groups) the sums of the drawn takes.

    Args:
        drawn: (AT_ONCE, takes) how often each take is drawn.
        of_group: (takes, groups) 1 where a take is of a group.
        totals: for each model (AT_ONCE or 1, takes) its sums.
    """
    sums = [
        # One product does for all resamples where no seeds were drawn.
        drawn @ (total.T * of_group) if len(total) == 1 else (drawn * total) @ of_group
        for total in totals
    ]
    return np.stack(sums, axis=1)


@lru_cache(maxsize=8)
def _drawn_takes(strata: tuple[int, ...], seed: int) -> list[Floats]:
    """Return (AT_ONCE, takes) how often each take is drawn, part by part.

    All metrics of a comparison resample the same takes, and cells of as many takes alike, so the
    last draws are kept.
    """
    generator = np.random.default_rng(seed)
    of_take = np.array(strata)
    members = [np.flatnonzero(of_take == stratum) for stratum in np.unique(of_take)]
    parts = []
    for _ in range(RESAMPLES // AT_ONCE):
        drawn = np.ones((AT_ONCE, len(strata)))
        for chosen in members:
            if len(chosen) > 1:
                drawn[:, chosen] = _shares(generator, len(chosen)) * len(chosen)
        drawn.flags.writeable = False
        parts.append(drawn)
    return parts


def _totals_of_drawn_seeds(takes: Takes, generator: np.random.Generator) -> Iterator[Floats]:
    """Yield for each model (AT_ONCE or 1, takes) sums; models of the same seeds draw the same."""
    shares = {
        seeds: _shares(generator, len(seeds)) if len(seeds) > 1 else np.ones((1, 1))
        for seeds in dict.fromkeys(takes.seeds)
    }
    for seeds, by_seed in zip(takes.seeds, takes.by_seed, strict=True):
        yield shares[seeds] @ by_seed


def _shares(generator: np.random.Generator, n: int) -> Floats:
    """Return (AT_ONCE, n) the share of each in n - 1 draws from n."""
    drawn: Floats = generator.multinomial(n - 1, np.full(n, 1.0 / n), size=AT_ONCE) / (n - 1)
    return drawn
