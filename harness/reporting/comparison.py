"""Comparing models: a row an action, subject or joint, with differences, intervals and tests."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.reporting.stored.scored_runs import ScoredModel, require_comparable
from harness.runs.errors import HarnessError
from harness.scoring.metrics import Metric, metric_called
from harness.scoring.protocols import Protocol
from harness.scoring.statistics import Difference, differences_to_first, holm
from harness.scoring.takes import Takes, takes_of

By = Literal["action", "subject", "joint"]

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Row:
    """One line of a comparison.

    Attributes:
        label: what it is about.
        values: by model, the protocol's average over this line's takes and joints.
        differences: by model but the first, its average minus the first model's.
        p_values: likewise, corrected for the number of lines that are tested together.
        takes: number of takes.
        frames: number of frames.
    """

    label: str
    values: tuple[float, ...]
    differences: tuple[Difference, ...]
    p_values: tuple[float | None, ...]
    takes: int
    frames: int


@dataclass(frozen=True)
class Comparison:
    """Models side by side under one protocol.

    Attributes:
        models: the models, the one that the others are compared with first.
        protocol: the protocol.
        metric: the metric.
        by: what a row is about.
        rows: the rows; their p-values are corrected together.
        average: the final number as the protocol defines it, tested by itself.
    """

    models: tuple[ScoredModel, ...]
    protocol: Protocol
    metric: Metric
    by: By
    rows: tuple[Row, ...]
    average: Row


def compare_models(
    models: Sequence[ScoredModel],
    metric_name: str = "MPJPE",
    by: By = "action",
    dataset: str | None = None,
) -> Comparison:
    """Compare each model with the first.

    Args:
        models: two or more models scored under one protocol.
        metric_name: name of the metric.
        by: what a row is about.
        dataset: refuse runs of another data set than this.

    Raises:
        HarnessError: fewer than two models, one of them twice, an unknown metric, or conditions
            that differ.
    """
    names = [model.name for model in models]
    if len(set(names)) < max(2, len(names)):
        raise HarnessError(f"name two or more different models to compare, not {' '.join(names)}")
    metric = metric_called(metric_name)
    require_comparable(models, dataset)
    protocol = models[0].runs[0].score.protocol
    sums = [[run.score.sequences for run in model.runs] for model in models]
    takes = takes_of(sums, metric, protocol)
    if not len(takes):
        raise HarnessError(f"no frame of these runs has a {metric.name}")
    parts: dict[str, Takes]
    if by == "joint":
        counted = zip(sums[0][0].joints, sums[0][0].metric(metric.name).counts, strict=True)
        parts = {
            joint: takes_of(sums, metric, protocol, joint) for joint, counts in counted if counts
        }
    else:
        labels = takes.names[by].to_numpy()
        parts = {
            str(label): takes.only(np.asarray(labels == label))
            for label in sorted(set(labels), key=_natural)
        }
    differences = {label: differences_to_first(part) for label, part in parts.items()}
    corrected = [
        holm([of_row[index].p_value for of_row in differences.values()])
        for index in range(len(models) - 1)
    ]
    rows = tuple(
        _row(label, part, differences[label], [of_model[index] for of_model in corrected])
        for index, (label, part) in enumerate(parts.items())
    )
    final = differences_to_first(takes)
    average = _row("average", takes, final, [difference.p_value for difference in final])
    return Comparison(tuple(models), protocol, metric, by, rows, average)


def _row(
    label: str, takes: Takes, differences: list[Difference], p_values: list[float | None]
) -> Row:
    return Row(
        label=label,
        values=tuple(map(float, takes.values())),
        differences=tuple(differences),
        p_values=tuple(p_values),
        takes=len(takes),
        frames=int(takes.frames.sum()),
    )


def _natural(label: str) -> list[tuple[int, str]]:
    """Order names as people do: whatever their case, and S9 before S11."""
    parts = re.split(r"(\d+)", label.casefold())
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
