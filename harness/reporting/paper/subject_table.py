"""Table III of the DG-Net paper: P-MPJPE by subject and action, as HumanEva-I is reported.

The published average is the mean of six cells, Walking and Jogging of three subjects. Box, which
the protocol scores too, stands in no column and in no average. The recording of S3 Walking is
damaged, so the mean of the other five cells stands beside; published rows get it from theirs.
"""

from dataclasses import replace

from harness.foundation.errors import HarnessError
from harness.reporting.marks import Marks, column_marks
from harness.reporting.measured_rows import ProfileRuns, ReproducedRow, reproduced_row
from harness.reporting.names import title_of
from harness.reporting.published import AVERAGE, published_table
from harness.reporting.stored.scored_runs import ScoredModel
from harness.reporting.table_parts import (
    Published,
    conditions,
    coverage,
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

WITHOUT_DAMAGED = "Avg without Walking/S3"
_NAME = "table_03_humaneva"
_METRIC = metric_called("P-MPJPE")
BY_ACTION_AND_SUBJECT = ("action", "subject")
"""Columns of clips that name a cell of the table."""
_DAMAGED = "Walking/S3"


def published_by_subject() -> Published:
    """Return the printed rows under the harness's names of actions, such as "Jog/S1"."""
    rows = published_table("table_03_humaneva_protocol2")
    rows = rows.rename(columns=lambda name: name.replace("Jogging/", "Jog/"))
    cells = tuple(str(column) for column in rows if "/" in str(column))
    sound = rows[[cell for cell in cells if cell != _DAMAGED]]
    rows[WITHOUT_DAMAGED] = sound.mean(axis=1).round(1)
    return Published(
        table=_NAME,
        metric=_METRIC.name,
        dataset="humaneva",
        rows=rows.assign(input_2d="detected"),
        cells=(*cells, WITHOUT_DAMAGED),
        derived=(WITHOUT_DAMAGED,),
    )


def subject_table(runs: ProfileRuns) -> Page | None:
    """Return table III, or None where no model was scored on its data set."""
    published = published_by_subject()
    models, unscored = runs.scored
    rows, missing = [], list(unscored)
    own = [model for model in models if model.dataset == published.dataset]
    for model in own:
        try:
            rows.append(_row(model, published))
        except HarnessError as error:
            missing.append(f"{model.name}: {error}")
    if not own:
        return None
    marks = column_marks(own, _METRIC, BY_ACTION_AND_SUBJECT, published.cells)
    records = published_records(published)
    for row in rows:
        records += measured_records(published, row)
    parts = [*_parts(published, rows, marks), *not_measured(missing)]
    return Page(_NAME, parts, csv_text(records))


def _row(model: ScoredModel, published: Published) -> ReproducedRow:
    """Return a model's line; of HumanEva-I only the cells that are published."""
    row = reproduced_row(model, _METRIC, BY_ACTION_AND_SUBJECT, published.cells)
    sound = reproduced_row(
        model, _METRIC, BY_ACTION_AND_SUBJECT, [c for c in published.cells if c != _DAMAGED]
    )
    return replace(row, cells={**row.cells, WITHOUT_DAMAGED: sound.average})


def _parts(published: Published, rows: list[ReproducedRow], marks: Marks) -> list[str | Table]:
    title = "Table III: P-MPJPE by subject and action (protocol 2), mm"
    lines: list[list[str | Cell]] = [
        [published_name(row), str(row["frames"]), *(printed(row[c]) for c in published.columns)]
        for _, row in published.rows.iterrows()
    ]
    for row in rows:
        values = {**row.cells, AVERAGE: row.average}
        cells = [
            Cell(number(values.get(column), row.decimals), marks.get((row.model, column), ""))
            for column in published.columns
        ]
        name = method_cell(row.model, "measured here")
        lines.append([name, str(row.frames), *cells, *interval_cells(row.average, row.decimals)])
        if differences := published.differences(row):
            apart = [differences.get(column, "") for column in published.columns]
            lines.append([f"{title_of(row.model)}, measured minus published", "", *apart])
    heads = [column.replace("Jog/", "Jogging/") for column in published.columns]
    return [
        f"# {title}",
        "## Published and measured here, on HumanEva-I",
        Table(["method", "frames", *heads, *interval_heads(rows)], lines, title),
        "As printed in the DG-Net paper (arXiv 2109.07353), which lifts detections of Mask R-CNN; "
        f"the column '{WITHOUT_DAMAGED}' is made of its cells. Averages are means of cells. The "
        "recording of S3 Walking is damaged.",
        coverage([(published, rows)]),
        *([MARKS_TOLD, *conditions(rows)] if rows else []),
    ]
