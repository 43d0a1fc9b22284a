"""The figures that the papers printed, as data."""

from functools import cache
from importlib import resources

import pandas as pd

from harness.foundation.suggest import unknown_name

ACTION_COLUMNS = {
    "Direct.": "Directions",
    "Discuss": "Discussion",
    "Eat": "Eating",
    "Greet": "Greeting",
    "Phone": "Phoning",
    "Photo": "Photo",
    "Pose": "Posing",
    "Purch.": "Purchases",
    "Sitting": "Sitting",
    "SitD.": "SittingDown",
    "Smoke": "Smoking",
    "Wait": "Waiting",
    "WalkD": "WalkDog",
    "Walk.": "Walking",
    "WalkT.": "WalkTogether",
}
"""Printed column heads of tables I and II -> names of Human3.6M's actions, in printed order."""

AVERAGE = "Avg"


@cache
def published_table(name: str) -> pd.DataFrame:
    """Return a published table, such as "table_01_h36m_protocol1"; empty cells are NaN or "".

    Raises:
        HarnessError: there is no such table.
    """
    folder = resources.files("harness.reporting").joinpath("published")
    names = {entry.name.removesuffix(".csv") for entry in folder.iterdir()} - {"README.md"}
    if name not in names:
        raise unknown_name("published table", name, names)
    with folder.joinpath(f"{name}.csv").open(encoding="utf-8") as stream:
        table = pd.read_csv(stream)
    for column in ("model", "method"):
        if column in table:
            table[column] = table[column].fillna("")
    return table


def published_by_action(name: str) -> pd.DataFrame:
    """Return table I or II under the harness's action names: model ... frames, actions, Avg."""
    return published_table(name).rename(columns=ACTION_COLUMNS)
