"""Comparing models: a row an action, subject or joint, with differences, intervals and tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from harness.foundation.errors import HarnessError
from harness.reporting.names import natural_order
from harness.reporting.stored.scored_runs import (
    ScoredModel,
    require_comparable,
    takes_of_models,
)
from harness.scoring.metrics import Metric, metric_called
from harness.scoring.protocols import Protocol
from harness.scoring.statistics import (
    SIGNIFICANT,
    Difference,
    differences_to_first,
    holm,
    possible_tests,
)
from harness.scoring.subject_intervals import Interval, intervals_over_subjects
from harness.scoring.takes import Takes

By = Literal["action", "subject", "joint"]

AT_ZERO_MM = 0.5


@dataclass(frozen=True)
class Row:
    """One line of a comparison.

    Attributes:
        label: what it is about.
        values: by model, the protocol's average over this line's takes and joints.
        differences: by model but the first, its average minus the first model's.
        p_values: likewise, corrected for the number of lines that are tested together; None where
            no test is possible.
        takes: number of takes.
        frames: number of frames.
        over_subjects: by model but the first, the interval of its difference over subjects; None
            where the takes are of too few.
        subjects: number of subjects.
        forced: the models that put zero where the truth is zero by definition: at the root.
    """

    label: str
    values: tuple[float, ...]
    differences: tuple[Difference, ...]
    p_values: tuple[float | None, ...]
    takes: int
    frames: int
    over_subjects: tuple[Interval, ...] | None
    subjects: int
    forced: tuple[str, ...] = ()

    def significant(self, index: int) -> bool:
        """Whether a model's difference earns a mark; with a single seed none does."""
        p, seeds = self.p_values[index], self.differences[index].seeds
        return p is not None and p < SIGNIFICANT and seeds > 1


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
    takes = takes_of_models(models, metric)
    if not len(takes):
        raise HarnessError(f"no frame of these runs has a {metric.name}")
    parts: dict[str, Takes]
    if by == "joint":
        scored = models[0].runs[0].score.sequences
        counted = zip(scored.joints, scored.metric(metric.name).counts, strict=True)
        parts = {
            joint: takes_of_models(models, metric, joint) for joint, counts in counted if counts
        }
    else:
        labels = takes.names[by].to_numpy()
        parts = {
            str(label): takes.only(np.asarray(labels == label))
            for label in sorted(set(labels), key=natural_order)
        }
    differences = {label: differences_to_first(part) for label, part in parts.items()}
    forced = {
        label: _forced(part, metric, names) if by == "joint" else ()
        for label, part in parts.items()
    }
    corrected = [
        _corrected(
            [of_row[index] for of_row in differences.values()],
            [not {names[0], names[index + 1]} & set(of_row) for of_row in forced.values()],
        )
        for index in range(len(models) - 1)
    ]
    rows = tuple(
        Row(
            label=label,
            values=tuple(map(float, part.values())),
            differences=tuple(differences[label]),
            p_values=tuple(of_model[index] for of_model in corrected),
            takes=len(part),
            frames=int(part.frames.sum()),
            **_of_subjects(part),
            forced=forced[label],
        )
        for index, (label, part) in enumerate(parts.items())
    )
    final = differences_to_first(takes)
    average = Row(
        label="average",
        values=tuple(map(float, takes.values())),
        differences=tuple(final),
        p_values=tuple(_corrected([difference], [True])[0] for difference in final),
        takes=len(takes),
        frames=int(takes.frames.sum()),
        **_of_subjects(takes),
    )
    return Comparison(tuple(models), protocol, metric, by, rows, average)


def _of_subjects(takes: Takes) -> dict[str, Any]:
    """Return what a row tells of the people in its takes."""
    found = intervals_over_subjects(takes)
    return {
        "over_subjects": None if found is None else tuple(found),
        "subjects": takes.names["subject"].nunique(),
    }


def _corrected(differences: Sequence[Difference], real: Sequence[bool]) -> list[float | None]:
    """Return p-values corrected together; None where no test is possible, see `possible_tests`.

    Args:
        differences: of one model, a row each.
        real: by row, whether both models predict there at all.
    """
    smallest = [
        difference.smallest_p if predicted else 1.0
        for difference, predicted in zip(differences, real, strict=True)
    ]
    possible = possible_tests(smallest)
    return holm(
        [
            difference.p_value if tested else None
            for difference, tested in zip(differences, possible, strict=True)
        ]
    )


def _forced(takes: Takes, metric: Metric, names: Sequence[str]) -> tuple[str, ...]:
    """Return the models that are nearer to the truth than any prediction: they put zero there."""
    if metric.unit != "mm" or metric.better != "lower":
        return ()
    return tuple(
        name for name, value in zip(names, takes.values(), strict=True) if value < AT_ZERO_MM
    )
