"""Intervals and tests over takes: against closed forms, by simulation, and where undefined."""

import itertools
import math
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from harness.foundation.errors import HarnessError
from harness.scoring import resampling
from harness.scoring.metrics import METRICS
from harness.scoring.protocols import protocol_called
from harness.scoring.resampling import bootstrap
from harness.scoring.sequences import MetricSums, SequenceSums
from harness.scoring.statistics import (
    differences_to_first,
    holm,
    possible_tests,
    sign_flip_p_value,
)
from harness.scoring.takes import Takes, takes_of

ACTIONWISE = protocol_called("h36m17-actionwise")
MPJPE = METRICS["MPJPE"]


def make_takes(
    differences: NDArray[np.float64],
    groups: list[int],
    frames: list[int] | None = None,
    average: Literal["groups", "frames"] = "groups",
) -> Takes:
    """Two models whose errors differ by `differences` mm on each take."""
    counted = np.array(frames or [100] * len(groups))
    base = np.random.default_rng(0).normal(50, 10, len(groups))
    names = pd.DataFrame({"subject": "S9", "action": groups, "subaction": range(len(groups))})
    totals = (base[None] * counted, (base + differences)[None] * counted)
    return Takes(names, totals, ((0,), (0,)), counted, np.array(groups), average)


def apart(takes: Takes) -> Takes:
    """The differences of two models, as one model."""
    return replace(takes, by_seed=(takes.by_seed[1] - takes.by_seed[0],), seeds=((0,),))


def test_the_bootstrap_spreads_as_the_standard_error_of_a_stratified_mean() -> None:
    rng = np.random.default_rng(1)
    groups = [0] * 4 + [1] * 4 + [2] * 6
    differences = rng.normal(size=14) + np.array(groups) * 100.0
    takes = make_takes(differences, groups)
    spread = bootstrap(apart(takes), 0).std()
    variances = [differences[np.array(groups) == g].var(ddof=1) / groups.count(g) for g in range(3)]
    assert spread == pytest.approx(np.sqrt(sum(variances)) / 3, rel=0.03)


def test_resampling_leaves_every_group_its_weight() -> None:
    groups = [0] * 2 + [1] * 8
    takes = make_takes(10.0 * np.array(groups), groups, average="frames")
    values = bootstrap(apart(takes), 0)
    np.testing.assert_allclose(values, 8.0)


@pytest.mark.parametrize("average", ["groups", "frames"])
@pytest.mark.parametrize("sizes", [(4,) * 15, (1,) * 15, (12,)])
def test_intervals_hold_the_truth_as_often_as_they_say(
    monkeypatch: pytest.MonkeyPatch, average: Literal["groups", "frames"], sizes: tuple[int, ...]
) -> None:
    monkeypatch.setattr(resampling, "RESAMPLES", 1000)
    rng = np.random.default_rng(2)
    groups = [group for group, size in enumerate(sizes) for _ in range(size)]
    held = 0
    for trial in range(120):
        frames = rng.integers(500, 1500, len(groups)).tolist()
        takes = make_takes(1.0 + rng.normal(0, 3, len(groups)), groups, frames, average)
        (difference,) = differences_to_first(takes, seed=trial)
        assert difference.low is not None
        assert difference.high is not None
        held += difference.low <= 1.0 <= difference.high
    assert 0.88 <= held / 120 <= 0.995


def test_models_are_resampled_together() -> None:
    """A constant difference is certain, however much the takes differ among each other."""
    takes = make_takes(np.full(8, 2.5), [0, 0, 0, 0, 1, 1, 1, 1], [10, 500, 30, 90, 1, 1, 9, 4])
    (difference,) = differences_to_first(takes)
    assert difference.value == pytest.approx(2.5)
    assert difference.low == pytest.approx(2.5)
    assert difference.high == pytest.approx(2.5)


def test_actions_weigh_alike_and_their_takes_by_frames() -> None:
    takes = make_takes(np.array([0.0, 4.0, 10.0]), [0, 0, 1], [300, 100, 50])
    (difference,) = differences_to_first(takes)
    assert difference.value == pytest.approx((1.0 + 10.0) / 2)
    (framewise,) = differences_to_first(replace(takes, average="frames"))
    assert framewise.value == pytest.approx((4.0 * 100 + 10.0 * 50) / 450)


