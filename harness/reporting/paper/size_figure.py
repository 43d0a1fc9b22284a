"""Figure 4 of the DG-Net paper: MPJPE against the number of parameters."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.reporting.drawing import save_figure, style_of
from harness.reporting.measured_rows import ProfileRuns, ReproducedRow
from harness.reporting.names import title_of
from harness.reporting.published import published_table
from harness.scoring.metrics import metric_called


@dataclass(frozen=True)
class _Points:
    """One model's points in a panel: by increasing size, with intervals where there are any."""

    model: str
    label: str
    parameters: list[float]
    values: list[float]
    low: list[float]
    high: list[float]


def draw_size_figure(runs: ProfileRuns) -> list[Path]:
    """Draw published points and those of a profile's runs; return the files.

    Each data set and 2D source has a panel: errors compare only within one.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    panels = {"published: Human3.6M, detected 2D": _published_points()}
    for row in runs.rows(metric_called("MPJPE"), ())[0]:
        if row.parameters:
            head = f"measured here: {row.dataset}, 2D {row.input_2d}"
            panels.setdefault(head, []).append(_measured_point(row, row.parameters))
    figure, drawn = plt.subplots(
        1, len(panels), figsize=(5.5 * len(panels), 5.2), layout="constrained", squeeze=False
    )
    for axes, (head, points) in zip(drawn[0], panels.items(), strict=True):
        _draw_panel(axes, sorted(points, key=lambda point: point.parameters))
        axes.set_title(head, fontsize=10)
        axes.set_xlabel("trainable parameters, millions", fontsize=9, labelpad=1)
    drawn[0, 0].set_ylabel("MPJPE, mm (bars: 95 % interval over takes)")
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


def _measured_point(row: ReproducedRow, parameters: int) -> _Points:
    value = row.average
    low = value.mean if value.low is None else value.low
    high = value.mean if value.high is None else value.high
    label = f"{title_of(row.model)}, {row.frames} fr."
    return _Points(row.model, label, [float(parameters)], [value.mean], [low], [high])


def _draw_panel(axes: Any, points: Sequence[_Points]) -> None:
    for point in points:
        x, style = [parameters / 1e6 for parameters in point.parameters], style_of(point.model)
        axes.plot(x, point.values, color=style.color, marker=style.marker, label=point.label)
        axes.vlines(x, point.low, point.high, color=style.color)
    # Networks of equal size stand so close that labels beside the points would cover each other.
    axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.margins(x=0.2, y=0.15)
    axes.grid(visible=True, which="both", alpha=0.25)
