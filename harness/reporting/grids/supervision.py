"""The rows of WS-GCN's grid: how each was supervised, and what it gave."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from harness.foundation.errors import HarnessError
from harness.reporting.grids.cells import GridCells
from harness.reporting.grids.report import GridRow, grid_rows
from harness.reporting.measured_rows import ReproducedRow, reproduced_row
from harness.reporting.published import published_table
from harness.scoring.metrics import metric_called

METRICS = {"MPJPE": "MPJPE_mm", "P-MPJPE": "P_MPJPE_mm"}
"""What is shown, and the columns of the published table that print it."""

SWITCHES = ("supervision", "reprojection", "bone loss", "warm-up")
LABELLED_ONLY = "labelled only"


@dataclass(frozen=True)
class Supervision:
    """How a row was supervised.

    Attributes:
        labelled: the labelled subjects; None for all.
        reprojection: whether the others' poses must project to their keypoints.
        bone_loss: whether their bones must be as long as the labelled subjects'.
        warm_up: whether training begins without these two.
    """

    labelled: tuple[str, ...] | None
    reprojection: bool
    bone_loss: bool
    warm_up: bool

    @classmethod
    def of(cls, network: Mapping[str, Any]) -> "Supervision":
        """Return what a training run's network settings, defaults included, say."""
        labelled, warm_up = network["labelled_subjects"], network["warm_up_epochs"] > 0
        return cls(
            labelled=None if labelled is None else tuple(labelled),
            reprojection=network["reprojection"],
            bone_loss=network["bone_lengths"],
            warm_up=warm_up,
        )

    @property
    def is_weak(self) -> bool:
        """Whether it learns from people without labels."""
        return self.labelled is not None and (self.reprojection or self.bone_loss)

    @property
    def words(self) -> list[str]:
        """The cells of a table's row, under `SWITCHES`; empty where a switch has no effect."""
        if self.labelled is None:
            return ["full", "", "", ""]
        if not self.is_weak:
            return [f"{LABELLED_ONLY} ({', '.join(self.labelled)})", "no", "no", ""]
        switches = (self.reprojection, self.bone_loss, self.warm_up)
        weak = f"weak ({', '.join(self.labelled)} labelled)"
        return [weak, *("yes" if switch else "no" for switch in switches)]

    def published(self) -> "pd.Series[Any] | None":
        """Return the published row that was supervised so, if there is one."""
        rows = published_table("wsgcn_h36m")
        if self.labelled is None:
            return rows[rows["supervision"] == "full"].iloc[0]
        if not (self.is_weak and self.reprojection):
            return None
        on = {"bone_loss": self.bone_loss, "warm_up": self.warm_up}
        same = rows["supervision"] == "weak"
        for column, value in on.items():
            same &= rows[column] == ("yes" if value else "no")
        return rows[same].iloc[0] if same.any() else None


@dataclass(frozen=True)
class SupervisedRow:
    """A measured row.

    Attributes:
        supervision: how it was supervised.
        compared: by metric, how it differs from the first row.
        values: by metric, its number with the conditions it was measured under.
    """

    supervision: Supervision
    compared: Mapping[str, GridRow]
    values: Mapping[str, ReproducedRow]


def supervised_rows(cells: GridCells, folder: Path) -> list[SupervisedRow]:
    """Return a row for each finished variation, in the order of params.yaml.

    Args:
        cells: the grid's cells.
        folder: where they lie.

    Raises:
        HarnessError: rows cannot be compared, or were trained with different budgets.
    """
    order = list(cells.finished)
    if not order:
        return []
    evaluation = cells.cells[0].evaluations[0].name
    compared = {
        name: grid_rows(folder, order, evaluation, cells.protocol, metric_called(name))
        for name in METRICS
    }
    rows = []
    for position, found in enumerate(compared["MPJPE"]):
        model = cells.scored(found.name, found.name, cells.cells[0].model)
        if model is None or model.runs[0].record is None:
            raise HarnessError(f"{folder}: {found.name} has no score of the test split")
        rows.append(
            SupervisedRow(
                Supervision.of(model.runs[0].record.parameters["network"]),
                {name: rows_of_metric[position] for name, rows_of_metric in compared.items()},
                {name: reproduced_row(model, metric_called(name), by=()) for name in METRICS},
            )
        )
    if len({row.values["MPJPE"].recipe for row in rows}) > 1:
        raise HarnessError(f"{folder}: its cells were trained with different budgets")
    return rows
