"""Agreement of an order with a printed one, against Kendall's definition written out."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from harness.scoring.rank_agreement import agreement
from harness.scoring.takes import Takes


def takes_of_values(values: list[float], takes: int = 1, spread: float = 0.0) -> Takes:
    """Return takes on which model i has the average values[i]."""
    random = np.random.default_rng(0)
    noise = random.normal(scale=spread, size=(len(values), takes)) if spread else 0.0
    names = pd.DataFrame({"subject": "S9", "action": "Walking", "subaction": range(takes)})
    return Takes(
        names=names,
        by_seed=tuple((np.array(values)[:, None] * np.full(takes, 10.0) + noise)[:, None]),
        seeds=((0,),) * len(values),
        frames=np.full(takes, 10),
        groups=np.zeros(takes, dtype=np.int64),
        average="groups",
    )


def literal_tau(printed: list[float], values: list[float], groups: list[str]) -> float | None:
    """Concordant minus discordant pairs over the pairs without a tie in print."""
    concordant = discordant = without_tie_in_print = 0
    for i, j in combinations(range(len(printed)), 2):
        if groups[i] != groups[j]:
            continue
        product = (printed[i] - printed[j]) * (values[i] - values[j])
        concordant += product > 0
        discordant += product < 0
        without_tie_in_print += printed[i] != printed[j]
    if not without_tie_in_print:
        return None
    return (concordant - discordant) / without_tie_in_print


small = st.integers(0, 4).map(float)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(small, small, st.sampled_from("ab")), min_size=2, max_size=7))
def test_tau_is_kendalls_within_groups(cells: list[tuple[float, float, str]]) -> None:
    printed, values, groups = (list(column) for column in zip(*cells, strict=True))
    found = agreement(printed, takes_of_values(values), groups)
    assert found.tau == pytest.approx(literal_tau(printed, values, groups))
    whole = agreement(printed, takes_of_values(values), ["all"] * len(cells)).tau
    if len(set(printed)) == len(set(values)) == len(cells):
        assert whole == pytest.approx(kendalltau(printed, values).statistic)


def test_pairs_are_counted_and_the_same_order_is_one() -> None:
    found = agreement([47.3, 45.3, 45.3, 50.8], takes_of_values([5.0, 3.0, 4.0, 1.0]), [""] * 4)
    assert (found.agreeing, found.pairs) == (2, 5)
    assert agreement([1, 2, 3], takes_of_values([7.0, 8.0, 9.0]), [""] * 3).tau == 1.0
    assert agreement([1, 2, 3], takes_of_values([9.0, 8.0, 7.0]), [""] * 3).tau == -1.0


def test_the_interval_is_narrow_where_takes_agree_and_wide_where_they_do_not() -> None:
    printed, groups = [1.0, 2.0, 3.0, 4.0], [""] * 4
    sure = agreement(printed, takes_of_values([1.0, 2.0, 3.0, 4.0], 8, spread=0.1), groups)
    unsure = agreement(printed, takes_of_values([1.0, 1.0, 1.0, 1.0], 8, spread=5.0), groups)
    assert (sure.low, sure.high) == (1.0, 1.0)
    assert unsure.low is not None
    assert unsure.high is not None
    assert unsure.high - unsure.low > 0.5
    assert agreement(printed, takes_of_values([1.0, 2.0, 3.0, 4.0]), groups).low is None


def test_without_two_different_numbers_in_a_group_there_is_no_order() -> None:
    found = agreement([1.0, 2.0], takes_of_values([1.0, 2.0], 4), ["a", "b"])
    assert (found.tau, found.pairs) == (None, 0)
