"""Whether the paper's claim grows: DG-Net minus its all-fixed baseline, by size or by subjects.

The paper trains one size on all training subjects. Here both methods are trained at several sizes
(grid `size`) or on several parts of the training subjects (grid `subjects`), with equal budgets.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.experiments.grid import Cell
from harness.reporting.grids.cells import GridCells, same_data
from harness.reporting.measured_rows import ReproducedRow, reproduced_row
from harness.reporting.names import title_of
from harness.reporting.stored.scored_runs import ScoredModel, takes_of_models
from harness.reporting.table_parts import conditions, csv_text, difference_cells
from harness.reporting.table_text import Page, Table
from harness.scoring.metrics import metric_called
from harness.scoring.statistics import Difference, differences_to_first
from harness.scoring.subject_intervals import Interval, intervals_over_subjects
from harness.scoring.takes import Takes

GROWTH = {
    "size": "by size of the networks",
    "subjects": "by number of training subjects",
}
"""The grids that such a study is made of, and what grows in them."""
METRIC = "MPJPE"
CLAIMED, BASELINE = "dgnet", "fsg_ftg"


@dataclass(frozen=True)
class Step:
    """The claim at one size, or on one part of the training subjects.

    Attributes:
        name: the grid's variation.
        about: what it is, in words.
        baseline: the baseline's errors.
        claimed: DG-Net's.
        difference: DG-Net's minus the baseline's.
        over_subjects: the interval of the difference over subjects; None from too few.
        takes: errors of both by take.
    """

    name: str
    about: str
    baseline: ReproducedRow
    claimed: ReproducedRow
    difference: Difference
    over_subjects: Interval | None
    takes: Takes


def steps_of(cells: GridCells) -> list[Step]:
    """Return the steps whose two cells are finished, smallest first.

    Raises:
        HarnessError: a stored score is damaged, or cells were scored on different data.
    """
    found, models = [], []
    for cell in sorted(_one_a_variation(cells), key=_growing):
        pair = [cells.scored(name, cell.variation, name) for name in (BASELINE, CLAIMED)]
        both = [model for model in pair if model is not None]
        if len(both) == len(pair):
            models += both
            found.append(_step(cell, *both))
    same_data(models)
    return found


@dataclass(frozen=True)
class Growth:
    """How the claim's difference at one step differs from that at the first.

    Attributes:
        between: the names of both.
        difference: the later difference minus the first.
        over_subjects: its interval over subjects, where there are enough.
    """

    between: str
    difference: Difference
    over_subjects: Interval | None


def growth(steps: Sequence[Step]) -> Growth | None:
    """Return the growth from the first step to the last one that has the same seeds.

    None where there is no such step.
    """
    alike = [step for step in steps if {*step.takes.seeds} == {*steps[0].takes.seeds}]
    if len(alike) < 2 or len({*alike[0].takes.seeds}) > 1:
        return None
    first, last = alike[0].takes, alike[-1].takes
    apart = [takes.by_seed[1] - takes.by_seed[0] for takes in (first, last)]
    between = f"{alike[-1].name} minus {alike[0].name}"
    return Growth(between, *_differing(replace(first, by_seed=tuple(apart))))


def growth_page(cells: GridCells, steps: Sequence[Step]) -> Page:
    """Return the study as a page: the claim at each step, how it grows, and the conditions."""
    ours, fixed = title_of(CLAIMED), title_of(BASELINE)
    title = f"Does the paper's claim grow {GROWTH[cells.grid]}?"
    heads = ["step", "what", "parameters", f"{fixed}, mm", f"{ours}, mm", "difference, mm"]
    heads += ["95 % interval", "95 % over subjects", "p"]
    lines = [
        [
            step.name,
            step.about,
            *_parameters(step),
            f"{step.baseline.average.mean:.1f}",
            f"{step.claimed.average.mean:.1f}",
            *_difference_cells(step.difference, step.over_subjects),
        ]
        for step in steps
    ]
    grown = growth(steps)
    if grown is not None:
        cells_of_growth = _difference_cells(grown.difference, grown.over_subjects)
        lines.append(["**growth**", grown.between, "", "", "", *cells_of_growth])
    told = [
        f"difference: {ours} minus {fixed}, {METRIC}; below 0 the paper's claim holds",
        "growth: the last difference that has the first one's seeds, minus the first, on the same "
        "takes; below 0 the claim grows",
        "p is of takes, and of seeds where there are several; none is corrected for their number",
        f"{len(steps)} of {len(_one_a_variation(cells))} steps measured",
        *(f"{cell}: {why}" for cell, why in cells.missing.items()),
    ]
    parts: list[str | Table] = [f"# {title}"]
    if steps:
        parts.append(
            Table(heads, lines, f"{title} {METRIC} on {steps[0].claimed.dataset}", words=2)
        )
    parts.append("\n".join(f"- {line}" for line in told))
    if steps:
        rows = [
            replace(row, model=f"{title_of(row.model)}, {step.name}")
            for step in steps
            for row in (step.baseline, step.claimed)
        ]
        parts += conditions(rows)
    return Page(f"claim_by_{cells.grid}", parts, csv_text(_records(cells, steps)))


def _one_a_variation(cells: GridCells) -> list[Cell]:
    return list({cell.variation: cell for cell in cells.cells}.values())


def _growing(cell: Cell) -> tuple[float, float]:
    """Return what variations are ordered by: training subjects, all last, then channels."""
    people = float("inf") if cell.train_subjects is None else len(cell.train_subjects)
    return people, float(cell.network.get("channels", 0))


def _step(cell: Cell, baseline: ScoredModel, claimed: ScoredModel) -> Step:
    metric = metric_called(METRIC)
    takes = takes_of_models([baseline, claimed], metric)
    difference, over_subjects = _differing(takes)
    return Step(
        name=cell.variation,
        about=_about(cell),
        baseline=reproduced_row(baseline, metric, ()),
        claimed=reproduced_row(claimed, metric, ()),
        difference=difference,
        over_subjects=over_subjects,
        takes=takes,
    )


def _differing(takes: Takes) -> tuple[Difference, Interval | None]:
    """Return how the second of two models differs from the first."""
    (difference,) = differences_to_first(takes)
    people = intervals_over_subjects(takes)
    return difference, None if people is None else people[0]


def _about(cell: Cell) -> str:
    if cell.train_subjects is not None:
        count = len(cell.train_subjects)
        return f"{count} subject{'s' * (count != 1)}: {', '.join(cell.train_subjects)}"
    channels, blocks = (cell.network.get(key) for key in ("channels", "blocks"))
    network = f"{channels} channels, blocks: {blocks}" if channels and blocks else "published size"
    return network if cell.grid == "size" else "all training subjects"


def _parameters(step: Step) -> list[str]:
    counts = [step.baseline.parameters, step.claimed.parameters]
    return [" and ".join("?" if count is None else f"{count:,}" for count in counts)]


def _difference_cells(difference: Difference, people: Interval | None) -> list[str]:
    return [
        *difference_cells(difference, 1),
        "" if people is None else f"{people.low:+.1f} to {people.high:+.1f}",
        "" if difference.p_value is None else f"{difference.p_value:.4f}",
    ]


def _records(cells: GridCells, steps: Sequence[Step]) -> list[dict[str, Any]]:
    found = [(step.name, step.about, step, step.difference, step.over_subjects) for step in steps]
    grown = growth(steps)
    records = [
        {
            "grid": cells.grid,
            "step": name,
            "what": about,
            "metric": METRIC,
            BASELINE: f"{step.baseline.average.mean:.3f}",
            CLAIMED: f"{step.claimed.average.mean:.3f}",
            **_limits(difference, people),
            "subjects": step.claimed.subjects,
            "seeds": " ".join(map(str, step.claimed.seeds)),
            "run_ids": " ".join((*step.baseline.run_ids, *step.claimed.run_ids)),
            "measured_on": step.claimed.dataset,
        }
        for name, about, step, difference, people in found
    ]
    if grown is not None:
        empty = dict.fromkeys(records[0], "")
        told = {"grid": cells.grid, "step": "growth", "what": grown.between, "metric": METRIC}
        records.append({**empty, **told, **_limits(grown.difference, grown.over_subjects)})
    return records or [{"grid": cells.grid, "step": "", "what": "", "difference": ""}]


def _limits(difference: Difference, people: Interval | None) -> dict[str, str]:
    values = {
        "difference": difference.value,
        "low": difference.low,
        "high": difference.high,
        "subject_low": None if people is None else people.low,
        "subject_high": None if people is None else people.high,
        "p": difference.p_value,
    }
    return {key: "" if value is None else f"{value:.4f}" for key, value in values.items()}
