"""Across data sets: a table and a heat map a method, trained on one set, tested on another."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.foundation.errors import HarnessError
from harness.foundation.settings import Settings
from harness.prediction.rate_difference import rate_difference
from harness.reporting.heat_maps import HeatMapAxes, draw_heat_maps
from harness.reporting.marks import column_marks
from harness.reporting.measured_rows import ReproducedRow, reproduced_row
from harness.reporting.names import title_of
from harness.reporting.published import AVERAGE
from harness.reporting.stored.scored_runs import ScoredModel, find_scored_model, takes_of_models
from harness.reporting.table_parts import (
    csv_text,
    difference_cells,
    interval,
    interval_heads,
    limits,
    not_measured,
    number,
    run_names,
    subject_limits,
    write_page,
)
from harness.reporting.table_text import MARKS_TOLD, Cell, Mark, Page, Table
from harness.scoring.metrics import metric_called
from harness.scoring.protocols import COMMON_PROTOCOL, protocol_called
from harness.scoring.statistics import differences_to_first
from harness.scoring.stored_score import CROSS_FOLDER
from harness.scoring.subject_intervals import intervals_over_subjects, told_of_subjects

ACROSS = "across"
"""The folder of results that belongs to no profile."""
_NAME = "cross_data"
_METRIC = metric_called("MPJPE")


@dataclass(frozen=True)
class CrossCell:
    """A method trained in one profile and tested on another's data, or on its own.

    Attributes:
        model: the method.
        trained: the profile that it was trained in.
        tested: the profile whose test clips it lifted.
        runs: its runs, called by the profile trained in.
        row: their errors, all actions in one number.
    """

    model: str
    trained: str
    tested: str
    runs: ScoredModel
    row: ReproducedRow


def write_cross_matrix(settings: Settings, results: Path) -> list[Path]:
    """Write results/across/cross_data as tables, CSV and heat map; return the files.

    Made of what `harness cross` or the stage `cross` stored; without any of it nothing is written.

    Raises:
        HarnessError: the place cannot be written.
    """
    cells, missing = cross_cells(settings, results)
    if not cells:
        return []
    folder = results / ACROSS
    tested = list(dict.fromkeys(cell.tested for cell in cells))
    trained = list(dict.fromkeys(cell.trained for cell in cells))
    matrices = {
        title_of(model): np.array(
            [[_mean(of_model.get((row, column))) for column in tested] for row in trained]
        )
        for model, of_model in _by_model(cells).items()
    }
    axes = HeatMapAxes(trained, tested, "MPJPE, mm")
    return [
        *write_page(cross_page(cells, missing), folder),
        *draw_heat_maps(matrices, axes, folder / _NAME),
    ]


def cross_cells(settings: Settings, results: Path) -> tuple[list[CrossCell], list[str]]:
    """Return the pairs that were tested, in the order of params.yaml, and why not the others.

    Only pairs of profiles with a stored score are looked at, whatever the model.
    """
    cells: list[CrossCell] = []
    missing: dict[str, list[str]] = {}  # by method, profile trained in and reason
    for trained in settings.profiles:
        folder = results / trained / "runs"
        stored = {
            path.parents[1].name for path in folder.glob(f"*/{CROSS_FOLDER}/*/scores/common*")
        }
        for tested in (name for name in settings.profiles if name in stored):
            within = f"{CROSS_FOLDER}/{tested}"
            for model in settings.models:
                try:
                    runs = find_scored_model(
                        model, trained, COMMON_PROTOCOL, results, settings.seeds, within
                    )
                    row = reproduced_row(runs, _METRIC, ())
                except HarnessError as error:
                    what = f"{title_of(model)} of {trained}: {error}".replace(within, "cross")
                    missing.setdefault(what, []).append(tested)
                    continue
                cells.append(CrossCell(model, trained, tested, replace(runs, name=trained), row))
    return cells, [f"{what} (tested on {', '.join(on)})" for what, on in missing.items()]


def cross_page(cells: Sequence[CrossCell], missing: Sequence[str] = ()) -> Page:
    """Return the matrix of each method, what each number depends on, and a line a number as CSV.

    Args:
        cells: one or more.
        missing: why others are not there.
    """
    protocol = protocol_called(COMMON_PROTOCOL)
    parts: list[str | Table] = [
        "# Trained on one data set, tested on another, MPJPE in mm",
        f"Protocol {protocol.id}, version {protocol.version}: {protocol.description}. A row is "
        "where a lifter was trained, a column whose test clips it lifted; both are called by their "
        "profile. A column compares lifters on the same frames; along a row people, motions and "
        "cameras change, so that its numbers cannot be set against each other.",
    ]
    for model, of_model in _by_model(cells).items():
        parts += [f"## {title_of(model)}", *_matrix(model, of_model)]
    parts += [MARKS_TOLD, "## Conditions", *_conditions(cells)]
    return Page(_NAME, [*parts, *not_measured(missing)], csv_text([*map(_record, cells)]))


def _by_model(cells: Iterable[CrossCell]) -> dict[str, dict[tuple[str, str], CrossCell]]:
    found: dict[str, dict[tuple[str, str], CrossCell]] = {}
    for cell in cells:
        found.setdefault(cell.model, {})[cell.trained, cell.tested] = cell
    return found


def _mean(cell: CrossCell | None) -> float:
    return float("nan") if cell is None else cell.row.average.mean


def _matrix(model: str, cells: Mapping[tuple[str, str], CrossCell]) -> list[str | Table]:
    trained = list(dict.fromkeys(row for row, _ in cells))
    tested = list(dict.fromkeys(column for _, column in cells))
    marks: dict[tuple[str, str], Mark] = {}
    for column in tested:
        rivals = [cells[row, column].runs for row in trained if (row, column) in cells]
        for (name, what), mark in column_marks(rivals, _METRIC, ()).items():
            if what == AVERAGE:
                marks[name, column] = mark
    lines: list[list[str | Cell]] = [
        [row, *(_cell(cells.get((row, column)), marks.get((row, column), "")) for column in tested)]
        for row in trained
    ]
    title = f"{title_of(model)}: trained on a row's, tested on a column's data"
    heads = ["trained on", *(f"tested on {column}" for column in tested)]
    parts: list[str | Table] = [Table(heads, lines, f"{title}, MPJPE in mm (95 % interval)")]
    lost = [line for column in tested for line in _lost(cells, trained, column)]
    if lost:
        rows = [cell.row for cell in cells.values()]
        heads = ["tested on", "trained on", "minus trained on it", *interval_heads(rows)]
        parts += [
            "What training elsewhere costs: the difference to the lifter that was trained on the "
            "data it is tested on, on the same takes.",
            Table(heads, lost, words=2),
        ]
    return parts


def _cell(cell: CrossCell | None, mark: Mark) -> Cell:
    if cell is None:
        return Cell("")
    limits, decimals = interval(cell.row.average, cell.row.decimals), cell.row.decimals
    return Cell(f"{number(cell.row.average, decimals)}{f' ({limits})' if limits else ''}", mark)


def _lost(
    cells: Mapping[tuple[str, str], CrossCell], trained: Sequence[str], column: str
) -> list[list[str]]:
    """Return a line for each lifter trained elsewhere than where it is tested."""
    home = cells.get((column, column))
    lines = []
    for row in trained:
        away = cells.get((row, column))
        if home is None or away is None or row == column:
            continue
        if home.row.data_hash != away.row.data_hash:  # the set was prepared anew in between
            continue
        takes = takes_of_models([home.runs, away.runs], _METRIC)
        (difference,) = differences_to_first(takes)
        people = intervals_over_subjects(takes)
        line = [column, row, *difference_cells(difference, 1)]
        if people is not None:
            line.append(f"{people[0].low:+.1f} to {people[0].high:+.1f}")
        lines.append(line)
    return lines


def _conditions(cells: Sequence[CrossCell]) -> list[str | Table]:
    tests = {cell.tested: cell for cell in cells}
    lifters = {(cell.model, cell.trained): cell for cell in cells}
    departures: dict[str, list[str]] = {}
    for cell in cells:
        for told in _departures(cell):
            departures.setdefault(told, []).append(
                f"{title_of(cell.model)} of {cell.trained} on {cell.tested}"
            )
    heads = ["method", "trained on", "2D source", "frames a second", "window", "parameters"]
    heads += ["recipe", "epoch kept", "seeds", "run"]
    return [
        "\n".join(f"- {_told_of_test(name, cell)}" for name, cell in tests.items()),
        Table(heads, [_lifter(cell) for cell in lifters.values()], words=len(heads)),
        "Lifters of one method may differ in size and training between profiles, as the table "
        "says: then a column compares these too. A set that is simulated twice is the same world.",
        "### Departures",
        "\n".join(f"- {told}: {'; '.join(names)}" for told, names in departures.items()) or "none",
    ]


def _told_of_test(name: str, cell: CrossCell) -> str:
    run = cell.runs.runs[0]
    header, clips = run.score.header, run.score.sequences.clips
    made = header.conditions.predictions
    cameras = sorted({str(camera).rpartition("/")[2] for camera in clips["camera"]})
    shown = ", ".join(cameras[:8]) + ", ..." * (len(cameras) > 8)
    return (
        f"tested on `{name}`: data set {made.dataset} (data hash {made.data_hash[:12]}), "
        f"{header.frames} frames of {header.clips} clips, 2D source {made.input_2d}, "
        f"{_rates(made.frame_rates)} frames a second, cameras {shown} ({len(cameras)}), flip at "
        f"test {'on' if made.flip_test else 'off'}; {told_of_subjects(cell.row.subjects)}"
    )


def _lifter(cell: CrossCell) -> list[str]:
    made, row = cell.runs.runs[0].score.header.conditions.predictions, cell.row
    return [
        title_of(cell.model),
        cell.trained,
        made.trained_on_2d,
        _rates(made.trained_frame_rates),
        str(row.frames),
        "" if row.parameters is None else f"{row.parameters:,}",
        row.recipe,
        ", ".join(row.epochs_kept),
        ", ".join(map(str, row.seeds)),
        run_names(row),
    ]


def _departures(cell: CrossCell) -> list[str]:
    """Return in what a lifter was tested otherwise than it was trained, but for the people."""
    made = cell.runs.runs[0].score.header.conditions.predictions
    rate = rate_difference(made.trained_frame_rates, made.frame_rates or (), made.frames)
    return [*cell.row.departures, *([rate] if rate and made.frame_rates else [])]


def _rates(rates: Sequence[float] | None) -> str:
    return "unknown" if rates is None else ", ".join(f"{rate:g}" for rate in rates)


def _record(cell: CrossCell) -> dict[str, Any]:
    row, value = cell.row, cell.row.average
    return {
        "model": cell.model,
        "trained_on": cell.trained,
        "tested_on": cell.tested,
        "metric": _METRIC.name,
        "value": f"{value.mean:.3f}",
        **limits(value),
        **subject_limits(value, row.subjects),
        "dataset": row.dataset,
        "data_hash": row.data_hash,
        "input_2d": row.input_2d,
        "departures": "; ".join(_departures(cell)),
        "protocol": row.protocol,
        "seeds": " ".join(map(str, row.seeds)),
        "run_ids": " ".join(row.run_ids),
    }
