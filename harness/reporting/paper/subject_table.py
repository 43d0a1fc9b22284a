"""Table III of the DG-Net paper: P-MPJPE by subject and action, as HumanEva-I is reported.

The published average is the mean of six cells, Walking and Jogging of three subjects. Box, which
the protocol scores too, stands in no column and in no average. The recording of S3 Walking is
damaged, so the mean of the other five cells stands beside; published rows get it from theirs.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.reporting.measured_rows import ProfileRuns, ReproducedRow, reproduced_row
from harness.reporting.published import AVERAGE, published_table
from harness.reporting.stored.scored_runs import ScoredModel
from harness.reporting.table_parts import (
    Page,
    Published,
    conditions,
    coverage,
    csv_text,
    interval,
    measured_records,
    not_measured,
    number,
    pipe_table,
    printed,
    published_name,
    published_records,
    run_names,
)
from harness.runs.errors import HarnessError
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


def subject_table(runs: ProfileRuns) -> Page:
    """Return table III."""
    published = published_by_subject()
    models, unscored = runs.scored
    rows, missing = [], list(unscored)
    for model in models:
        try:
            rows.append(_row(model, published))
        except HarnessError as error:
            missing.append(f"{model.name}: {error}")
    records = published_records(published)
    for row in rows:
        records += measured_records(published, row)
    return Page(_NAME, _markdown(published, rows, missing), csv_text(records))


def _row(model: ScoredModel, published: Published) -> ReproducedRow:
    """Return a model's line; of HumanEva-I only the cells that are published."""
    if model.runs[0].score.header.conditions.predictions.dataset != published.dataset:
        return reproduced_row(model, _METRIC, BY_ACTION_AND_SUBJECT)
    row = reproduced_row(model, _METRIC, BY_ACTION_AND_SUBJECT, published.cells)
    sound = reproduced_row(
        model, _METRIC, BY_ACTION_AND_SUBJECT, [c for c in published.cells if c != _DAMAGED]
    )
    return replace(row, cells={**row.cells, WITHOUT_DAMAGED: sound.average})


def _markdown(published: Published, rows: list[ReproducedRow], missing: list[str]) -> str:
    on_humaneva = [row for row in rows if row.dataset == published.dataset]
    elsewhere = [row for row in rows if row.dataset != published.dataset]
    lines = [
        [published_name(row), str(row["frames"]), *(printed(row[c]) for c in published.columns)]
        for _, row in published.rows.iterrows()
    ]
    for row in on_humaneva:
        values = {**row.cells, AVERAGE: row.average}
        cells = [number(values.get(column)) for column in published.columns]
        name = f"**{row.model}**, measured here"
        lines.append([name, str(row.frames), *cells, interval(row.average), run_names(row)])
        if differences := published.differences(row):
            cells = [differences.get(column, "") for column in published.columns]
            lines.append([f"{row.model}, measured minus published", "", *cells])
    heads = [column.replace("Jog/", "Jogging/") for column in published.columns]
    if on_humaneva:
        heads += ["95 % interval", "run"]
    parts = [
        "# Table III: P-MPJPE by subject and action (protocol 2), mm",
        *_elsewhere_sections(elsewhere),
        "## Published, measured on HumanEva-I",
        pipe_table(
            [line + [""] * (len(heads) + 2 - len(line)) for line in lines],
            ["method", "frames", *heads],
        ),
        "As printed in the DG-Net paper (arXiv 2109.07353), which lifts detections of Mask R-CNN; "
        f"the column '{WITHOUT_DAMAGED}' is made of its cells. Averages are means of cells. The "
        "recording of S3 Walking is damaged.",
        coverage([(published, on_humaneva)]),
    ]
    if on_humaneva:
        parts.append(conditions(on_humaneva))
    return "\n\n".join([*parts, *not_measured(missing)]) + "\n"


def _elsewhere_sections(rows: Sequence[ReproducedRow]) -> list[str]:
    """Return a section for each other data set: a line a model and subject, a column an action."""
    parts: list[str] = []
    for dataset in dict.fromkeys(row.dataset for row in rows):
        chosen = [row for row in rows if row.dataset == dataset]
        pairs = [cell.split("/", 1) for row in chosen for cell in row.cells]
        actions = sorted({action for action, _ in pairs})
        lines = []
        for row in chosen:
            for subject in dict.fromkeys(subject for _, subject in pairs):
                values = [row.cells.get(f"{action}/{subject}") for action in actions]
                mean = np.mean([value.mean for value in values if value is not None])
                cells = [number(value) for value in values]
                lines.append([f"**{row.model}**", subject, *cells, f"**{mean:.1f}**"])
        parts += [
            f"## Measured here, on the data set `{dataset}`",
            "Not HumanEva-I: these numbers cannot be set against the published rows below. 'Avg' "
            "is the mean of the subject's actions.",
            pipe_table(lines, ["model", "subject", *actions, AVERAGE]),
            conditions(chosen),
        ]
    return parts