def test_one_take_has_no_interval_and_no_test() -> None:
    (difference,) = differences_to_first(make_takes(np.array([3.0]), [0]))
    assert difference.value == pytest.approx(3.0)
    assert (difference.low, difference.high, difference.p_value) == (None, None, None)


def test_a_lone_take_among_larger_groups_is_held_fixed() -> None:
    same = make_takes(np.array([1.0, 1.0, 7.0]), [0, 0, 1])
    (difference,) = differences_to_first(same)
    assert difference.low == pytest.approx(difference.value)
    assert difference.high == pytest.approx(difference.value)


def test_the_same_seed_gives_the_same_digits() -> None:
    takes = make_takes(np.random.default_rng(0).normal(size=40), list(range(10)) * 4)
    assert differences_to_first(takes, seed=1) == differences_to_first(takes, seed=1)
    assert differences_to_first(takes, seed=1) != differences_to_first(takes, seed=2)


def test_few_takes_are_tested_with_every_pattern_of_signs() -> None:
    contributions = np.array([0.5, 1.5, -0.25, 2.0, 0.75])
    observed = abs(contributions.sum())
    patterns = list(itertools.product((-1, 1), repeat=5))
    as_far = sum(abs(np.dot(signs, contributions)) >= observed for signs in patterns)
    assert sign_flip_p_value(contributions, 0) == as_far / 32


def test_four_takes_are_never_significant_and_equal_models_never_at_all() -> None:
    assert sign_flip_p_value(np.array([5.0, 5.0, 5.0, 5.0]), 0) == 2 / 16
    assert sign_flip_p_value(np.zeros(30), 0) == 1.0


def test_many_takes_are_tested_with_a_sample_of_patterns() -> None:
    contributions = np.random.default_rng(3).normal(0.25, 1.0, 40)
    # The sum of independent signs times numbers is nearly normal.
    z = abs(contributions.sum()) / np.sqrt((contributions**2).sum())
    normal = 2 * (1 - 0.5 * (1 + math.erf(z / math.sqrt(2))))
    assert sign_flip_p_value(contributions, 0) == pytest.approx(normal, abs=0.02)
    assert sign_flip_p_value(np.ones(40), 0) == pytest.approx(1 / 10_001)


def test_the_test_rejects_alike_models_as_seldom_as_it_says() -> None:
    rng = np.random.default_rng(4)
    p_values = [sign_flip_p_value(rng.normal(size=10), 0) for _ in range(400)]
    assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.05, abs=0.03)


def test_holm_by_hand() -> None:
    assert holm([0.01, None, 0.04, 0.03, 0.5]) == [0.04, None, 0.09, 0.09, 0.5]
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([None]) == [None]


def make_seeds(
    differences: NDArray[np.float64], seeds: tuple[tuple[int, ...], ...] | None = None
) -> Takes:
    """Two models of several seeds; the second's errors differ by (seeds, takes) mm."""
    count, takes = differences.shape
    groups = [take % 2 for take in range(takes)]
    made = make_takes(np.zeros(takes), groups)
    base = np.repeat(made.by_seed[0], count, axis=0)
    return replace(
        made,
        by_seed=(base, base + 100 * differences),
        seeds=seeds or (tuple(range(count)),) * 2,
    )


def test_a_difference_that_another_seed_turns_is_not_sure() -> None:
    takes = np.random.default_rng(0).normal(0, 0.3, 16)
    (one,) = differences_to_first(make_seeds(np.array([4.0 + takes])))
    assert one.p_value is not None
    assert (one.seeds, one.p_value < 0.001) == (1, True)
    (two,) = differences_to_first(make_seeds(np.array([4.0 + takes, 0.5 + takes])))
    assert two.p_value is not None
    assert two.low is not None
    assert (two.seeds, two.p_value > 0.05, two.low < 0) == (2, True, True)
    (steady,) = differences_to_first(make_seeds(np.array([4.0 + takes, 4.1 + takes])))
    assert steady.p_value is not None
    assert steady.p_value < 0.001


