"""Figure 5 of the DG-Net paper: trained on one action alone, tested on all.

The paper prints a bar chart without numbers and claims that DG-Net has the smaller error whatever
the action trained on. Here are the numbers by action trained on and action tested on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.reporting.grids.cells import GridCells, same_data
from harness.reporting.measured_rows import ReproducedRow, Value, reproduced_row
from harness.reporting.names import title_of
from harness.reporting.published import ACTION_COLUMNS
from harness.reporting.reproduction import Reproduction, pairs_text, tau_text
from harness.reporting.stored.scored_runs import ScoredModel, takes_of_models
from harness.reporting.table_parts import conditions, csv_text, interval, limits, number
from harness.reporting.table_text import Page, Table
from harness.scoring.metrics import metric_called
from harness.scoring.rank_agreement import Agreement, agreement

METRIC = "MPJPE"
PRINTED_ACTIONS = tuple(ACTION_COLUMNS.values())
OURS, OTHERS = "dgnet", ("fsg_ftg", "stgcn")
"""The claim of the figure is that the first is better than the others, its baseline and ST-GCN."""


@dataclass(frozen=True)
class TrainedOn:
    """A model trained on some actions.

    Attributes:
        model: the method.
        action: what it was trained on.
        runs: its runs, scored on test clips.
        row: its errors by action of the test clips, and their average.
        held_out: its errors on validation clips by action, where these were tested too.
    """

    model: str
    action: str
    runs: ScoredModel
    row: ReproducedRow
    held_out: dict[str, Value]


def trained_on(cells: GridCells) -> list[TrainedOn]:
    """Return every finished cell of the grid, in its order.

    Raises:
        HarnessError: a stored score is damaged, or cells were scored on different data.
    """
    metric, found = metric_called(METRIC), []
    for cell in {(cell.variation, cell.model): cell for cell in cells.cells}.values():
        action = "+".join(cell.train_actions or ["all"])
        name = f"{cell.model} on {action}"
        runs = cells.scored(name, cell.variation, cell.model)
        if runs is None:
            continue
        held_out = cells.scored(name, cell.variation, cell.model, split="validation")
        by_action = {} if held_out is None else reproduced_row(held_out, metric).cells
        found.append(
            TrainedOn(cell.model, action, runs, reproduced_row(runs, metric), dict(by_action))
        )
    same_data([one.runs for one in found])
    return found


def cross_action_page(cells: GridCells, found: Sequence[TrainedOn]) -> Page:
    """Return the errors as Markdown, a matrix a model, and as CSV."""
    title = "# Figure 5: trained on one action, tested on all, MPJPE in mm"
    parts: list[str | Table] = [title, *cells.smoke_test()]
    told = [
        f"{len(found)} of {len({(cell.variation, cell.model) for cell in cells.cells})} cells "
        "measured; the paper prints a chart without numbers"
    ]
    claim = claim_agreement(found)
    if claim is not None:
        told.append(
            f"the figure's claim, {OURS} before {' and '.join(OTHERS)} whatever the action trained "
            f"on: {pairs_text(claim)} stand as claimed, Kendall's tau {tau_text(claim)}"
        )
    told += [f"{cell}: {why}" for cell, why in cells.missing.items()]
    parts.append("\n".join(f"- {line}" for line in told))
    for model in dict.fromkeys(one.model for one in found):
        rows = [one for one in found if one.model == model]
        tested, held_out = list(rows[0].row.cells), list(rows[0].held_out)
        heads = ["trained on", *tested, "average", "95 % interval"]
        heads += [f"{action}, validation" for action in held_out]
        body = [
            [
                one.action,
                *(number(one.row.cells[action], one.row.decimals) for action in tested),
                number(one.row.average, one.row.decimals),
                interval(one.row.average, one.row.decimals),
                *(number(value, one.row.decimals) for value in one.held_out.values()),
            ]
            for one in rows
        ]
        where = f"{title_of(model)}, on the data set `{rows[0].row.dataset}`"
        caption = f"Trained on one action, tested on all: {where}, MPJPE in mm"
        parts += [f"## {where}", Table(heads, body, caption)]
    if found:
        rows_of = [
            replace(one.row, model=f"{title_of(one.model)} on {one.action}") for one in found
        ]
        parts += conditions(rows_of)
    return Page("figure_05_cross_action", parts, csv_text(_records(found)))


def cross_action_reproduction(found: Sequence[TrainedOn], page: str | None) -> Reproduction:
    """Return how much of figure 5 was reproduced; its bars count as printed numbers."""
    drawn = [one for one in found if one.model in (OURS, *OTHERS)]
    notes = ["the paper draws bars without numbers, so no difference can be told"]
    others = dict.fromkeys(one.action for one in drawn if one.action not in PRINTED_ACTIONS)
    if others:
        notes.append(
            f"measured is the same experiment with the actions of the data set: {', '.join(others)}"
        )
    return Reproduction(
        table="Figure 5",
        about="trained on one action, tested on all, MPJPE in mm",
        page=page,
        printed=len(PRINTED_ACTIONS) * len((OURS, *OTHERS)),
        measured=sum(one.action in PRINTED_ACTIONS for one in drawn),
        dataset=drawn[0].row.dataset if drawn else None,
        compared=f"{OURS} and {', '.join(OTHERS)} at equal training action",
        agreement=claim_agreement(found),
        notes=tuple(notes),
    )


def claim_agreement(found: Sequence[TrainedOn]) -> Agreement | None:
    """Return how often the figure's claim holds; None where it cannot be looked at."""
    chosen = [one for one in found if one.model in (OURS, *OTHERS)]
    if len(chosen) < 2:
        return None
    takes = takes_of_models([one.runs for one in chosen], metric_called(METRIC))
    ranks = [float(one.model != OURS) for one in chosen]
    claim = agreement(ranks, takes, [one.action for one in chosen])
    return claim if claim.pairs else None


def _records(found: Sequence[TrainedOn]) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = [
        {
            "model": one.model,
            "trained_on": one.action,
            "tested_on": tested,
            "split": split,
            "metric": METRIC,
            "measured": f"{value.mean:.3f}",
            **limits(value),
            "measured_on": one.row.dataset,
            "seeds": " ".join(map(str, one.row.seeds)),
            "run_ids": " ".join(one.row.run_ids),
        }
        for one in found
        for split, cells in (
            ("test", {**one.row.cells, "average": one.row.average}),
            ("validation", one.held_out),
        )
        for tested, value in cells.items()
    ]
    return records or [{"model": "", "trained_on": "", "tested_on": "", "measured": ""}]
