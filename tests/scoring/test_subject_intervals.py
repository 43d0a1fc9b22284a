"""Intervals over subjects: against a slow, literal resampling, by simulation, and by property."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from harness.scoring import resampling
from harness.scoring.resampling import bootstrap_of_subjects
from harness.scoring.statistics import differences_to_first
from harness.scoring.subject_intervals import intervals_over_subjects, told_of_subjects
from harness.scoring.takes import Takes

Floats = NDArray[np.float64]
TIMES = 1000


def make_takes(
    rows: Sequence[tuple[str, int, int]],
    differences: Floats | Sequence[float],
    average: Literal["groups", "frames"] = "groups",
) -> Takes:
    """Two models whose errors differ by (takes,) or (seeds, takes) mm.

    `rows` are subject, action and frames of each take.
    """
    subjects, groups, frames = (np.array(column) for column in zip(*rows, strict=True))
    names = pd.DataFrame({"subject": subjects, "action": groups, "subaction": range(len(rows))})
    apart = np.atleast_2d(np.asarray(differences, np.float64))
    base = 50.0 * frames * np.ones((len(apart), 1))
    seeds = tuple(range(len(apart)))
    return Takes(
        names, (base, base + apart * frames), (seeds, seeds), frames, groups.astype(int), average
    )


def literal(takes: Takes, times: int) -> Floats:
    """Return averages of the second model minus the first, resampled one by one and by hand."""
    rng = np.random.default_rng(7)
    whose = takes.names["subject"].to_numpy()
    people = np.unique(whose)
    apart = takes.totals[1] - takes.totals[0]
    groups = takes.groups if takes.average == "groups" else np.zeros_like(takes.groups)
    values = []
    for _ in range(times):
        chosen: list[tuple[int, float]] = []
        drawn = rng.choice(people, size=len(people) - 1)
        for subject in drawn:
            for group in np.unique(takes.groups):
                own = np.flatnonzero((whose == subject) & (takes.groups == group))
                if len(own) == 1:
                    chosen.append((int(own[0]), 1.0))
                elif len(own) > 1:
                    picked = rng.choice(own, size=len(own) - 1)
                    chosen += [(int(take), len(own) / (len(own) - 1)) for take in picked]
        means, weights = [], []
        for group in np.unique(groups):
            inside = [(take, weight) for take, weight in chosen if groups[take] == group]
            if not inside:
                continue
            frames = sum(weight * takes.frames[take] for take, weight in inside)
            means.append(sum(weight * apart[take] for take, weight in inside) / frames)
            doing = np.unique(whose[groups == group])
            weights.append(np.isin(drawn, doing).sum() / len(doing))
        values.append(np.average(means, weights=weights))
    return np.array(values)


# Balanced as Human3.6M; unbalanced as free motion, where some actions are one person's.
BALANCED = [(f"S{s}", action, 100) for s in range(4) for action in range(3) for _ in range(2)]
UNBALANCED = [
    *(("A", 0, 300), ("A", 0, 100), ("A", 1, 50), ("B", 0, 200), ("B", 2, 400)),
    *(("C", 1, 80), ("C", 1, 90), ("C", 1, 70), ("D", 3, 500), ("E", 0, 20), ("E", 3, 60)),
]


@pytest.mark.parametrize("average", ["groups", "frames"])
@pytest.mark.parametrize("rows", [BALANCED, UNBALANCED])
def test_sums_give_what_a_literal_resampling_gives(
    rows: list[tuple[str, int, int]], average: Literal["groups", "frames"]
) -> None:
    rng = np.random.default_rng(3)
    of_person = {row[0]: rng.normal(0, 3) for row in rows}
    takes = make_takes(rows, [of_person[row[0]] + rng.normal(0, 2) for row in rows], average)
    values = bootstrap_of_subjects(takes, 0)
    fast, slow = values[:, 1] - values[:, 0], literal(takes, TIMES)
    assert fast.mean() == pytest.approx(slow.mean(), abs=4 * slow.std() / TIMES**0.5)
    assert fast.std() == pytest.approx(slow.std(), rel=0.1)
    apart = ks_2samp(fast.round(9), slow.round(9)).statistic  # 0.06 in one case of 300
    assert apart < 0.06


def reach(takes: Takes) -> float:
    found = intervals_over_subjects(takes)
    assert found is not None
    return (found[0].high - found[0].low) / 2


def test_one_subject_who_differs_makes_the_interval_wide() -> None:
    alike = [0.1 * (-1) ** place for place in range(len(BALANCED))]
    odd = [value + 8.0 * (row[0] == "S3") for value, row in zip(alike, BALANCED, strict=True)]
    takes = make_takes(BALANCED, odd)
    (over_takes,) = differences_to_first(takes)
    assert over_takes.low is not None
    assert over_takes.low > 0
    (found,) = intervals_over_subjects(takes) or ()
    assert found.low < 0 < found.high, "three of four people see no difference"
    # The standard error of four values of which one is 8, and Student's 3.18 for 3 degrees.
    assert reach(takes) == pytest.approx(3.182 * np.std([0, 0, 0, 8], ddof=1) / 2, rel=0.05)


def test_alike_subjects_give_the_interval_of_takes() -> None:
    """No more than these ten people's own takes vary is left, drawn from nine of them."""
    rows = [(f"S{s}", action, 100) for s in range(10) for action in range(3) for _ in range(6)]
    spread = np.tile([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0], 30)
    takes = make_takes(rows, 1.0 + spread)
    (over_takes,) = differences_to_first(takes)
    assert over_takes.low is not None
    assert over_takes.high is not None
    by_student = reach(takes) / 2.262 * 1.974  # from 9 to 177 degrees of freedom
    own = (over_takes.high - over_takes.low) / 2
    # The groups of 60 takes draw 59 of these; 9 of 10 people draw 5 of their 6.
    assert by_student == pytest.approx(own * (10 / 9 * 6 / 5) ** 0.5, rel=0.06)


