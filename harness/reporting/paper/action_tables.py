"""Tables I and II of the DG-Net paper: errors by action, published rows and what was measured here.

A number measured on another data set never stands in a column of Human3.6M: published and measured
rows share a table, and differences are printed, only where the data set is Human3.6M.
"""

from typing import Any

import pandas as pd

from harness.reporting.marks import Marks, column_marks
from harness.reporting.measured_rows import ProfileRuns, ReproducedRow
from harness.reporting.names import title_of
from harness.reporting.published import ACTION_COLUMNS, AVERAGE, published_by_action
from harness.reporting.table_parts import (
    Published,
    conditions,
    csv_text,
    interval_cells,
    interval_heads,
    measured_records,
    method_cell,
    not_measured,
    number,
    printed,
    published_name,
    published_records,
)
from harness.reporting.table_text import MARKS_TOLD, Cell, Page, Table
from harness.scoring.metrics import metric_called

_TABLES = (
    (
        "Table I: MPJPE by action (protocol 1), mm",
        "table_01_h36m_protocol1",
        "table_01_mpjpe",
        "MPJPE",
    ),
    (
        "Table II: P-MPJPE by action (protocol 2), mm",
        "table_02_h36m_protocol2",
        "table_02_p_mpjpe",
        "P-MPJPE",
    ),
)


def action_tables(runs: ProfileRuns) -> list[Page]:
    """Return tables I and II."""
    pages = []
    for title, source, name, metric in _TABLES:
        rows, missing = runs.rows(metric_called(metric))
        marks = column_marks(runs.scored[0], metric_called(metric))
        published = Published(
            name, metric, "h36m", published_by_action(source), tuple(ACTION_COLUMNS.values())
        )
        records = published_records(published)
        for row in rows:
            records += measured_records(published, row)
        parts = [*_parts(title, published, rows, marks), *not_measured(missing)]
        pages.append(Page(name, parts, csv_text(records)))
    return pages


def _parts(
    title: str, published: Published, rows: list[ReproducedRow], marks: Marks
) -> list[str | Table]:
    on_human36m = [row for row in rows if row.dataset == published.dataset]
    elsewhere = [row for row in rows if row.dataset != published.dataset]
    parts: list[str | Table] = [f"# {title}", *_elsewhere_sections(title, elsewhere, marks)]
    actions = list(published.cells)
    lines = [_published_cells(row, actions) for _, row in published.rows.iterrows()]
    for row in on_human36m:
        lines.append(_measured_cells(row, actions, marks, "measured here"))
        if published.match(row) is not None:
            lines.append(_difference_cells(row, published))
    heads = ["method", "2D", "frames", *ACTION_COLUMNS, AVERAGE]
    if on_human36m:  # printed rows have no interval
        heads += interval_heads(on_human36m)
    parts += [
        "## Published, measured on Human3.6M",
        Table(heads, lines, title if on_human36m else "", words=2),
        "As printed in the DG-Net paper (arXiv 2109.07353). A dagger there, 2D `gt` here, means "
        "ground-truth 2D; papers differ in joints, flipping and data, which they do not print.",
    ]
    if on_human36m:
        parts += [MARKS_TOLD, *conditions(on_human36m)]
    return parts


def _elsewhere_sections(title: str, rows: list[ReproducedRow], marks: Marks) -> list[str | Table]:
    """Return a section for each data set that is not the published rows'."""
    parts: list[str | Table] = []
    for dataset in dict.fromkeys(row.dataset for row in rows):
        chosen = [row for row in rows if row.dataset == dataset]
        found = list(dict.fromkeys(action for row in chosen for action in row.cells))
        known = [action for action in ACTION_COLUMNS.values() if action in found]
        actions = known + sorted(set(found) - set(known))
        short = {action: head for head, action in ACTION_COLUMNS.items()}
        heads = ["method", "2D", "frames", *(short.get(action, action) for action in actions)]
        parts += [
            f"## Measured here, on the data set `{dataset}`",
            f"Not Human3.6M: these numbers say how the models compare on `{dataset}` and cannot be "
            "set against the published rows below.",
            Table(
                [*heads, AVERAGE, *interval_heads(chosen)],
                [_measured_cells(row, actions, marks) for row in chosen],
                f"{title}, on the data set {dataset}",
                words=2,
            ),
            MARKS_TOLD,
            *conditions(chosen),
        ]
    return parts


def _published_cells(row: "pd.Series[Any]", actions: list[str]) -> list[str | Cell]:
    values = [printed(row[column]) for column in (*actions, AVERAGE)]
    return [published_name(row), str(row["input_2d"]), str(row["frames"]), *values]


def _measured_cells(
    row: ReproducedRow, actions: list[str], marks: Marks, note: str = ""
) -> list[str | Cell]:
    values = {**row.cells, AVERAGE: row.average}
    return [
        method_cell(row.model, note),
        row.input_2d,
        str(row.frames),
        *(
            Cell(number(values.get(column), row.decimals), marks.get((row.model, column), ""))
            for column in (*actions, AVERAGE)
        ),
        *interval_cells(row.average, row.decimals),
    ]


def _difference_cells(row: ReproducedRow, published: Published) -> list[str | Cell]:
    differences = published.differences(row)
    values = [differences.get(column, "") for column in published.columns]
    return [f"{title_of(row.model)}, measured minus published", "", "", *values]
