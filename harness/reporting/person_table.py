"""Errors by subject: on whom a method is right, with intervals over the takes of each person."""

from collections.abc import Sequence
from typing import Any

from harness.reporting.marks import Marks, column_marks
from harness.reporting.measured_rows import ProfileRuns, ReproducedRow
from harness.reporting.names import natural_order, title_of
from harness.reporting.published import AVERAGE
from harness.reporting.table_parts import (
    conditions,
    csv_text,
    interval,
    interval_cells,
    interval_heads,
    limits,
    method_cell,
    not_measured,
    number,
    subject_limits,
)
from harness.reporting.table_text import MARKS_TOLD, Cell, Page, Table
from harness.scoring.metrics import metric_called

NAME = "table_subjects"
_METRICS = ("MPJPE", "P-MPJPE")
_BY = ("subject",)


def person_table(runs: ProfileRuns) -> Page:
    """Return the table: a row a model, a column a subject of the test split."""
    parts: list[str | Table] = [
        "# Errors by subject",
        "A subject's number is the protocol's average over this person's takes alone. Whether two "
        "methods differ on each of them: `harness compare A B --by subject`.",
    ]
    records: list[dict[str, Any]] = []
    shown: list[ReproducedRow] = []
    for name in _METRICS:
        metric = metric_called(name)
        rows, missing = runs.rows(metric, _BY)
        marks = column_marks(runs.scored[0], metric, _BY)
        for dataset in dict.fromkeys(row.dataset for row in rows):
            chosen = [row for row in rows if row.dataset == dataset]
            parts += _section(f"{name} by subject, on the data set {dataset}", chosen, marks)
        records += [record for row in rows for record in _records(row, name)]
        shown = shown or rows
    if shown:
        parts += [MARKS_TOLD, *conditions(shown)]
    heads = ("model", "dataset", "subject", "metric", "value")
    return Page(
        NAME, [*parts, *not_measured(missing)], csv_text(records or [dict.fromkeys(heads, "")])
    )


def _section(title: str, rows: Sequence[ReproducedRow], marks: Marks) -> list[str | Table]:
    subjects = sorted({name for row in rows for name in row.cells}, key=natural_order)
    values: list[list[str | Cell]] = []
    limits = []
    for row in rows:
        cells = {**row.cells, AVERAGE: row.average}
        values.append(
            [
                method_cell(row.model),
                row.input_2d,
                *(
                    Cell(
                        number(cells.get(column), row.decimals), marks.get((row.model, column), "")
                    )
                    for column in (*subjects, AVERAGE)
                ),
                *interval_cells(row.average, row.decimals),
            ]
        )
        own = (row.cells.get(subject) for subject in subjects)
        told = ("" if value is None else interval(value, row.decimals) for value in own)
        limits.append([title_of(row.model), *told])
    return [
        f"## {title}",
        Table(["method", "2D", *subjects, AVERAGE, *interval_heads(rows)], values, title, words=2),
        "95 % intervals over each subject's takes, empty where there is a single one:",
        Table(["method", *subjects], limits),
    ]


def _records(row: ReproducedRow, metric: str) -> list[dict[str, Any]]:
    return [
        {
            "model": row.model,
            "dataset": row.dataset,
            "subject": subject,
            "metric": metric,
            "value": f"{value.mean:.3f}",
            **limits(value),
            **subject_limits(value, row.subjects),
            "protocol": row.protocol,
            "seeds": " ".join(map(str, row.seeds)),
            "run_ids": " ".join(row.run_ids),
        }
        for subject, value in {**row.cells, AVERAGE: row.average}.items()
    ]