def test_a_constant_difference_is_certain() -> None:
    takes = make_takes(UNBALANCED, [2.5] * len(UNBALANCED))
    (found,) = intervals_over_subjects(takes) or ()
    assert (found.low, found.high) == (pytest.approx(2.5), pytest.approx(2.5))


def test_a_person_filmed_more_often_is_still_one_person() -> None:
    few = [(subject, 0, 100) for subject in "ABC"]
    many = [(subject, 0, 100) for subject in "ABC" for _ in range(30)]
    values = {"A": 0.0, "B": 3.0, "C": 6.0}
    once, often = (make_takes(rows, [values[row[0]] for row in rows]) for rows in (few, many))
    assert reach(often) == pytest.approx(reach(once), rel=0.03)
    (over_takes,) = differences_to_first(often)
    assert over_takes.low is not None
    assert over_takes.high is not None
    assert over_takes.high - over_takes.low < reach(often) / 4


def test_seeds_that_disagree_widen_it() -> None:
    rng = np.random.default_rng(0)
    people = np.repeat(rng.normal(0, 1, 4), 6)
    steady = make_takes(BALANCED, np.stack([people, people + 0.1]))
    torn = make_takes(BALANCED, np.stack([people - 4, people + 4]))
    assert reach(torn) > 5 * reach(steady)
    single = replace(steady, by_seed=tuple(one[:1] for one in steady.by_seed), seeds=((0,), (0,)))
    assert reach(steady) == pytest.approx(reach(single), rel=0.1)


def test_two_subjects_have_no_such_interval_and_the_output_says_why() -> None:
    rows = [row for row in BALANCED if row[0] in ("S0", "S1")]
    assert intervals_over_subjects(make_takes(rows, np.ones(len(rows)))) is None
    assert told_of_subjects(2).startswith("no interval over subjects: the takes are of 2 subjects")
    assert "of 1 subject," in told_of_subjects(1)
    assert "the 9 subjects are resampled, then takes inside each" in told_of_subjects(9)


@pytest.mark.parametrize("of_people", [3.0, 0.0])
def test_intervals_hold_the_truth_as_often_as_they_say(
    monkeypatch: pytest.MonkeyPatch, of_people: float
) -> None:
    monkeypatch.setattr(resampling, "RESAMPLES", 1000)
    rng = np.random.default_rng(6)
    rows = [(f"S{s}", action, 100) for s in range(6) for action in range(2) for _ in range(2)]
    held = 0
    for trial in range(100):
        people = np.repeat(rng.normal(0, of_people, 6), 4)
        takes = make_takes(rows, 1.0 + people + rng.normal(0, 2, len(rows)))
        (found,) = intervals_over_subjects(takes, seed=trial) or ()
        held += found.low <= 1.0 <= found.high
    assert held / 100 >= 0.9
