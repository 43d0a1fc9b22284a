"""Figures of the experiments: errors by action trained on and tested on, by noise, by size.

matplotlib is imported only when a figure is drawn.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.reporting.drawing import legend_below, save_figure, style_of
from harness.reporting.grids.cell_tables import PRINTED_ON, Line
from harness.reporting.grids.claim_growth import Step
from harness.reporting.grids.cross_action import TrainedOn
from harness.reporting.heat_maps import HeatMapAxes, draw_heat_maps
from harness.reporting.measured_rows import Value
from harness.reporting.names import title_of


@contextmanager
def _figure(rows: int, columns: int, size: tuple[float, float]) -> Iterator[Any]:
    """Yield (rows, columns) axes of a figure that is closed when the block ends."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    try:
        yield axes
    finally:
        plt.close(figure)


def draw_matrices(found: Sequence[TrainedOn], stem: Path) -> list[Path]:
    """Draw a heat map a model, rows trained on, columns tested on; all share one scale.

    As all figures here it is written as PNG and PDF; `stem` is their path without an ending.
    """
    tested = list(found[0].row.cells)
    trained = list(dict.fromkeys(one.action for one in found))
    values = {
        (one.model, one.action): [one.row.cells[action].mean for action in tested] for one in found
    }
    empty = [np.nan] * len(tested)
    matrices = {
        title_of(model): np.array([values.get((model, action), empty) for action in trained])
        for model in dict.fromkeys(one.model for one in found)
    }
    return draw_heat_maps(matrices, HeatMapAxes(trained, tested, "MPJPE, mm"), stem)


def draw_bars(found: Sequence[TrainedOn], stem: Path) -> list[Path]:
    """Draw the paper's chart: by action trained on, the average error over all actions tested."""
    models = list(dict.fromkeys(one.model for one in found))
    trained = list(dict.fromkeys(one.action for one in found))
    width = 0.8 / len(models)
    with _figure(1, 1, (max(6.0, 1.0 + 0.9 * len(trained)), 4.0)) as axes:
        axis = axes[0, 0]
        for number, model in enumerate(models):
            chosen = [one for one in found if one.model == model]
            places = [trained.index(one.action) + width * (number + 0.5) - 0.4 for one in chosen]
            average = [one.row.average for one in chosen]
            heights, colour = [value.mean for value in average], style_of(model).color
            axis.bar(places, heights, width, label=title_of(model), color=colour)
            limits = _limits(average)
            if limits is not None:
                axis.errorbar(
                    places,
                    limits.mean(axis=0),
                    np.ptp(limits, axis=0) / 2,
                    fmt="none",
                    ecolor="black",
                    elinewidth=0.8,
                )
        axis.set_xticks(range(len(trained)), trained, rotation=45, ha="right")
        axis.set_xlabel("trained on")
        axis.set_ylabel("MPJPE over all tested actions, mm")
        axis.set_title(f"Cross-action, data set {found[0].row.dataset}; bars: 95 % over takes")
        legend_below(axis.figure, [axis])
        return save_figure(axis.figure, stem)


def draw_noise(lines: Sequence[Line], stem: Path) -> list[Path]:
    """Draw the error by size of each corruption: as printed, and as measured here."""
    measured = [line for line in lines if line.row is not None]
    kinds = list(dict.fromkeys(line.cell.labels[0] for line in measured))
    exact = {line.cell.model: line for line in measured if line.cell.corruption is None}
    methods = list(dict.fromkeys(line.cell.labels[2] for line in lines))
    with _figure(1, 1 + len(kinds), (4.2 * (1 + len(kinds)), 4.0)) as axes:
        printed, *ours = axes[0]
        for method in methods:
            points = [
                (_size(line), line.cell.printed)
                for line in lines
                if line.cell.labels[2] == method and line.cell.printed is not None
            ]
            if points:
                style = style_of(method)
                printed.plot(
                    *zip(*points, strict=True),
                    color=style.color,
                    marker=style.marker,
                    linestyle="--",
                    label=title_of(method),
                )
        printed.set_title(f"Gaussian noise, printed, {PRINTED_ON}")
        for axis, kind in zip(ours, kinds, strict=True):
            for model in exact:
                chosen = [
                    line
                    for line in measured
                    if line.cell.model == model
                    and (line.cell.labels[0] == kind or line.cell.corruption is None)
                ]
                _draw_measured(axis, chosen, model)
            row = measured[0].row
            axis.set_title(f"{kind}, measured, {row.dataset if row else ''}")
        for axis, kind in zip(axes[0], [kinds[0], *kinds], strict=True):
            axis.set_xlabel("sigma, px" if kind == "Gaussian noise" else "share, %")
            axis.set_ylabel("P-MPJPE, mm")
            axis.set_ylim(bottom=0)
            axis.grid(visible=True, alpha=0.3)
        legend_below(printed.figure, axes[0], columns=8)
        return save_figure(printed.figure, stem)


