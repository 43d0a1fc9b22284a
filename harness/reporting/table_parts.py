"""What the paper's tables share: cells as text, conditions below, and a line a number as CSV."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from harness.foundation.files import atomic_file
from harness.foundation.shown import cell
from harness.reporting.measured_rows import ReproducedRow, Value
from harness.reporting.names import citation_key, reference_of, title_of
from harness.reporting.published import AVERAGE
from harness.reporting.stored.learning_curve import FALLING
from harness.reporting.table_text import Cell, Page, Table
from harness.scoring.statistics import Difference
from harness.scoring.subject_intervals import told_of_subjects


@dataclass(frozen=True)
class Published:
    """The printed rows of a table and what they are about.

    Attributes:
        table: name of the table.
        metric: what it shows.
        dataset: the data set that it was measured on.
        rows: columns model, method, input_2d, frames, one a cell, and the average where printed.
        cells: names of the cells' columns, as `ReproducedRow.cells` calls them; empty where
            nothing but the average is printed.
        derived: those among them that are made of printed ones.
    """

    table: str
    metric: str
    dataset: str
    rows: pd.DataFrame
    cells: tuple[str, ...]
    derived: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """The cells, and the average where one is printed."""
        return [*self.cells, *([AVERAGE] if AVERAGE in self.rows else [])]

    @property
    def numbers(self) -> int:
        """How many numbers are printed for models that the harness has."""
        printed_here = [column for column in self.columns if column not in self.derived]
        return int(self.rows.loc[self.rows["model"] != "", printed_here].notna().to_numpy().sum())

    def match(self, row: ReproducedRow) -> "pd.Series[Any] | None":
        """Return the printed row of the same data set, method, kind of 2D and number of frames."""
        same = self.rows[
            (self.rows["model"] == row.model)
            & (self.rows["input_2d"] == row.input_kind)
            & (self.rows["frames"] == row.frames)
        ]
        return None if same.empty or row.dataset != self.dataset else same.iloc[0]

    def differences(self, row: ReproducedRow) -> dict[str, str]:
        """Return measured minus published by column; an average only if over the same cells."""
        match = self.match(row)
        if match is None:
            return {}
        values = dict(row.cells)
        if not self.cells or set(row.cells) == set(self.cells):
            values[AVERAGE] = row.average
        return {
            column: f"{values[column].mean - match[column]:+.{row.decimals}f}"
            for column in self.columns
            if column in values and not pd.isna(match[column])
        }


def coverage(parts: Iterable[tuple[Published, Sequence[ReproducedRow]]]) -> str:
    """Say how many of the printed numbers of the harness's own models were measured here.

    Args:
        parts: printed rows, and the measured ones that stand beside them.
    """
    total = measured = 0
    for published, rows in parts:
        total += published.numbers
        measured += sum(
            column not in published.derived for row in rows for column in published.differences(row)
        )
    return (
        f"Of the {total} numbers printed for models that the harness has, {measured} were measured "
        f"here on the same data set with the same kind of 2D and window; {total - measured} were "
        "not run."
    )


def write_page(page: Page, folder: Path) -> list[Path]:
    """Write a page as NAME.md, NAME.csv and, where it has tables for a paper, NAME.tex.

    Returns the files.

    Raises:
        HarnessError: the place cannot be written.
    """
    written = []
    for suffix, text in (("md", page.markdown), ("csv", page.csv), ("tex", page.latex)):
        path = folder / f"{page.name}.{suffix}"
        if not text:
            continue
        with atomic_file(path) as stream:
            stream.write(text)
        written.append(path)
    return written


def number(value: Value | None, decimals: int = 1) -> str:
    """Return a measured number as tables print it, "" where there is none."""
    return "" if value is None else f"{value.mean:.{decimals}f}"


def interval(value: Value, decimals: int = 1) -> str:
    """Return the 95 % interval of a measured number, "" where there is none."""
    if value.low is None or value.high is None:
        return ""
    return f"{value.low:.{decimals}f} to {value.high:.{decimals}f}"


def interval_heads(rows: Sequence[ReproducedRow]) -> list[str]:
    """Return the heads of the columns that `interval_cells` fills."""
    people = any(row.average.over_subjects is not None for row in rows)
    return ["95 % interval", *["95 % over subjects"] * people]


def interval_cells(value: Value, decimals: int = 1) -> list[str]:
    """Return the intervals of a measured number over takes and, where there is one, subjects."""
    people = value.over_subjects
    told = [] if people is None else [f"{people.low:.{decimals}f} to {people.high:.{decimals}f}"]
    return [interval(value, decimals), *told]


def difference_cells(difference: Difference | None, decimals: int) -> list[str]:
    """Return a difference and its 95 % interval as tables print them, "" where there is none."""
    if difference is None:
        return ["", ""]
    low, high = difference.low, difference.high
    known = low is not None and high is not None
    span = f"{low:+.{decimals}f} to {high:+.{decimals}f}" if known else ""
    return [f"{difference.value:+.{decimals}f}", span]


def method_cell(model: str, note: str = "") -> Cell:
    """Return how tables call a model: its title, cited in LaTeX."""
    title = title_of(model) + (f", {note}" if note else "")
    return Cell(title, key=citation_key(reference_of(model)))


def printed(value: float) -> str:
    """Return a published number, "" where none was printed."""
    return "" if pd.isna(value) else f"{value:.1f}"


def published_name(row: "pd.Series[Any]") -> Cell:
    """Return how a table calls a published row."""
    if not row["model"]:
        return Cell(str(row["method"]))
    key = citation_key(reference_of(row["model"]))
    return Cell(f"{row['method']} (`{row['model']}`)", key=key)


def run_names(row: ReproducedRow) -> str:
    """Return the ids of the runs that a line is made from."""
    return " ".join(f"`{run_id}`" for run_id in row.run_ids)


def not_measured(missing: Sequence[str]) -> list[str]:
    """Return the section that says which models have no line and why, if any has none."""
    return ["## Not measured", "\n".join(f"- {line}" for line in missing)] if missing else []


def conditions(rows: Sequence[ReproducedRow]) -> list[str | Table]:
    """Say what the numbers depend on: what all rows share in words, the rest as a small table."""
    facts = [_facts(row) for row in rows]
    shared = [
        what
        for what in facts[0]
        if what not in _OWN_FACTS and len({row[what] for row in facts}) == 1
    ]
    told = "; ".join(f"{what} {facts[0][what]}" for what in shared if facts[0][what])
    heads = [what for what in facts[0] if what not in shared and any(row[what] for row in facts)]
    lines = [
        [title_of(row.model), *(fact[what] for what in heads)]
        for row, fact in zip(rows, facts, strict=True)
    ]
    parts: list[str | Table] = [
        "### Conditions",
        f"Of all: {told}.",
        Table(["method", *heads], lines, words=1 + len(heads)),
    ]
    shifted = [
        f"{title_of(row.model)} {row.without_shifted:.{row.decimals}f}"
        for row in rows
        if row.without_shifted is not None
    ]
    if shifted:
        parts.append(
            "Average without the three takes of S9 whose ground truth is shifted "
            f"(h36m17-actionwise-no-s9drift): {', '.join(shifted)}."
        )
    note = (
        "Interval: bootstrap over takes (a recording, all cameras together) and, where there are "
        "several, over training seeds; of one seed it speaks about other takes alone, and never "
        f"about other subjects. {_sentence(told_of_subjects(rows[0].subjects))}"
    )
    if any("falling" in told for row in rows for told in row.epochs_kept):
        note += (
            " A model whose curve was still falling had not converged, and its rank says little "
            f"({FALLING})."
        )
    return [*parts, note]


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


_OWN_FACTS = ("window", "parameters", "MACs a frame", "seeds", "run")
"""What stands in the table of conditions even where it is the same for all."""


def _facts(row: ReproducedRow) -> dict[str, str]:
    return {
        "data set": f"{row.dataset} (data hash {row.data_hash[:12]})",
        "protocol": row.protocol,
        "2D source": row.input_2d,
        "joints": str(row.joints),
        "flip at test": "on" if row.flip_test else "off",
        "departures": ", ".join(row.departures) or "none",
        "window": f"{row.frames} frame{'s' * (row.frames != 1)}",
        "parameters": "" if row.parameters is None else f"{row.parameters:,}",
        "MACs a frame": (
            "" if row.macs_per_frame is None else f"{row.macs_per_frame / 1e6:,.2f} M"
        ),
        "recipe": row.recipe,
        "learnt from": row.learnt_from,
        "epoch kept": ", ".join(row.epochs_kept),
        "seeds": ", ".join(map(str, row.seeds)),
        "run": run_names(row),
    }


def limits(value: Value) -> dict[str, str]:
    """Return the limits of a number's interval over takes, as CSV."""
    ends = {"low": value.low, "high": value.high}
    return {name: "" if end is None else f"{end:.3f}" for name, end in ends.items()}


