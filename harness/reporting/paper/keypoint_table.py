"""Table IV of the DG-Net paper: PCK, AUC and MPJPE, as MPI-INF-3DHP is reported.

Papers weigh the six test sequences by their frames or alike and rarely say which, so both stand
here. A second part is the cross-data-set test: lifters trained on another data set, Human3.6M.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from harness.datasets.mpi_inf_3dhp.contents import ACTIVITIES
from harness.foundation.errors import HarnessError
from harness.reporting.marks import Marks, column_marks
from harness.reporting.measured_rows import (
    ProfileRuns,
    ReproducedRow,
    Value,
    reproduced_row,
)
from harness.reporting.names import title_of
from harness.reporting.published import AVERAGE, published_table
from harness.reporting.stored.scored_runs import ScoredModel, takes_of_models
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
from harness.scoring.activities import ACTIVITIES_FILE, read_activities
from harness.scoring.metrics import metric_called

DATASET = "mpi_inf_3dhp"
_NAME = "table_04_mpi_inf_3dhp"
_TITLE = "Table IV: PCK, AUC and MPJPE (MPI-INF-3DHP)"
_PRINTED = {"PCK@150mm": "PCK_percent", "AUC": "AUC_percent", "MPJPE": "MPJPE_mm"}
_HEADS = ("PCK, %", "AUC, %", "MPJPE, mm")
_OVER_FRAMES, _OF_SEQUENCES = "over frames", "mean of sequences"


@dataclass(frozen=True)
class KeypointRow:
    """One model's lines of the table.

    Attributes:
        by_metric: metric -> its line; cells are scenes, and both averages by name.
        trained_on: the data set of its training, "" where no record tells.
        activities: columns activity, metric, value, averaged over seeds; None where the data set
            does not name activities.
    """

    by_metric: dict[str, ReproducedRow]
    trained_on: str
    activities: pd.DataFrame | None

    @property
    def first(self) -> ReproducedRow:
        """The line of one metric; conditions are the same in all."""
        return next(iter(self.by_metric.values()))


def published_keypoints() -> list[Published]:
    """Return the printed rows by metric, with ground-truth 2D as the paper says."""
    rows = published_table("table_04_mpi_inf_3dhp").assign(input_2d="gt")
    return [
        Published(_NAME, metric, DATASET, rows.rename(columns={column: AVERAGE}), ())
        for metric, column in _PRINTED.items()
    ]


def keypoint_table(runs: ProfileRuns, crossed: Mapping[str, ProfileRuns]) -> Page | None:
    """Return table IV, or None where no model was scored on its data set or across data sets.

    Args:
        runs: the profile's runs, scored on their own test split.
        crossed: by profile whose data they were tested on as well, the same runs.
    """
    published = published_keypoints()
    own, missing = keypoint_rows(runs)
    own = [row for row in own if row.first.dataset == DATASET]
    across = {
        target: keypoint_rows(other)
        for target, other in crossed.items()
        if any(model.dataset == DATASET for model in other.scored[0])
    }
    if not own and not any(rows for rows, _ in across.values()):
        return None
    records = [record for one in published for record in published_records(one)]
    for one in published:
        # The published rows are of lifters trained on MPI-INF-3DHP itself.
        unlike = replace(one, dataset="")
        for row in own:
            records += measured_records(one, row.by_metric[one.metric])
        for row in (row for rows, _ in across.values() for row in rows):
            records += measured_records(unlike, row.by_metric[one.metric])
    parts = [f"# {_TITLE}", *_published_section(published, own, _marks(runs))]
    for target, (rows, missing_there) in across.items():
        parts += _cross_sections(target, rows, _marks(crossed[target]))
        missing += [f"{line} (tested on {target})" for line in missing_there]
    return Page(_NAME, [*parts, *not_measured(missing)], csv_text(records))


def _marks(runs: ProfileRuns) -> dict[str, Marks]:
    """Return the marks of the averages by metric."""
    return {name: column_marks(runs.scored[0], metric_called(name), ()) for name in _PRINTED}


def keypoint_rows(runs: ProfileRuns) -> tuple[list[KeypointRow], list[str]]:
    """Return the lines of all models that were scored, and why the others have none."""
    models, unscored = runs.scored
    rows, missing = [], list(unscored)
    for model in models:
        try:
            by_metric = {metric: _with_both_averages(model, metric) for metric in _PRINTED}
        except HarnessError as error:
            missing.append(f"{model.name}: {error}")
            continue
        record = model.runs[0].record
        trained_on = "" if record is None or record.dataset is None else record.dataset
        rows.append(KeypointRow(by_metric, trained_on, _activities(runs, model)))
    return rows, missing


def _with_both_averages(model: ScoredModel, name: str) -> ReproducedRow:
    metric = metric_called(name)
    dataset = model.runs[0].score.header.conditions.predictions.dataset
    row = reproduced_row(model, metric, ("action",) if dataset == DATASET else ())
    takes = takes_of_models([model], metric)
    averages = {
        name: Value(float(chosen.values()[0]), None, None)
        for name, chosen in (
            (_OVER_FRAMES, replace(takes, average="frames")),
            (_OF_SEQUENCES, replace(takes, average="groups", groups=np.arange(len(takes)))),
        )
    }
    return replace(row, cells={**row.cells, **averages})


def _activities(runs: ProfileRuns, model: ScoredModel) -> pd.DataFrame | None:
    folders = [runs.score_folder(run) for run in model.runs]
    if not all((folder / ACTIVITIES_FILE).is_file() for folder in folders):
        return None
    tables = pd.concat([read_activities(folder) for folder in folders])
    return tables.groupby(["activity", "metric"], sort=False)["value"].mean().reset_index()


def _published_section(
    published: Sequence[Published], rows: Sequence[KeypointRow], marks: Mapping[str, Marks]
) -> list[str | Table]:
    lines: list[list[str | Cell]] = []
    for printed_rows in zip(*(one.rows.iterrows() for one in published), strict=True):
        values = [printed(line[AVERAGE]) for _, line in printed_rows]
        _, line = printed_rows[0]
        lines.append([published_name(line), str(line["frames"]), *values])
    for row in rows:
        lines.append(_measured_line(row, marks, "measured here"))
        differences = [one.differences(row.by_metric[one.metric]) for one in published]
        if any(differences):
            cells = [found.get(AVERAGE, "") for found in differences]
            lines.append([f"{title_of(row.first.model)}, measured minus published", "", *cells])
    heads = _measured_heads(rows) if rows else ["method", "frames", *_HEADS]
    parts: list[str | Table] = [
        "## Published, measured on MPI-INF-3DHP",
        Table(heads, lines, _TITLE if rows else ""),
        "As printed in the DG-Net paper (arXiv 2109.07353), from ground-truth 2D. It says neither "
        "which annotation it uses nor how the six sequences are averaged.",
        coverage([(one, [row.by_metric[one.metric] for row in rows]) for one in published]),
    ]
    if rows:
        parts += [MARKS_TOLD, *_conditions(rows), *_parts_of(rows)]
    return parts


def _cross_sections(
    target: str, rows: Sequence[KeypointRow], marks: Mapping[str, Marks]
) -> list[str | Table]:
    if not rows:
        return []
    trained, tested = rows[0].trained_on or "another data set", rows[0].first.dataset
    title = f"Trained on {trained}, tested on {tested}"
    return [
        f"## Trained on `{trained}`, tested on `{tested}` (profile {target})",
        "Joints are matched by name in Human3.6M's order; docs/data.md says which is which. No "
        "training clip of the tested data set was seen.",
        Table(_measured_heads(rows), [_measured_line(row, marks) for row in rows], title),
        MARKS_TOLD,
        *_conditions(rows),
        *(_parts_of(rows) if tested == DATASET else []),
    ]


def _conditions(rows: Sequence[KeypointRow]) -> list[str | Table]:
    """Say what the numbers depend on; `joints` there are those of MPJPE."""
    counted = " and ".join(sorted({str(row.by_metric["PCK@150mm"].joints) for row in rows}))
    told = conditions([row.by_metric["MPJPE"] for row in rows])
    return [*told, f"PCK at 150 mm and AUC count {counted} of the joints."]


def _measured_heads(rows: Sequence[KeypointRow]) -> list[str]:
    sequences = [f"{head.partition(',')[0]}, {_OF_SEQUENCES}" for head in _HEADS]
    over_frames = [f"{head.partition(',')[0]}, {_OVER_FRAMES}" for head in _HEADS]
    errors = [row.by_metric["MPJPE"] for row in rows]
    limits = [f"{head} of MPJPE" for head in interval_heads(errors)]
    return ["method", "frames", *_HEADS, *over_frames, *sequences, *limits]


def _measured_line(
    row: KeypointRow, marks: Mapping[str, Marks], note: str = ""
) -> list[str | Cell]:
    averages = [
        Cell(
            number(line.average, line.decimals),
            marks[metric].get((row.first.model, AVERAGE), ""),
        )
        for metric, line in row.by_metric.items()
    ]
    others = [
        number(line.cells[kind], line.decimals)
        for kind in (_OVER_FRAMES, _OF_SEQUENCES)
        for line in row.by_metric.values()
    ]
    error = row.by_metric["MPJPE"]
    return [
        method_cell(row.first.model, note),
        str(row.first.frames),
        *averages,
        *others,
        *interval_cells(error.average, error.decimals),
    ]


def _parts_of(rows: Sequence[KeypointRow]) -> list[str | Table]:
    """Return the tables by scene and by activity of rows of MPI-INF-3DHP."""
    scenes = [name for name in rows[0].first.cells if name not in (_OVER_FRAMES, _OF_SEQUENCES)]
    by_scene = [
        [
            title_of(row.first.model),
            metric,
            *(number(line.cells.get(scene), line.decimals) for scene in scenes),
        ]
        for row in rows
        for metric, line in row.by_metric.items()
    ]
    parts: list[str | Table] = [
        "### By scene",
        Table(["method", "metric", *scenes], by_scene, words=2),
    ]
    activities = [name for name in ACTIVITIES if name]
    by_activity = [
        [title_of(row.first.model), metric, *_of_activities(row.activities, metric, activities)]
        for row in rows
        if row.activities is not None
        for metric in row.by_metric
    ]
    if not by_activity:
        return [*parts, "The files say nothing of activities, so there is no table by activity."]
    return [
        *parts,
        "### By activity",
        Table(["method", "metric", *activities], by_activity, words=2),
    ]


def _of_activities(table: pd.DataFrame, metric: str, activities: Sequence[str]) -> list[str]:
    values = table[table["metric"] == metric].set_index("activity")["value"]
    return [printed(values.get(activity, float("nan"))) for activity in activities]