@pytest.mark.parametrize("paired", [True, False])
def test_intervals_over_seeds_hold_the_truth_as_often_as_they_say(
    monkeypatch: pytest.MonkeyPatch, paired: bool
) -> None:
    monkeypatch.setattr(resampling, "RESAMPLES", 1000)
    rng = np.random.default_rng(5)
    held = rejected = 0
    for trial in range(120):
        of_seeds, of_takes = rng.normal(0, 2, (3, 1)), rng.normal(0, 3, 20)
        seeds = None if paired else ((0, 1, 2), (3, 4, 5))
        made = make_seeds(1.0 + of_seeds + of_takes + rng.normal(0, 1, (3, 20)), seeds)
        (difference,) = differences_to_first(made, seed=trial)
        assert difference.low is not None
        assert difference.high is not None
        assert difference.p_value is not None
        held += difference.low <= 1.0 <= difference.high
        outside = not difference.low <= 0.0 <= difference.high
        rejected += outside != (difference.p_value < 0.05)
    assert 0.9 <= held / 120 <= 1.0
    assert rejected == 0, "interval and test say the same"


def test_alike_models_of_several_seeds_differ_by_nothing() -> None:
    (same,) = differences_to_first(make_seeds(np.zeros((2, 6))))
    assert (same.value, same.low, same.high, same.p_value) == (0, 0, 0, 1)
    (shifted,) = differences_to_first(make_seeds(np.ones((2, 6))))
    assert shifted.low == pytest.approx(1.0)
    assert shifted.p_value == pytest.approx(0.0, abs=1e-6)


def test_tests_that_cannot_succeed_are_not_counted_among_those_that_can() -> None:
    assert possible_tests([2 / 2**4] * 15) == [False] * 15
    assert possible_tests([2 / 2**8, 2 / 2**4, 2 / 2**8]) == [True, False, True]
    assert possible_tests([2 / 2**6] * 2) == [False, False], "0.031 is too much for each of two"
    assert possible_tests([2 / 2**6]) == [True]
    assert possible_tests([0.0] * 20) == [True] * 20
    assert possible_tests([]) == []


def make_sums(scale: float = 1.0, frames: tuple[int, ...] = (10, 10, 20, 20)) -> SequenceSums:
    """Two takes seen by two cameras, two joints."""
    clips = pd.DataFrame(
        {
            "clip": range(4),
            "subject": "S9",
            "action": ["Walking", "Walking", "Eating", "Eating"],
            "subaction": "1",
            "camera": ["a", "b", "a", "b"],
        }
    )
    sums = scale * np.array([[10.0, 30], [30, 50], [20, 20], [60, 60]])
    return SequenceSums(clips, ("Hip", "Head"), {"MPJPE": MetricSums(np.array(frames), sums)})


def test_the_cameras_of_a_take_are_one_take() -> None:
    takes = takes_of([[make_sums()], [make_sums(2.0)]], MPJPE, ACTIONWISE)
    assert takes.names["action"].tolist() == ["Walking", "Eating"]
    assert takes.frames.tolist() == [20, 40]
    assert takes.totals.tolist() == [[60, 80], [120, 160]]
    assert takes.values().tolist() == [(3 + 2) / 2, 5]
    head = takes_of([[make_sums()]], MPJPE, ACTIONWISE, joint="Head")
    assert head.totals.tolist() == [[80, 80]]


def test_seeds_are_averaged_take_by_take_before_anything_else() -> None:
    takes = takes_of([[make_sums(1.0), make_sums(3.0)]], MPJPE, ACTIONWISE)
    assert takes.totals.tolist() == [[120, 160]]


def test_runs_of_one_seed_are_one_seed() -> None:
    runs = [make_sums(1.0), make_sums(3.0), make_sums(5.0)]
    takes = takes_of([runs], MPJPE, ACTIONWISE, seeds=[[4, 4, 7]])
    assert takes.seeds == ((4, 7),)
    assert takes.by_seed[0].tolist() == [[120, 160], [300, 400]]


def test_runs_that_count_other_frames_are_refused() -> None:
    other = make_sums(frames=(10, 10, 20, 19))
    with pytest.raises(HarnessError, match="do not count the same frames"):
        takes_of([[make_sums()], [other]], MPJPE, ACTIONWISE)
