"""What a grid found: a row a variation, each compared with the first on the same takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

from harness.experiments.grid import Cell, read_cell
from harness.foundation.errors import HarnessError
from harness.foundation.provenance import read_record
from harness.reporting.stored.learning_curve import FALLING, convergence_of
from harness.reporting.stored.scored_runs import (
    ScoredModel,
    ScoredRun,
    require_comparable,
    takes_of_models,
)
from harness.reporting.table_parts import difference_cells
from harness.scoring.metrics import Metric, metric_called
from harness.scoring.protocols import protocol_called
from harness.scoring.statistics import Difference, differences_to_first
from harness.scoring.stored_score import read_score


@dataclass(frozen=True)
class GridRow:
    """One variation of a grid under one evaluation.

    Attributes:
        name: variation and model.
        value: the metric's average as the protocol defines it, over seeds.
        difference: to the first variation on the same takes; None for the first itself.
        parameters: trainable parameters.
        still_falling: whether validation MPJPE still fell at the end of training.
        seeds: the training seeds.
        run_ids: the training runs.
    """

    name: str
    value: float
    difference: Difference | None
    parameters: int
    still_falling: bool
    seeds: tuple[int, ...]
    run_ids: tuple[str, ...]


def grid_rows(
    folder: Path, order: Sequence[str], evaluation: str, protocol: str, metric: Metric
) -> list[GridRow]:
    """Return a row for each finished variation of a grid; the first is what others differ from.

    Args:
        folder: results/PROFILE/grids/NAME.
        order: names of the grid's cells in the order of params.yaml.
        evaluation: name of the evaluation.
        protocol: id of the protocol.
        metric: what is shown.

    Raises:
        HarnessError: no cell is finished, or cells were scored under different conditions.
    """
    cells = finished_cells(folder, order)
    if not cells:
        raise HarnessError(
            f"{folder}: holds no finished cell; run 'harness grid run {folder.name} --profile "
            f"{folder.parents[1].name}'"
        )
    models = [
        ScoredModel(name, tuple(scored_cell(cell, evaluation, protocol) for cell in group))
        for name, group in cells.items()
    ]
    require_comparable(models)
    takes = takes_of_models(models, metric)
    values = takes.values()
    differences: list[Difference | None] = [None]
    if len(models) > 1:
        differences += differences_to_first(takes)
    rows = []
    for model, value, difference in zip(models, values, differences, strict=True):
        records = [run.record for run in model.runs if run.record is not None]
        rows.append(
            GridRow(
                name=model.name,
                value=float(value),
                difference=difference,
                parameters=int(records[0].results["parameters"]),
                still_falling=any(run.convergence == "still falling" for run in model.runs),
                seeds=tuple(record.seed for record in records),
                run_ids=tuple(record.run_id for record in records),
            )
        )
    return rows


def grid_markdown(
    folder: Path, statuses: Mapping[str, str], evaluation: str, protocol: str, metric_name: str
) -> str:
    """Return a grid's rows as Markdown with what they depend on.

    Args:
        folder: results/PROFILE/grids/NAME.
        statuses: where each cell stands, in the order of params.yaml.
        evaluation: name of the evaluation.
        protocol: id of the protocol.
        metric_name: what is shown.

    Raises:
        HarnessError: see `grid_rows`; or there is no such metric.
    """
    metric, order = metric_called(metric_name), list(statuses)
    rows = grid_rows(folder, order, evaluation, protocol, metric)
    decimals = protocol_called(protocol).decimals_of(metric)
    first = rows[0].name
    head = ["variation", f"{metric.name}, {metric.unit}", f"minus {first}", "95 % interval"]
    head += ["parameters", "curve", "seeds", "run"]
    body = [
        [
            row.name,
            f"{row.value:.{decimals}f}",
            *difference_cells(row.difference, decimals),
            f"{row.parameters:,}",
            "still falling" if row.still_falling else "flat",
            " ".join(map(str, row.seeds)),
            " ".join(row.run_ids),
        ]
        for row in rows
    ]
    alignment = ["left", *["right"] * 4, "left", "left", "left"]
    table = tabulate(body, head, tablefmt="pipe", disable_numparse=True, colalign=alignment)
    cell = next(iter(finished_cells(folder, order).values()))[0]
    score = read_score(cell / "evaluations" / evaluation / "scores" / protocol).header
    predictions = score.conditions.predictions
    record = read_record(cell / "run.json")
    told = [
        f"data set {predictions.dataset} (data hash {predictions.data_hash[:12]}), "
        f"{predictions.split} clips, 2D source {predictions.input_2d}, {score.frames} frames",
        f"protocol {score.conditions.protocol} version {score.conditions.version}, "
        f"flip at test {'on' if predictions.flip_test else 'off'}",
        f"made at commit {record.commit} on {record.hardware.cpu}, torch "
        f"{record.versions.get('torch')}",
        "interval: paired bootstrap over takes, and over seeds where both have several; of one "
        "seed it does not cover what another would give",
        FALLING,
    ]
    others: dict[str, list[str]] = {}
    for name, status in statuses.items():
        if status != "finished":
            others.setdefault(status, []).append(name)
    told += [f"{status} cells: {', '.join(names)}" for status, names in others.items()]
    if "stale" in others:
        told.append("stale: finished under settings, data or source files other than today's")
    return "\n".join([f"# Grid {folder.name}", "", table, "", *(f"- {line}" for line in told), ""])


def finished_cells(folder: Path, order: Sequence[str]) -> Mapping[str, Sequence[Path]]:
    """Return the folders of a grid's finished cells by variation and, if several, model.

    Args:
        folder: results/PROFILE/grids/NAME.
        order: names of the grid's cells in the order of params.yaml.

    Raises:
        HarnessError: what lies there is not a cell of this version.
    """
    found: list[tuple[Cell, Path]] = []
    for name in order:
        if not (folder / name / "done.json").is_file():
            continue
        found.append((read_cell(folder / name), folder / name))
    several = len({cell.model for cell, _ in found}) > 1
    groups: dict[str, list[Path]] = {}
    for cell, path in found:
        name = f"{cell.variation} {cell.model}" if several else cell.variation
        groups.setdefault(name, []).append(path)
    return groups


def scored_cell(folder: Path, evaluation: str, protocol: str) -> ScoredRun:
    """Return a finished cell as a scored run.

    Raises:
        HarnessError: it was not scored so, or its score is damaged.
    """
    path = folder / "evaluations" / evaluation / "scores" / protocol
    if not path.is_dir():
        raise HarnessError(f"{path}: no such score; the grid has no such evaluation or protocol")
    try:
        score, record = read_score(path), read_record(folder / "run.json")
    except HarnessError as error:
        raise HarnessError(
            f"{error}; a cell keeps no predictions, so delete {folder} and run the grid again"
        ) from error
    return ScoredRun(folder.name, folder, score, record, convergence_of(folder))