def draw_growth(steps: Sequence[Step], what: str, stem: Path) -> list[Path]:
    """Draw a claim's difference step by step with both intervals, and the errors behind it.

    Args:
        steps: one or more.
        what: what grows from step to step, in words.
        stem: the files' path without an ending.
    """
    places = np.arange(len(steps))
    with _figure(1, 2, (10.0, 4.2)) as axes:
        apart, errors = axes[0]
        black = "#222222"
        apart.axhline(0.0, color=black, linewidth=0.8)
        values = [step.difference.value for step in steps]
        apart.plot(places, values, color=style_of("dgnet").color, marker="o")
        for shift, line, label, intervals in (
            (-0.04, "-", "95 % over takes and seeds", [step.difference for step in steps]),
            (0.04, ":", "95 % over subjects", [step.over_subjects for step in steps]),
        ):
            ends = [
                (place + shift, one.low, one.high)
                for place, one in zip(places, intervals, strict=True)
                if one is not None and one.low is not None
            ]
            if ends:
                apart.vlines(*zip(*ends, strict=True), color=black, linestyle=line, label=label)
        apart.set_ylabel("DG-Net minus all fixed, MPJPE in mm")
        for rows in ([step.baseline for step in steps], [step.claimed for step in steps]):
            style, label = style_of(rows[0].model), title_of(rows[0].model)
            means = [row.average.mean for row in rows]
            errors.plot(places, means, color=style.color, marker=style.marker, label=label)
            limits = _limits([row.average for row in rows])
            if limits is not None:
                errors.vlines(places, *limits, color=style.color)
        errors.set_ylabel("MPJPE, mm (bars: 95 % over takes and seeds)")
        for axis in axes[0]:
            axis.set_xticks(places, [step.name for step in steps])
            axis.set_xlabel(f"{what}; data set {steps[0].claimed.dataset}")
            axis.margins(x=0.15)
            axis.grid(visible=True, alpha=0.3)
        legend_below(apart.figure, axes[0])
        return save_figure(apart.figure, stem)


def _draw_measured(axis: Any, lines: Sequence[Line], model: str) -> None:
    style = style_of(model)
    rows = [line.row for line in lines if line.row is not None]
    sizes = [_size(line) for line in lines]
    averages = [row.average.mean for row in rows]
    label = title_of(model)
    axis.plot(sizes, averages, color=style.color, marker=style.marker, label=label)
    limits = _limits([row.average for row in rows])
    if limits is not None:
        axis.fill_between(sizes, *limits, color=style.color, alpha=0.12)


def _limits(values: Sequence[Value]) -> NDArray[np.float64] | None:
    """Return (2, values) lower and upper limits, or None where there are none."""
    limits = [(value.low, value.high) for value in values]
    if any(low is None or high is None for low, high in limits):
        return None
    return np.array(limits, dtype=np.float64).T


def _size(line: Line) -> float:
    """Return how strong a line's corruption is, 0 where there is none."""
    kind = line.cell.corruption or {}
    return float(kind.get("sigma_px", 100 * kind.get("probability", 0.0)))
