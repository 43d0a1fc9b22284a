"""The printed figures: copied right, consistent where they should be, odd only where we know it."""

import math

import pandas as pd
import pytest

from harness.datasets.h36m.contents import ACTIONS
from harness.foundation.errors import HarnessError
from harness.lifting.registry import METHODS
from harness.reporting.published import (
    ACTION_COLUMNS,
    AVERAGE,
    published_by_action,
    published_table,
)

TABLES = ("table_01_h36m_protocol1", "table_02_h36m_protocol2")

# Rows whose printed average is not the mean of their fifteen printed actions: method, 2D -> mean.
ODD_AVERAGES = {
    "table_01_h36m_protocol1": {
        ("Fang et al., AAAI 2018", "detected"): 60.51,
        ("Yang et al., CVPR 2018", "detected"): 57.96,
        ("Pavlakos et al., CVPR 2018", "detected"): 55.77,
        ("Xu et al., CVPR 2020", "detected"): 46.00,
        ("Liu et al., CVPR 2020", "gt"): 35.61,
    },
    "table_02_h36m_protocol2": {
        ("Martinez et al., ICCV 2017", "detected"): 47.05,
        ("Pavlakos et al., CVPR 2018", "detected"): 41.45,
        ("Wang et al., ICCV 2019", "detected"): 41.61,
        ("Xu et al., CVPR 2020", "detected"): 36.45,
    },
}


def row_of(table: pd.DataFrame, model: str, input_2d: str) -> "pd.Series[float]":
    (row,) = [
        row for _, row in table.iterrows() if (row["model"], row["input_2d"]) == (model, input_2d)
    ]
    return row


@pytest.mark.parametrize(
    ("table", "model", "input_2d", "values"),
    [
        (
            "table_01_h36m_protocol1",
            "dgnet",
            "detected",
            {"Directions": 41.5, "Photo": 54.1, "WalkTogether": 35.6, AVERAGE: 45.3},
        ),
        (
            "table_01_h36m_protocol1",
            "dgnet",
            "gt",
            {"Directions": 28.5, "Photo": 35.5, AVERAGE: 31.2},
        ),
        (
            "table_01_h36m_protocol1",
            "martinez",
            "detected",
            {"Directions": 51.8, "SittingDown": 94.6, "WalkTogether": 52.4, AVERAGE: 62.9},
        ),
        (
            "table_01_h36m_protocol1",
            "videopose3d",
            "detected",
            {"Directions": 45.2, "Walking": 32.8, AVERAGE: 46.8},
        ),
        ("table_01_h36m_protocol1", "semgcn", "detected", {"Sitting": 86.2, AVERAGE: 57.6}),
        ("table_02_h36m_protocol2", "dgnet", "detected", {AVERAGE: 35.4}),
        ("table_02_h36m_protocol2", "dgnet", "gt", {AVERAGE: 24.1}),
        (
            "table_02_h36m_protocol2",
            "martinez",
            "detected",
            {"Directions": 39.5, "WalkTogether": 43.1, AVERAGE: 47.7},
        ),
    ],
)
def test_spot_values(table: str, model: str, input_2d: str, values: dict[str, float]) -> None:
    row = row_of(published_by_action(table), model, input_2d)
    assert {name: row[name] for name in values} == values


@pytest.mark.parametrize("name", TABLES)
def test_averages_are_the_means_of_their_actions_but_in_the_rows_known_to_be_odd(
    name: str,
) -> None:
    odd = {}
    for _, row in published_by_action(name).iterrows():
        cells = [row[action] for action in ACTION_COLUMNS.values()]
        if any(map(math.isnan, cells)):
            assert all(map(math.isnan, cells)), "a row prints all of its actions or none"
            continue
        # Cells and average are rounded to 0.1, so the two may be 0.1 apart, and no more.
        mean = sum(cells) / len(cells)
        if abs(mean - row[AVERAGE]) > 0.1 + 1e-9:
            odd[row["method"], row["input_2d"]] = round(mean, 2)
    assert odd == ODD_AVERAGES[name]


@pytest.mark.parametrize("name", TABLES)
def test_actions_are_those_of_the_data_set_and_models_those_of_the_harness(name: str) -> None:
    table = published_by_action(name)
    assert list(table.columns) == [
        "model",
        "method",
        "input_2d",
        "frames",
        *ACTION_COLUMNS.values(),
        AVERAGE,
    ]
    assert set(ACTION_COLUMNS.values()) == set(ACTIONS)
    assert set(table["model"]) - {""} <= set(METHODS)
    assert set(table["input_2d"]) == {"detected", "gt"}
    assert (table["frames"] >= 1).all()
    # What decides the published row that a measured one is set against must decide on one row.
    named = table[table["model"] != ""]
    assert not named.duplicated(["model", "input_2d", "frames"]).any()


def test_every_printed_number_is_a_plausible_error() -> None:
    for name in TABLES:
        table = published_by_action(name)
        numbers = table[[*ACTION_COLUMNS.values(), AVERAGE]].stack().dropna()
        assert numbers.between(15, 130).all()
        assert (numbers == numbers.round(1)).all()


def test_an_unknown_table_is_named_with_the_nearest() -> None:
    with pytest.raises(HarnessError, match="did you mean 'table_08_units'"):
        published_table("table_8_units")
