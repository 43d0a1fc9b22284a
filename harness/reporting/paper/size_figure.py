"""Figure 4 of the DG-Net paper: MPJPE against the number of parameters, and beside it against work.

The paper draws parameters alone. A network that uses its weights often costs more than one that has
many, so measured panels stand a second time over multiply-accumulates a frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from harness.reporting.drawing import save_figure, style_of
from harness.reporting.measured_rows import ProfileRuns, ReproducedRow
from harness.reporting.names import title_of
from harness.reporting.published import published_table
from harness.scoring.metrics import metric_called
from harness.scoring.subject_intervals import Interval


@dataclass(frozen=True)
class _Points:
    """One model's points in a panel: by increasing size, with intervals where there are any."""

    model: str
    label: str
    sizes: list[float]
    values: list[float]
    low: list[float]
    high: list[float]
    over_subjects: Interval | None = None


@dataclass(frozen=True)
class _Panel:
    """What one panel shows: errors of one data set and 2D source over one kind of size."""

    head: str
    sizes: str
    points: list[_Points]


_PARAMETERS = "trainable parameters, millions"
_WORK = "multiply-accumulates a frame, millions"


def draw_size_figure(runs: ProfileRuns) -> list[Path]:
    """Draw published points and those of a profile's runs; return the files.

    Each data set and 2D source has a panel, errors compare only within one; and a second one over
    multiply-accumulates, where records tell them.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    rows = runs.rows(metric_called("MPJPE"), ())[0]
    panels = [_Panel("published: Human3.6M, detected 2D", _PARAMETERS, _published_points())]
    for what, size_of in (
        (_PARAMETERS, attrgetter("parameters")),
        (_WORK, attrgetter("macs_per_frame")),
    ):
        measured: dict[str, list[_Points]] = {}
        for row in rows:
            if size := size_of(row):
                head = f"measured here: {row.dataset}, 2D {row.input_2d}"
                measured.setdefault(head, []).append(_measured_point(row, size))
        panels += [_Panel(head, what, points) for head, points in measured.items()]
    figure, drawn = plt.subplots(
        1, len(panels), figsize=(5.5 * len(panels), 5.2), layout="constrained", squeeze=False
    )
    for axes, panel in zip(drawn[0], panels, strict=True):
        _draw_panel(axes, sorted(panel.points, key=lambda point: point.sizes))
        axes.set_title(panel.head, fontsize=10)
        axes.set_xlabel(panel.sizes, fontsize=9, labelpad=1)
    drawn[0, 0].set_ylabel("MPJPE, mm\nbars: 95 % over takes; dotted: over subjects")
    written = save_figure(figure, runs.results / runs.profile / "figures" / "figure_04_size")
    plt.close(figure)
    return written


def _published_points() -> list[_Points]:
    points = []
    for model, rows in published_table("figure_04_size").groupby("model", sort=False):
        frames = "/".join(map(str, rows["frames"]))
        values = list(map(float, rows["MPJPE_mm"]))
        sizes = list(map(float, rows["parameters"]))
        points.append(
            _Points(
                str(model), f"{title_of(str(model))}, {frames} fr.", sizes, values, values, values
            )
        )
    return points


def _measured_point(row: ReproducedRow, size: float) -> _Points:
    value = row.average
    low = value.mean if value.low is None else value.low
    high = value.mean if value.high is None else value.high
    label = f"{title_of(row.model)}, {row.frames} fr."
    sizes, people = [float(size)], value.over_subjects
    return _Points(row.model, label, sizes, [value.mean], [low], [high], people)


def _draw_panel(axes: Any, points: Sequence[_Points]) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    for point in points:
        x, style = [size / 1e6 for size in point.sizes], style_of(point.model)
        axes.plot(x, point.values, color=style.color, marker=style.marker, label=point.label)
        axes.vlines(x, point.low, point.high, color=style.color)
        if (people := point.over_subjects) is not None:
            axes.vlines(x, people.low, people.high, color=style.color, linestyle=":")
    # Networks of equal size stand so close that labels beside the points would cover each other.
    axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.2, y=0.15)
    axes.grid(visible=True, which="both", alpha=0.25)
