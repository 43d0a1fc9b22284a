"""Numbers of a profile as plain values for the page; the same functions make its tables."""

from collections.abc import Sequence
from typing import Any

from harness.foundation.errors import HarnessError
from harness.reporting.comparison import Comparison, Row, compare_models
from harness.reporting.comparison_text import conditions as comparison_conditions
from harness.reporting.measured_rows import ProfileRuns, ReproducedRow, Value
from harness.reporting.reproduction import (
    Reproduction,
    difference_text,
    pairs_text,
    tau_text,
)
from harness.reporting.stored.scored_runs import ScoredModel, require_comparable
from harness.reporting.table_parts import conditions
from harness.reporting.table_text import Table
from harness.scoring.metrics import CORE_METRICS, Metric
from harness.scoring.protocols import Protocol, protocol_called
from harness.scoring.statistics import Difference
from harness.scoring.subject_intervals import Interval

Plain = dict[str, Any]

CELLS = ("action", "subject")
_IN_DETAIL = ("MPJPE", "P-MPJPE")


def boards(runs: ProfileRuns) -> Plain:
    """Return leaderboard, heat maps and differences of the models that were scored.

    Args:
        runs: the runs, one or more of them scored.
    """
    models, missing = runs.scored
    protocol = models[0].runs[0].score.protocol
    metrics = [
        metric
        for metric in CORE_METRICS
        if all(
            metric.name in run.score.sequences.by_metric for model in models for run in model.runs
        )
    ]
    detailed = [metric for metric in metrics if metric.name in _IN_DETAIL]
    rows = {(metric.name, by): runs.rows(metric, (by,))[0] for metric in detailed for by in CELLS}
    finals = {
        metric.name: rows.get((metric.name, CELLS[0])) or runs.rows(metric, ())[0]
        for metric in metrics
    }
    comparisons = {metric.name: _comparisons(metric, models) for metric in detailed}
    return {
        "metrics": [_metric(metric, protocol) for metric in metrics],
        "leaderboard": _leaderboard(models, finals, protocol),
        "conditions": _condition_lines(conditions(finals[metrics[0].name])),
        "missing": list(missing),
        "heat": [
            _heat(metric, by, rows[metric.name, by], protocol)
            for metric in detailed
            for by in CELLS
        ],
        "differences": [
            differences(comparison)
            for of_metric in comparisons.values()
            for comparison in of_metric
        ],
        # Of each metric they are the same, whichever model is the first.
        "difference_conditions": {
            name: comparison_conditions(of_metric[0])
            for name, of_metric in comparisons.items()
            if of_metric
        },
    }


def _metric(metric: Metric, protocol: Protocol) -> Plain:
    return {
        "name": metric.name,
        "unit": metric.unit,
        "better": metric.better,
        "description": metric.description,
        "joints": int(protocol.counts(metric).sum()),
    }


def _leaderboard(
    models: Sequence[ScoredModel], finals: dict[str, list[ReproducedRow]], protocol: Protocol
) -> list[Plain]:
    decimals = {
        metric.name: protocol.decimals_of(metric)
        for metric in CORE_METRICS
        if metric.name in finals
    }
    lines = []
    for place, model in enumerate(models):
        of_metrics = {name: rows[place] for name, rows in finals.items()}
        row = next(iter(of_metrics.values()))
        lines.append(
            {
                "model": model.name,
                "input_2d": row.input_2d,
                "frames": row.frames,
                "parameters": row.parameters,
                "macs_per_frame": row.macs_per_frame,
                "flip_test": row.flip_test,
                "seeds": len(row.seeds),
                "told": _told(row, protocol),
                "values": {
                    name: _number(of_metric.average, decimals[name])
                    for name, of_metric in of_metrics.items()
                },
            }
        )
    return lines


def _told(row: ReproducedRow, protocol: Protocol) -> str:
    """Return what a reader must know before the number is believed."""
    return "; ".join((*protocol.privileged, *row.departures)) or "none"


def _number(value: Value, decimals: int) -> Plain:
    known = value.low is not None and value.high is not None
    return {
        "value": value.mean,
        "text": f"{value.mean:.{decimals}f}",
        "low": value.low,
        "high": value.high,
        "interval": f"{value.low:.{decimals}f} to {value.high:.{decimals}f}" if known else "",
        **_over_subjects(value.over_subjects, decimals),
    }


def _over_subjects(limits: Interval | None, decimals: int, sign: str = "") -> Plain:
    """Return the limits of an interval over subjects, and how the page prints them."""
    if limits is None:
        return {"over_subjects": "", "subject_low": None, "subject_high": None}
    return {
        "over_subjects": f"{limits.low:{sign}.{decimals}f} to {limits.high:{sign}.{decimals}f}",
        "subject_low": limits.low,
        "subject_high": limits.high,
    }


