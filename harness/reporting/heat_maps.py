"""Heat maps of what was trained on and tested on, a panel a method."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.reporting.drawing import save_figure

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class HeatMapAxes:
    """What the panels share.

    Attributes:
        trained: names of the rows.
        tested: names of the columns.
        value: what a number is, with its unit.
    """

    trained: Sequence[str]
    tested: Sequence[str]
    value: str


def draw_heat_maps(matrices: Mapping[str, Floats], shared: HeatMapAxes, stem: Path) -> list[Path]:
    """Draw a panel for each (trained, tested) matrix, all on one scale; return the files.

    Args:
        matrices: by the panel's title; NaN where there is no number.
        shared: rows, columns and what numbers are.
        stem: the files' path without an ending.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    every = np.concatenate([matrix[np.isfinite(matrix)] for matrix in matrices.values()])
    columns = min(2, len(matrices))
    rows = -(-len(matrices) // columns)
    size = (
        columns * (2.4 + 0.45 * len(shared.tested)),
        rows * (1.8 + 0.4 * len(shared.trained)),
    )
    figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    try:
        for axis in axes.flat[len(matrices) :]:
            axis.remove()
        for axis, (title, matrix) in zip(axes.flat, matrices.items(), strict=False):
            image = axis.imshow(matrix, vmin=every.min(), vmax=every.max(), cmap="viridis_r")
            axis.set_title(title)
            axis.set_xticks(range(len(shared.tested)), shared.tested, rotation=60, ha="right")
            axis.set_yticks(range(len(shared.trained)), shared.trained)
            axis.set_xlabel("tested on")
            axis.set_ylabel("trained on")
            _write_numbers(axis, matrix, every)
        figure.colorbar(image, ax=figure.axes, label=shared.value)
        return save_figure(figure, stem)
    finally:
        plt.close(figure)


def _write_numbers(axis: Any, matrix: Floats, every: Floats) -> None:
    dark = (every.min() + every.max()) / 2
    for (row, column), value in np.ndenumerate(matrix):
        if not np.isnan(value):
            colour = "white" if value > dark else "black"
            axis.text(column, row, f"{value:.0f}", ha="center", va="center", color=colour, size=8)