def subject_limits(value: Value, subjects: int) -> dict[str, Any]:
    """Return how many subjects a number is of, and the limits of its interval over them, as CSV.

    Args:
        value: the number.
        subjects: of all the takes of its table.
    """
    people = value.over_subjects
    return {
        "subjects": subjects,
        "subject_low": "" if people is None else f"{people.low:.3f}",
        "subject_high": "" if people is None else f"{people.high:.3f}",
    }


def csv_text(records: Sequence[Mapping[str, Any]]) -> str:
    """Return records as CSV; the last one, which has every field, gives the columns."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(records[-1]), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: cell(value) for key, value in record.items()} for record in records)
    return stream.getvalue()


_MEASURED_ONLY = (
    *("low", "high", "subjects", "subject_low", "subject_high", "published", "difference"),
    *("joints", "flip_test", "recipe", "epochs_kept", "protocol", "seeds", "run_ids"),
)


def published_records(published: Published) -> list[dict[str, Any]]:
    """Return a record a number that is printed, or derived from printed ones."""
    empty = dict.fromkeys(_MEASURED_ONLY, "")
    return [
        {
            "table": published.table,
            "origin": "derived" if column in published.derived else "published",
            "model": row["model"],
            "method": row["method"],
            "dataset": published.dataset,
            "input_2d": row["input_2d"],
            "frames": row["frames"],
            "action": column,
            "metric": published.metric,
            "value": printed(row[column]),
            **empty,
        }
        for _, row in published.rows.iterrows()
        for column in published.columns
    ]


def measured_records(published: Published, row: ReproducedRow) -> list[dict[str, Any]]:
    """Return a record a measured number, with what it was measured under."""
    match, differences = published.match(row), published.differences(row)
    return [
        {
            "table": published.table,
            "origin": "measured",
            "model": row.model,
            "method": "",
            "dataset": row.dataset,
            "input_2d": row.input_2d,
            "frames": row.frames,
            "action": cell,
            "metric": published.metric,
            "value": f"{value.mean:.3f}",
            **limits(value),
            **subject_limits(value, row.subjects),
            "published": "" if match is None or cell not in match else printed(match[cell]),
            "difference": differences.get(cell, ""),
            "joints": row.joints,
            "flip_test": row.flip_test,
            "recipe": row.recipe,
            "epochs_kept": ", ".join(row.epochs_kept),
            "protocol": row.protocol,
            "seeds": " ".join(map(str, row.seeds)),
            "run_ids": " ".join(row.run_ids),
        }
        for cell, value in {**row.cells, AVERAGE: row.average}.items()
    ]
