"""Rows for public leaderboards: a number with all that says which board it belongs on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict
from tabulate import tabulate

from harness.datasets.importers import importer_called
from harness.foundation.errors import HarnessError
from harness.foundation.provenance import RunRecord, read_record
from harness.reporting.published import published_table
from harness.reporting.stored.elsewhere import told_of_elsewhere
from harness.scoring.metrics import metric_called
from harness.scoring.protocols import protocol_called
from harness.scoring.stored_score import read_score

PUBLISHED = "lifters_h36m"


class Row(BaseModel):
    """One run's numbers under one protocol.

    Attributes:
        method: the model.
        protocol: id of the protocol.
        version: its version.
        definition: hash of all that can move a number in it.
        dataset: name of the data set.
        data_hash: identity of the data scored.
        data_licence: what may be done with the data, in one line.
        split: the clips scored.
        input_2d: the 2D source.
        trained_on_2d: the 2D source trained on.
        frames: length of the window.
        parameters: trainable parameters, None where no record tells.
        hypotheses: poses predicted a frame; several count as their mean.
        metrics: averages of the protocol's metrics, in their units.
        privileged: what was given at test time that a user would not have.
        departures: where the predictions depart from what the protocol's source does.
        origin: how the predictions came to be where not trained here, as declared.
        seed: the training seed.
        run_id: the run.
        commit: of the code that trained it, None where no record tells.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    protocol: str
    version: int
    definition: str
    dataset: str
    data_hash: str
    data_licence: str
    split: str
    input_2d: str
    trained_on_2d: str
    frames: int
    parameters: int | None
    hypotheses: int
    metrics: dict[str, float]
    privileged: tuple[str, ...]
    departures: tuple[str, ...]
    origin: tuple[str, ...]
    seed: int
    run_id: str
    commit: str | None


def leaderboard_rows(folders: Sequence[Path]) -> list[Row]:
    """Return a row for each score of each run.

    Args:
        folders: of the runs.

    Raises:
        HarnessError: a run has no score, or one is damaged.
    """
    rows = []
    for folder in folders:
        scores = sorted(path.parent for path in (folder / "scores").glob("*/score.json"))
        if not scores:
            raise HarnessError(f"{folder}: has no score; make one with 'harness score {folder}'")
        path = folder / "run.json"
        record = read_record(path) if path.is_file() else None
        rows += [_row(score, record) for score in scores]
    return rows


def _row(folder: Path, record: RunRecord | None) -> Row:
    score = read_score(folder)
    conditions = score.header.conditions
    made, protocol = conditions.predictions, protocol_called(conditions.protocol)
    return Row(
        method=made.model,
        protocol=conditions.protocol,
        version=conditions.version,
        definition=conditions.definition,
        dataset=made.dataset,
        data_hash=made.data_hash,
        data_licence=_licence(made.dataset),
        split=made.split,
        input_2d=made.input_2d,
        trained_on_2d=made.trained_on_2d,
        frames=made.frames,
        parameters=None if record is None else record.results.get("parameters"),
        hypotheses=made.hypotheses,
        metrics={name: value for name, value in score.metrics.items() if name in protocol.metrics},
        privileged=protocol.privileged,
        departures=conditions.departures,
        origin=() if record is None else tuple(told_of_elsewhere(record)),
        seed=made.seed,
        run_id=made.run_id,
        commit=None if record is None else record.commit,
    )


def _licence(dataset: str) -> str:
    try:
        return importer_called(dataset).licence
    except HarnessError:
        return "not known here; ask whoever made the data set"


def as_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the rows as plain values."""
    return [row.model_dump(mode="json") for row in rows]


def as_markdown(rows: Sequence[Row]) -> str:
    """Return a table a protocol and data set, best first, and the conditions below each.

    On Human3.6M the published rows printed under the same protocol stand below.
    """
    boards: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        boards.setdefault((row.protocol, row.data_hash), []).append(row)
    parts = []
    for (protocol, data_hash), found in boards.items():
        first = found[0]
        parts += [
            f"## {protocol} on {first.dataset}",
            f"Version {first.version}, definition `{first.definition[:12]}`, data hash "
            f"`{data_hash[:12]}`. Licence of the data: {first.data_licence}.",
            _board(sorted(found, key=lambda row: row.metrics["MPJPE"])),
        ]
        if first.dataset.startswith("h36m"):
            parts += _published(protocol)
    return "\n\n".join(parts)


def _board(rows: Sequence[Row]) -> str:
    protocol = protocol_called(rows[0].protocol)
    decimals = {
        name: protocol.decimals_of(metric_called(name))
        for name in protocol.metrics
        if name in rows[0].metrics
    }
    heads = ["method", "2D", "frames", "parameters", *decimals]
    lines = [
        [
            row.method,
            row.input_2d,
            str(row.frames),
            "" if row.parameters is None else f"{row.parameters:,}",
            *(f"{row.metrics[name]:.{digits}f}" for name, digits in decimals.items()),
            "; ".join((*row.privileged, *row.departures, *row.origin)) or "none",
            f"`{row.run_id}`",
        ]
        for row in rows
    ]
    return tabulate(
        lines,
        [*heads, "privileges and departures", "run"],
        tablefmt="pipe",
        disable_numparse=True,
    )


def _published(protocol: str) -> list[str]:
    table = published_table(PUBLISHED)
    rows = table[table["protocol"] == protocol]
    if rows.empty:
        return []
    lines = [
        [
            *(row["method"], row["input_2d"], row["frames"]),
            *(_printed(row["MPJPE"]), _printed(row["P-MPJPE"])),
            *(row["says_convention"], row["source"]),
        ]
        for _, row in rows.iterrows()
    ]
    heads = ["published", "2D", "frames", "MPJPE", "P-MPJPE", "source says convention", "source"]
    return [
        "Printed by others under this convention, as their public code computes it; other 2D files "
        "and epochs chosen on the test subjects are not excluded.",
        tabulate(lines, heads, tablefmt="pipe", disable_numparse=True),
    ]


def _printed(value: float) -> str:
    return "" if pd.isna(value) else f"{value:g}"
