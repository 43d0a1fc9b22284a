"""What all figures share: a colour and marker for each method, legends below, PNG and PDF files."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.foundation.files import atomic_file

_COLOURS = (
    *("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb"),
    *("#004488", "#ddaa33", "#bb5566", "#000000", "#ee7733", "#009988"),
)
"""Paul Tol's schemes "bright", "high-contrast" and two of "vibrant", told apart by most eyes."""
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "d", "*")
_METHODS = (
    *("dgnet", "fsg_ftg", "fsg", "martinez", "semgcn", "wsgcn", "stgcn", "videopose3d"),
    *("mixste", "motionagformer", "motionbert", "poseformerv2", "d3dp"),
)
"""Their places never change: a method looks the same in every figure that was ever drawn."""


@dataclass(frozen=True)
class Style:
    """How a method is drawn.

    Attributes:
        color: of lines, bars and markers.
        marker: of points.
    """

    color: str
    marker: str


def style_of(model: str) -> Style:
    """Return how a method is drawn in every figure; one of somebody else's gets it by its name."""
    if model in _METHODS:
        place = _METHODS.index(model)
        return Style(_COLOURS[place], _MARKERS[place])
    drawn = hashlib.sha256(model.encode()).digest()
    # A marker that is not its colour's usual one: no method of ours looks like that.
    place = drawn[0] % len(_COLOURS)
    other = (place + 1 + drawn[1] % (len(_MARKERS) - 1)) % len(_MARKERS)
    return Style(_COLOURS[place], _MARKERS[other])


def legend_below(figure: Any, axes: Iterable[Any], columns: int = 4) -> None:
    """Draw one legend below all axes, where it covers nothing; the figure lays itself out.

    Args:
        figure: with the layout "constrained".
        axes: whose lines and bars it names, each label once.
        columns: entries side by side.
    """
    found: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    if found:
        figure.legend(
            list(found.values()),
            list(found),
            loc="outside lower center",
            ncols=min(columns, len(found)),
            fontsize="small",
        )


def save_figure(figure: Any, stem: Path) -> list[Path]:
    """Write a figure as PNG and PDF and return the files; equal figures give equal bytes.

    Args:
        figure: the figure.
        stem: the files' path without an ending.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_pdf import FigureCanvasPdf

    png, pdf = (stem.with_name(f"{stem.name}.{ending}") for ending in ("png", "pdf"))
    # Each canvas by itself draws once, where `savefig` draws twice. Versions and dates of the
    # drawing library would make equal figures differ.
    figure.set_dpi(120)
    with atomic_file(png, "wb") as stream:
        FigureCanvasAgg(figure).print_png(stream, metadata={"Software": None})
    figure.set_layout_engine("none")  # the first drawing placed everything
    undated = {"CreationDate": None, "Creator": None, "Producer": None}
    with mpl.rc_context({"pdf.fonttype": 42}), atomic_file(pdf, "wb") as stream:
        FigureCanvasPdf(figure).print_pdf(stream, metadata=undated)
    return [png, pdf]
