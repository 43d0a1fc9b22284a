"""Tables I and II of the DG-Net paper: published rows, and what was measured here.

A number measured on another data set never stands in a column of Human3.6M: published and measured
rows share a table, and differences are printed, only where the data set is Human3.6M.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from tabulate import tabulate

from harness.reporting.published import ACTION_COLUMNS, AVERAGE, published_by_action
from harness.reporting.reproduced import ReproducedRow, Value, reproduced_rows
from harness.runs.files import atomic_file
from harness.runs.settings import Settings
from harness.scoring.metrics import metric_called

PUBLISHED_ON = "h36m"


@dataclass(frozen=True)
class ActionTable:
    """A table by action of the paper.

    Attributes:
        name: of its files.
        title: its head.
        published: name of the published table.
        metric: what it shows.
    """

    name: str
    title: str
    published: str
    metric: str


ACTION_TABLES = (
    ActionTable(
        "table_01_mpjpe",
        "Table I: MPJPE by action (protocol 1), mm",
        "table_01_h36m_protocol1",
        "MPJPE",
    ),
    ActionTable(
        "table_02_p_mpjpe",
        "Table II: P-MPJPE by action (protocol 2), mm",
        "table_02_h36m_protocol2",
        "P-MPJPE",
    ),
)


def write_tables(settings: Settings, profile: str, results: Path) -> list[Path]:
    """Write the tables of a profile as Markdown and CSV and return the files.

    Args:
        settings: params.yaml.
        profile: whose runs to show; the first of its protocols counts.
        results: the folder of all results.

    Raises:
        HarnessError: the profile is unknown or the place cannot be written.
    """
    protocol = settings.profile_called(profile).protocols[0]
    written = []
    for table in ACTION_TABLES:
        metric = metric_called(table.metric)
        rows, missing = reproduced_rows(
            settings.models, profile, protocol, metric, results, settings.seeds
        )
        published = published_by_action(table.published)
        for suffix, text in (
            ("md", _markdown(table, published, rows, missing)),
            ("csv", _csv(table, published, rows)),
        ):
            path = results / profile / "tables" / f"{table.name}.{suffix}"
            with atomic_file(path) as stream:
                stream.write(text)
            written.append(path)
    return written


def _markdown(
    table: ActionTable, published: pd.DataFrame, rows: list[ReproducedRow], missing: list[str]
) -> str:
    on_human36m = [row for row in rows if row.dataset == PUBLISHED_ON]
    elsewhere = [row for row in rows if row.dataset != PUBLISHED_ON]
    parts = [f"# {table.title}", *_elsewhere_sections(elsewhere)]
    actions = list(ACTION_COLUMNS.values())
    lines = [_published_cells(row, actions) for _, row in published.iterrows()]
    for row in on_human36m:
        lines.append(_measured_cells(row, actions, "measured here"))
        match = _published_match(published, row)
        if match is not None:
            lines.append(_difference_cells(row, match, actions))
    heads = ["method", "2D", "frames", *ACTION_COLUMNS, AVERAGE, "95 % interval", "run"]
    if not on_human36m:  # printed rows have neither interval nor run
        heads, lines = heads[:-2], [line[:-2] for line in lines]
    parts += [
        "## Published, measured on Human3.6M",
        _pipe_table(lines, heads),
        "As printed in the DG-Net paper (arXiv 2109.07353). A dagger there, 2D `gt` here, means "
        "ground-truth 2D; papers differ in joints, flipping and data, which they do not print.",
    ]
    if on_human36m:
        parts.append(_conditions(on_human36m))
    if missing:
        parts += ["## Not measured", "\n".join(f"- {line}" for line in missing)]
    return "\n\n".join(parts) + "\n"


def _elsewhere_sections(rows: list[ReproducedRow]) -> list[str]:
    """Return a section for each data set that is not the published rows'."""
    parts: list[str] = []
    for dataset in dict.fromkeys(row.dataset for row in rows):
        chosen = [row for row in rows if row.dataset == dataset]
        found = list(dict.fromkeys(action for row in chosen for action in row.by_action))
        known = [action for action in ACTION_COLUMNS.values() if action in found]
        actions = known + sorted(set(found) - set(known))
        short = {action: head for head, action in ACTION_COLUMNS.items()}
        heads = ["model", "2D", "frames", *(short.get(action, action) for action in actions)]
        parts += [
            f"## Measured here, on the data set `{dataset}`",
            f"Not Human3.6M: these numbers say how the models compare on `{dataset}` and cannot be "
            "set against the published rows below.",
            _pipe_table(
                [_measured_cells(row, actions) for row in chosen],
                [*heads, AVERAGE, "95 % interval", "run"],
            ),
            _conditions(chosen),
        ]
    return parts


def _conditions(rows: list[ReproducedRow]) -> str:
    """Say what the numbers depend on: what all rows share once, the rest row by row."""
    facts = [_facts(row) for row in rows]
    shared = {what for what in facts[0] if len({row[what] for row in facts}) == 1}
    lines = [
        "- all: " + "; ".join(f"{what} {facts[0][what]}" for what in facts[0] if what in shared)
    ]
    lines += [
        f"- {row.model}: "
        + "; ".join(f"{what} {fact[what]}" for what in fact if what not in shared)
        for row, fact in zip(rows, facts, strict=True)
        if shared < set(fact)
    ]
    note = (
        "Interval: bootstrap over takes (a recording, all cameras together); it speaks about other "
        "takes like these, not about other subjects or training runs. Where the epoch kept is the "
        "last of a short recipe, the model had not converged and its rank says little."
    )
    return "\n".join([*lines, "", note])