def _heat(metric: Metric, by: str, rows: Sequence[ReproducedRow], protocol: Protocol) -> Plain:
    columns = sorted({name for row in rows for name in row.cells}, key=str.casefold)
    decimals = protocol.decimals_of(metric)
    return {
        "metric": metric.name,
        "by": by,
        "columns": [*columns, "average"],
        "rows": [
            {
                "model": row.model,
                "cells": [
                    _number(row.cells[name], decimals) if name in row.cells else None
                    for name in columns
                ]
                + [_number(row.average, decimals)],
            }
            for row in rows
        ],
    }


def _comparisons(metric: Metric, models: Sequence[ScoredModel]) -> list[Comparison]:
    """Return each model compared with all others that can be, where there are any."""
    found = []
    for reference in models:
        others = [
            model for model in models if model is not reference and comparable(reference, model)
        ]
        if others:
            found.append(compare_models([reference, *others], metric.name))
    return found


def differences(comparison: Comparison) -> Plain:
    """Return a comparison's differences, with the marks that its table has."""
    reference, *others = comparison.models
    return {
        "metric": comparison.metric.name,
        "reference": reference.name,
        "models": [model.name for model in others],
        "rows": [
            _difference_row(comparison, row) for row in (comparison.average, *comparison.rows)
        ],
    }


def comparable(one: ScoredModel, other: ScoredModel) -> bool:
    """Return whether two models were scored on the same frames under the same conditions."""
    try:
        require_comparable([one, other])
    except HarnessError:
        return False
    return True


def _difference_row(comparison: Comparison, row: Row) -> Plain:
    decimals = comparison.protocol.decimals_of(comparison.metric)
    return {
        "label": row.label,
        "reference": f"{row.values[0]:.{decimals}f}",
        "cells": [
            _difference(difference, p, decimals)
            | {"significant": row.significant(index)}
            | _over_subjects(row.over_subjects[index] if row.over_subjects else None, decimals, "+")
            for index, (difference, p) in enumerate(zip(row.differences, row.p_values, strict=True))
        ],
    }


def _difference(difference: Difference, p: float | None, decimals: int) -> Plain:
    low, high = difference.low, difference.high
    known = low is not None and high is not None
    return {
        "value": difference.value,
        "text": f"{difference.value:+.{decimals}f}",
        "low": low,
        "high": high,
        "interval": f"{low:+.{decimals}f} to {high:+.{decimals}f}" if known else "",
        "p": "" if p is None else f"{p:.4f}",
    }


def reproduced(found: Sequence[Reproduction]) -> list[Plain]:
    """Return what became of each of the paper's tables, as its own page prints it."""
    return [
        {
            "table": one.table,
            "about": one.about,
            "page": one.page,
            "printed": one.printed,
            "measured": one.measured,
            "dataset": one.dataset or "",
            "difference": difference_text(one.differences),
            "pairs": pairs_text(one.agreement),
            "tau": tau_text(one.agreement),
            "share": (
                one.agreement.agreeing / one.agreement.pairs
                if one.agreement is not None and one.agreement.pairs
                else None
            ),
            "notes": [
                *([f"compared is the order of {one.compared}"] if one.agreement else []),
                *one.notes,
            ],
        }
        for one in found
    ]


def about(runs: ProfileRuns) -> Plain:
    """Return what the numbers of a profile are about: protocol, data set and extent."""
    score = runs.scored[0][0].runs[0].score
    header, protocol = score.header, protocol_called(runs.protocol)
    made = header.conditions.predictions
    return {
        "profile": runs.profile,
        "protocol": f"{protocol.id}, version {protocol.version}",
        "definition": protocol.definition[:12],
        "description": protocol.description,
        "dataset": made.dataset,
        "data_hash": made.data_hash[:12],
        "split": made.split,
        "frames": header.frames,
        "clips": header.clips,
    }


def _condition_lines(parts: Sequence[str | Table]) -> list[str]:
    """Return conditions as lines of text, a method's own in one line each."""
    lines: list[str] = []
    for part in parts:
        if isinstance(part, str):
            lines += [] if part.startswith("#") else [part]
            continue
        for line in part.lines:
            name, *facts = (cell if isinstance(cell, str) else cell.text for cell in line)
            told = zip(part.heads[1:], facts, strict=True)
            lines.append(f"{name}: " + ", ".join(f"{what} {fact}" for what, fact in told if fact))
    return lines
