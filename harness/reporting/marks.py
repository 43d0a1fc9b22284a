"""Which numbers of a table's column are the best: ties are what intervals cannot tell apart.

The best is marked, and what follows it, down to the first that the interval tells from it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from harness.foundation.errors import HarnessError
from harness.reporting.measured_rows import cell_names
from harness.reporting.published import AVERAGE
from harness.reporting.stored.scored_runs import ScoredModel, takes_of_models
from harness.reporting.table_text import Mark
from harness.scoring.metrics import Metric
from harness.scoring.statistics import Difference, differences_to_first
from harness.scoring.takes import Takes

Marks = Mapping[tuple[str, str], Mark]
"""The mark of a model (by name) in a column."""


def column_marks(
    models: Sequence[ScoredModel],
    metric: Metric,
    by: Sequence[str] = ("action",),
    only: Collection[str] | None = None,
) -> Marks:
    """Return the marks of every cell's column and of the average's.

    Only models of the same data, 2D source and privileges compete; one alone is not marked.

    Args:
        models: what stands in the table.
        metric: what it shows.
        by: columns of clips that give a cell its name, as in `reproduced_row`; none for no cells.
        only: the only cells, also of the average, or None for all.
    """
    rivals: dict[tuple[object, ...], list[ScoredModel]] = {}
    for model in models:
        made = model.runs[0].score.header.conditions.predictions
        conditions = (made.data_hash, made.input_2d, made.uses_root_depth)
        rivals.setdefault(conditions, []).append(model)
    marks: dict[tuple[str, str], Mark] = {}
    for group in rivals.values():
        if len(group) < 2:
            continue
        try:
            takes = takes_of_models(group, metric)
        except HarnessError:  # other frames, or a metric that was not scored
            continue
        cells = cell_names(takes, by) if by else np.full(len(takes), "")
        if only is not None:
            takes, cells = takes.only(np.isin(cells, list(only))), cells[np.isin(cells, list(only))]
        if not len(takes):
            continue
        parts = {str(name): takes.only(cells == name) for name in dict.fromkeys(cells) if name}
        for column, part in {**parts, AVERAGE: takes}.items():
            names = [model.name for model in group]
            for name, mark in zip(names, _marks(part, metric.better == "higher"), strict=True):
                marks[name, column] = mark
    return marks


def _marks(takes: Takes, higher: bool) -> list[Mark]:
    """Return a mark for each of two or more models."""
    values = takes.values()
    if np.isnan(values).any():
        return [""] * len(values)
    order = [int(index) for index in np.argsort(-values if higher else values, kind="stable")]
    best_first = replace(
        takes,
        by_seed=tuple(takes.by_seed[index] for index in order),
        seeds=tuple(takes.seeds[index] for index in order),
    )
    marks: list[Mark] = [""] * len(values)
    marks[order[0]] = "best"
    for index, difference in zip(order[1:], differences_to_first(best_first), strict=True):
        if not _unsure(difference):
            marks[index] = "second"
            break  # what comes after it earns no mark by a wider interval
        marks[index] = "best"
    return marks


def _unsure(difference: Difference) -> bool:
    if difference.low is None or difference.high is None:
        return difference.value == 0.0
    return difference.low <= 0.0 <= difference.high