def _facts(row: ReproducedRow) -> dict[str, str]:
    return {
        "data set": f"{row.dataset} (data hash {row.data_hash[:12]})",
        "protocol": row.protocol,
        "2D source": row.input_2d,
        "joints": str(row.joints),
        "flip at test": "on" if row.flip_test else "off",
        "window": f"{row.frames} frames",
        "parameters": "not recorded" if row.parameters is None else f"{row.parameters:,}",
        "recipe": row.recipe,
        "epoch kept": ", ".join(row.epochs_kept) or "not recorded",
        "seeds": ", ".join(map(str, row.seeds)),
        "departures": ", ".join(row.departures) or "none",
    }


def _published_cells(row: "pd.Series[Any]", actions: list[str]) -> list[str]:
    name = f"{row['method']} (`{row['model']}`)" if row["model"] else str(row["method"])
    values = [_printed(row[column]) for column in (*actions, AVERAGE)]
    return [name, str(row["input_2d"]), str(row["frames"]), *values, "", ""]


def _measured_cells(row: ReproducedRow, actions: list[str], note: str = "") -> list[str]:
    name = f"**{row.model}**" + (f", {note}" if note else "")
    values = [_measured(row.by_action.get(action)) for action in actions]
    runs = " ".join(f"`{run_id}`" for run_id in row.run_ids)
    average = f"**{_measured(row.average)}**"
    head = [name, row.input_2d, str(row.frames)]
    return [*head, *values, average, _interval(row.average), runs]


def _difference_cells(row: ReproducedRow, match: "pd.Series[Any]", actions: list[str]) -> list[str]:
    values = [_difference(row, action, match) for action in (*actions, AVERAGE)]
    return [f"{row.model}, measured minus published", "", "", *values, "", ""]


def _published_match(published: pd.DataFrame, row: ReproducedRow) -> "pd.Series[Any] | None":
    """Return the published row of the same method, kind of 2D and number of frames, if any."""
    same = published[
        (published["model"] == row.model)
        & (published["input_2d"] == row.input_kind)
        & (published["frames"] == row.frames)
    ]
    return None if same.empty else same.iloc[0]


def _csv(table: ActionTable, published: pd.DataFrame, rows: list[ReproducedRow]) -> str:
    """Return a line a number, published and measured, with what it was measured under."""
    stream = io.StringIO()
    records = [*_published_records(table, published), *_measured_records(table, published, rows)]
    writer = csv.DictWriter(stream, list(records[-1]), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return stream.getvalue()


def _published_records(table: ActionTable, published: pd.DataFrame) -> list[dict[str, Any]]:
    empty = dict.fromkeys(_MEASURED_ONLY, "")
    return [
        {
            "table": table.name,
            "origin": "published",
            "model": row["model"],
            "method": row["method"],
            "dataset": PUBLISHED_ON,
            "input_2d": row["input_2d"],
            "frames": row["frames"],
            "action": column,
            "metric": table.metric,
            "value": _printed(row[column]),
            **empty,
        }
        for _, row in published.iterrows()
        for column in (*ACTION_COLUMNS.values(), AVERAGE)
    ]


_MEASURED_ONLY = (
    *("low", "high", "published", "difference", "joints", "flip_test", "recipe"),
    *("epochs_kept", "protocol", "seeds", "run_ids"),
)


def _measured_records(
    table: ActionTable, published: pd.DataFrame, rows: list[ReproducedRow]
) -> list[dict[str, Any]]:
    records = []
    for row in rows:
        match = _published_match(published, row) if row.dataset == PUBLISHED_ON else None
        for action, value in {**row.by_action, AVERAGE: row.average}.items():
            printed = None if match is None or action not in match else match[action]
            difference = "" if match is None else _difference(row, action, match)
            records.append(
                {
                    "table": table.name,
                    "origin": "measured",
                    "model": row.model,
                    "method": "",
                    "dataset": row.dataset,
                    "input_2d": row.input_2d,
                    "frames": row.frames,
                    "action": action,
                    "metric": table.metric,
                    "value": f"{value.mean:.3f}",
                    "low": "" if value.low is None else f"{value.low:.3f}",
                    "high": "" if value.high is None else f"{value.high:.3f}",
                    "published": "" if printed is None else _printed(printed),
                    "difference": difference,
                    "joints": row.joints,
                    "flip_test": row.flip_test,
                    "recipe": row.recipe,
                    "epochs_kept": ", ".join(row.epochs_kept),
                    "protocol": row.protocol,
                    "seeds": " ".join(map(str, row.seeds)),
                    "run_ids": " ".join(row.run_ids),
                }
            )
    return records


def _pipe_table(lines: list[list[str]], heads: list[str]) -> str:
    alignment = ["left", "left", *["right"] * (len(heads) - 2)]
    return tabulate(lines, heads, tablefmt="pipe", disable_numparse=True, colalign=alignment)


def _measured(value: Value | None) -> str:
    return "" if value is None else f"{value.mean:.1f}"


def _interval(value: Value) -> str:
    return "" if value.low is None or value.high is None else f"{value.low:.1f} to {value.high:.1f}"


def _printed(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.1f}"


def _difference(row: ReproducedRow, action: str, published: "pd.Series[Any]") -> str:
    """Return measured minus published, of an average only where both are of the same actions."""
    alike = action != AVERAGE or set(row.by_action) == set(ACTION_COLUMNS.values())
    value = row.average if action == AVERAGE else row.by_action.get(action)
    printed = published.get(action)
    if not alike or value is None or pd.isna(printed):
        return ""
    return f"{value.mean - printed:+.1f}"
