"""Tables made of a grid's cells: a line a printed number, and beside it what was measured here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.experiments.grid import AS_SET
from harness.reporting.grids.cells import Corruption, GridCells, same_data
from harness.reporting.marks import column_marks
from harness.reporting.measured_rows import ReproducedRow, reproduced_row
from harness.reporting.names import title_of
from harness.reporting.published import AVERAGE
from harness.reporting.reproduction import Reproduction, pairs_text, tau_text
from harness.reporting.stored.scored_runs import ScoredModel, takes_of_models
from harness.reporting.table_parts import (
    conditions,
    csv_text,
    interval,
    limits,
    number,
    printed,
)
from harness.reporting.table_text import MARKS_TOLD, Cell, Mark, Page, Table
from harness.scoring.metrics import Metric, metric_called
from harness.scoring.rank_agreement import Agreement, agreement

PRINTED_ON = "h36m"
METHOD = "method"
"""The last head of a table whose methods stand side by side."""


@dataclass(frozen=True)
class PaperCell:
    """One number of a table, and the cell of the grid that measures it.

    Attributes:
        labels: what its line says, a word a column.
        printed: the printed number, None where the paper has none.
        variation: name of the grid's variation.
        model: the method; empty where the harness has none.
        group: numbers of a group are claimed to stand in an order.
        corruption: what was done to the 2D input, whatever the draw.
    """

    labels: tuple[str, ...]
    printed: float | None
    variation: str
    model: str = "dgnet"
    group: str = ""
    corruption: Corruption | None = None


@dataclass(frozen=True)
class GridTable:
    """A table of the paper that one grid reproduces.

    Attributes:
        name: of its files.
        number: how the paper calls it.
        title: what it shows.
        heads: heads of the columns that say what a line is.
        metric: what is measured.
        cells: its numbers, in printed order.
        compared: what the order is of.
        input_kind: the kind of 2D that the printed numbers were measured on.
        notes: what a reader must know.
    """

    name: str
    number: str
    title: str
    heads: tuple[str, ...]
    metric: str
    cells: tuple[PaperCell, ...]
    compared: str
    input_kind: str = "detected"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """A number of a table, measured or not.

    Attributes:
        cell: the number of the paper.
        model: the runs that measured it, one for each seed and draw; None where there are none.
        row: what they gave.
        by_draw: the average of each draw of the corruption, one where nothing is drawn.
    """

    cell: PaperCell
    model: ScoredModel | None
    row: ReproducedRow | None
    by_draw: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        """How messages and conditions call the line."""
        return " ".join(label for label in self.cell.labels if label)


def table_lines(table: GridTable, cells: GridCells) -> list[Line]:
    """Return a table's lines, measured where the cell is finished.

    Raises:
        HarnessError: a stored score is damaged, or cells were scored on different data.
    """
    metric = metric_called(table.metric)
    lines = [_line(cell, cells, metric) for cell in table.cells]
    same_data([line.model for line in lines if line.model is not None])
    return lines


def table_page(table: GridTable, cells: GridCells, lines: Sequence[Line]) -> Page:
    """Return a table as a page: printed and measured numbers, order, conditions."""
    measured = [line.row for line in lines if line.row is not None]
    dataset = measured[0].dataset if measured else None
    marks = _marks(table, lines)
    shown = _pivoted if table.heads[-1] == METHOD else _listed
    title = f"# Table {table.number}: {table.title}"
    parts = [title, *cells.smoke_test(), *shown(table, lines, marks)]
    if dataset is not None and dataset != PRINTED_ON:
        parts.append(
            f"Printed numbers were measured on Human3.6M, ours on `{dataset}`: millimetres of the "
            "two cannot be set against each other, only the order within each column."
        )
    if any(marks):
        parts.append(MARKS_TOLD)
    parts.append("\n".join(f"- {note}" for note in _facts(table, cells, lines)))
    if measured:
        parts += conditions(_one_a_run(lines))
    return Page(table.name, parts, csv_text(_records(table, lines)))


def _listed(table: GridTable, lines: Sequence[Line], marks: Sequence[Mark]) -> list[str | Table]:
    """Return one table, a line a number."""
    measured = [line.row for line in lines if line.row is not None]
    same = bool(measured) and measured[0].dataset == PRINTED_ON
    heads = [*table.heads, f"printed, `{PRINTED_ON}`"]
    heads += [f"measured here, `{measured[0].dataset}`", "95 % interval"] if measured else []
    heads += ["difference"] * same
    body: list[list[str | Cell]] = []
    for line, mark in zip(lines, marks, strict=True):
        told: list[str | Cell] = [
            *line.cell.labels,
            "" if line.cell.printed is None else printed(line.cell.printed),
        ]
        if measured:
            told += [_value(line, mark), "" if line.row is None else _interval(line.row)]
        told += [_difference(table, line)] * same
        body.append(told)
    caption = f"Table {table.number}: {table.title}" if measured else ""
    return [Table(heads, body, caption, words=len(table.heads))]


def _pivoted(table: GridTable, lines: Sequence[Line], marks: Sequence[Mark]) -> list[str | Table]:
    """Return a table of printed and one of measured numbers, a line a test, a column a method."""
    parts: list[str | Table] = []
    measured = [line.row for line in lines if line.row is not None]
    own = f"measured here, `{measured[0].dataset}`" if measured else ""
    texts = {
        id(line): (
            "" if line.cell.printed is None else printed(line.cell.printed),
            _value(line, mark),
            _difference(table, line),
        )
        for line, mark in zip(lines, marks, strict=True)
    }
    titles = (f"printed, `{PRINTED_ON}`", own, "measured minus printed")
    for index, title in enumerate(titles):
        there = [
            line
            for line in lines
            if (line.cell.printed is not None, line.row is not None, texts[id(line)][2])[index]
        ]
        if not there:
            continue
        methods = list(dict.fromkeys(line.cell.labels[-1] for line in there))
        tests = dict.fromkeys(line.cell.labels[:-1] for line in there)
        found = {line.cell.labels: texts[id(line)][index] for line in there}
        body = [[*test, *(found.get((*test, method), "") for method in methods)] for test in tests]
        heads = [*table.heads[:-1], *map(title_of, methods)]
        caption = f"Table {table.number}: {table.title}; {title}" if index else ""
        parts += [f"## {title[0].upper()}{title[1:]}", Table(heads, body, caption, words=2)]
    return parts


def _marks(table: GridTable, lines: Sequence[Line]) -> list[Mark]:
    """Return a mark for each line: the best of those that are claimed to stand in an order."""
    marks: list[Mark] = [""] * len(lines)
    groups = [
        line.cell.labels[:-1] if table.heads[-1] == METHOD else (line.cell.group,) for line in lines
    ]
    for group in dict.fromkeys(groups):
        chosen = [
            (index, line.model)
            for index, line in enumerate(lines)
            if line.model is not None and groups[index] == group
        ]
        named = [replace(model, name=str(index)) for index, model in chosen]
        found = column_marks(named, metric_called(table.metric), ())
        for index, _ in chosen:
            marks[index] = found.get((str(index), AVERAGE), "")
    return marks


def table_reproduction(table: GridTable, lines: Sequence[Line], page: str | None) -> Reproduction:
    """Return how much of a table was reproduced.

    Args:
        table: the table.
        lines: its lines.
        page: where it is shown, relative to results/PROFILE/; None where that is not written.
    """
    ours = [line for line in lines if line.cell.printed is not None and line.cell.model]
    measured = [line.row for line in ours if line.row is not None]
    differences = [_measured_minus_printed(table, line) for line in ours]
    return Reproduction(
        table=f"Table {table.number}",
        about=table.title,
        page=page,
        printed=len(ours),
        measured=len(measured),
        dataset=measured[0].dataset if measured else None,
        differences=tuple(value for value in differences if value is not None),
        compared=table.compared,
        agreement=lines_agreement(table, lines),
        notes=table.notes,
    )


def lines_agreement(table: GridTable, lines: Sequence[Line]) -> Agreement | None:
    """Return how far the measured lines stand in printed order; None where there are not two."""
    both = [
        (line.cell, line.model)
        for line in lines
        if line.model is not None and line.cell.printed is not None
    ]
    if len(both) < 2:
        return None
    takes = takes_of_models([model for _, model in both], metric_called(table.metric))
    values = [cell.printed for cell, _ in both if cell.printed is not None]
    found = agreement(values, takes, [cell.group for cell, _ in both])
    return found if found.pairs else None


def _line(cell: PaperCell, cells: GridCells, metric: Metric) -> Line:
    if not cell.model:
        return Line(cell, None, None)
    model = cells.scored(cell.labels[-1], cell.variation, cell.model, cell.corruption)
    if model is None:
        return Line(cell, None, None)
    row = reproduced_row(model, metric, by=())
    once = replace(  # and not once for each draw
        row,
        seeds=tuple(dict.fromkeys(row.seeds)),
        run_ids=tuple(dict.fromkeys(row.run_ids)),
        epochs_kept=tuple(dict.fromkeys(row.epochs_kept)),
    )
    return Line(cell, model, once, _averages_by_draw(model, metric))


def _averages_by_draw(model: ScoredModel, metric: Metric) -> tuple[float, ...]:
    draws: dict[int, list[float]] = {}
    for run in model.runs:
        corruption = run.score.header.conditions.predictions.corruption or {}
        draws.setdefault(corruption.get("draw", 0), []).append(run.score.metrics[metric.name])
    return tuple(float(np.mean(values)) for values in draws.values())


def _facts(table: GridTable, cells: GridCells, lines: Sequence[Line]) -> list[str]:
    ours = [line for line in lines if line.cell.model]
    missing = [line for line in ours if line.row is None]
    told = [f"{len(ours) - len(missing)} of {len(ours)} cells measured"]
    found = lines_agreement(table, lines)
    if found is not None:
        told.append(
            f"order of {table.compared}: {pairs_text(found)} stand as printed, Kendall's tau "
            f"{tau_text(found) or 'undefined'}"
        )
    if any(len(line.by_draw) > 1 for line in lines):
        told.append("a number of several draws is their mean; each draw stands in the CSV file")
    told += table.notes
    reasons: dict[str, list[str]] = {}
    for line in missing:
        name = f"{line.cell.variation}-{line.cell.model}-seed"
        found_reasons = {why for cell, why in cells.missing.items() if cell.startswith(name)}
        why = ", ".join(sorted(found_reasons)) or "no such cell or test in this profile's grid"
        reasons.setdefault(why, []).append(line.name)
    return told + [f"{why}: {'; '.join(names)}" for why, names in reasons.items()]


def _one_a_run(lines: Sequence[Line]) -> list[ReproducedRow]:
    """Return a row for each trained cell, called by its variation and model, without corruption."""
    rows: dict[tuple[str, ...], ReproducedRow] = {}
    for line in lines:
        if line.row is not None and line.row.run_ids not in rows:
            departures = tuple(
                told for told in line.row.departures if not told.startswith("corrupted")
            )
            variation = "" if line.cell.variation == AS_SET else f"{line.cell.variation} "
            name = f"{variation}{title_of(line.cell.model)}"
            rows[line.row.run_ids] = replace(line.row, model=name, departures=departures)
    return list(rows.values())


def _records(table: GridTable, lines: Sequence[Line]) -> list[dict[str, Any]]:
    return [
        {
            "table": table.number,
            **dict(zip(table.heads, line.cell.labels, strict=True)),
            "model": line.cell.model,
            "metric": table.metric,
            "printed": "" if line.cell.printed is None else line.cell.printed,
            "printed_on": "" if line.cell.printed is None else PRINTED_ON,
            **_measured_fields(line),
            "difference": _difference(table, line),
        }
        for line in lines
    ]


def _measured_fields(line: Line) -> dict[str, Any]:
    names = (
        *("measured", "low", "high", "by_draw", "measured_on", "parameters", "recipe"),
        *("epochs_kept", "protocol", "seeds", "run_ids"),
    )
    if line.row is None:
        return dict.fromkeys(names, "")
    row, value = line.row, line.row.average
    fields = (
        *(f"{value.mean:.3f}", *limits(value).values()),
        " ".join(f"{draw:.3f}" for draw in line.by_draw),
        *(row.dataset, row.parameters, row.recipe, ", ".join(row.epochs_kept), row.protocol),
        *(" ".join(map(str, row.seeds)), " ".join(row.run_ids)),
    )
    return dict(zip(names, fields, strict=True))


def _measured_minus_printed(table: GridTable, line: Line) -> float | None:
    row, value = line.row, line.cell.printed
    if row is None or value is None or row.dataset != PRINTED_ON:
        return None
    return row.average.mean - value if row.input_kind == table.input_kind else None


def _difference(table: GridTable, line: Line) -> str:
    value = _measured_minus_printed(table, line)
    return "" if value is None or line.row is None else f"{value:+.{line.row.decimals}f}"


def _value(line: Line, mark: Mark) -> Cell:
    return Cell("" if line.row is None else number(line.row.average, line.row.decimals), mark)


def _interval(row: ReproducedRow) -> str:
    return interval(row.average, row.decimals)
