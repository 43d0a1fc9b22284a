"""Tables VI to XI of the DG-Net paper: which cell of which grid measures which printed number."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from harness.experiments.grid import AS_SET
from harness.reporting.grids.cell_tables import GridTable, PaperCell
from harness.reporting.grids.cells import GridCells
from harness.reporting.published import published_table

AS_IT_IS = "as_it_is"


def neighbours(cells: GridCells) -> GridTable:
    """Return table VI: K in DSG and in DTG."""
    return GridTable(
        name="table_06_neighbours",
        number="VI",
        title="neighbours K of a joint, MPJPE in mm",
        heads=("layer", "K"),
        metric="MPJPE",
        cells=tuple(
            PaperCell((row.unit, str(row.K)), row.MPJPE_mm, f"{row.unit}-K{row.K}", group=row.unit)
            for row in _rows("table_06_neighbours_k")
        ),
        compared="K within each layer",
        notes=("DSG's K is varied with DTG's at 4, DTG's with DSG's at 3",),
    )


def connections(cells: GridCells) -> GridTable:
    """Return table VII: connection style by weighting."""
    table = published_table("table_07_graph_and_weighting")
    return GridTable(
        name="table_07_connections",
        number="VII",
        title="who is connected, and how much it counts, MPJPE in mm",
        heads=("connection", "weighting"),
        metric="MPJPE",
        cells=tuple(
            PaperCell(
                (row["graph"], weighting.replace("_", " ")),
                float(row[weighting]),
                f"connection={row['graph']}-weighting={weighting}",
            )
            for _, row in table.iterrows()
            for weighting in table.columns.drop("graph")
        ),
        compared="all connections and weightings",
    )


def units(cells: GridCells) -> GridTable:
    """Return table VIII: the layers of the spatial and of the temporal unit."""
    table = published_table("table_08_units").fillna({"temporal_unit": ""})
    return GridTable(
        name="table_08_units",
        number="VIII",
        title="layers of the spatial and of the temporal unit, MPJPE in mm",
        heads=("spatial", "temporal"),
        metric="MPJPE",
        cells=tuple(
            PaperCell(
                (row.spatial_unit, row.temporal_unit),
                row.MPJPE_mm,
                "_".join(filter(None, (row.spatial_unit, row.temporal_unit))).replace("+", "-"),
            )
            for row in _as_rows(table)
        ),
        compared="all units",
    )


def blocks_and_frames(cells: GridCells) -> GridTable:
    """Return table IX: blocks of the network, frames of the window."""
    return GridTable(
        name="table_09_blocks_and_frames",
        number="IX",
        title="blocks of the network, frames of the window, MPJPE in mm",
        heads=("varied", "value"),
        metric="MPJPE",
        cells=tuple(
            PaperCell(
                (row.parameter, str(row.value)),
                row.MPJPE_mm,
                f"{row.parameter}-{row.value}",
                group=row.parameter,
            )
            for row in _rows("table_09_blocks_and_frames")
        ),
        compared="blocks, and of frames",
    )


def noise(cells: GridCells) -> GridTable:
    """Return table X: noise on the 2D input, and below it the corruptions that are ours."""
    table = published_table("table_10_noise_protocol2")
    own = list(dict.fromkeys(cell.model for cell in cells.cells))
    printed = [str(name) for name in table.columns.drop("test_noise_sigma_px")]
    methods = [*printed, *(model for model in own if model not in printed)]
    found = [
        PaperCell(
            ("Gaussian noise", f"{row['test_noise_sigma_px']:g} px", method),
            float(row[method]) if method in printed else None,
            AS_SET,
            model=method if method in own else "",
            group=f"sigma {row['test_noise_sigma_px']:g}",
            corruption=_gaussian(float(row["test_noise_sigma_px"])),
        )
        for _, row in table.iterrows()
        for method in methods
    ]
    found += [
        PaperCell(
            (_CORRUPTIONS[kind["kind"]], f"{100 * kind['probability']:g} %", model),
            None,
            AS_SET,
            model=model,
            corruption=kind,
        )
        for kind in cells.corruptions()
        if kind["kind"] != "gaussian"
        for model in own
    ]
    return GridTable(
        name="table_10_noise",
        number="X",
        title="corrupted 2D input, trained on exact 2D, P-MPJPE in mm",
        heads=("corruption", "size", "method"),
        metric="P-MPJPE",
        cells=tuple(found),
        compared="methods at equal noise",
        input_kind="gt",
        notes=("missing joints and swapped sides are no experiments of the paper's",),
    )


def designs(cells: GridCells) -> GridTable:
    """Return table XI: single designs, each beside the network as it is."""
    return GridTable(
        name="table_11_designs",
        number="XI",
        title="supervision, non-local blocks, coordinates, detector, form, MPJPE in mm",
        heads=("design", "choice", "model"),
        metric="MPJPE",
        cells=tuple(
            PaperCell(
                (row.design.replace("_", " "), row.choice, row.model),
                row.MPJPE_mm,
                _DESIGNS[row.design, row.choice],
                model=row.model,
                group=row.design,
            )
            for row in _rows("table_11_designs")
        ),
        compared="the choices of each design",
        notes=(
            "balanced coordinates are given the true depth of the root",
            "the two detectors are those of Human3.6M; no other data set here has both",
        ),
    )


TABLES: dict[str, Callable[[GridCells], GridTable]] = {
    "noise": noise,
    "neighbours": neighbours,
    "connections": connections,
    "units": units,
    "blocks_and_frames": blocks_and_frames,
    "designs": designs,
}
"""The table that is made of a grid, by the grid's name."""

_CORRUPTIONS = {"dropout": "missing joints", "swaps": "swapped sides"}

_DESIGNS = {
    ("supervision", "network loss only"): "network_loss_only",
    ("supervision", "total loss"): AS_IT_IS,
    ("non_local", "without"): "without_non_local",
    ("non_local", "with"): AS_IT_IS,
    ("coordinates", "non-balanced"): "non_balanced",
    ("coordinates", "balanced"): "balanced",
    ("detector_2d", "stacked hourglass"): "detector-sh",
    ("detector_2d", "CPN"): "detector-cpn",
    ("form", "unified"): "unified",
    ("form", "factorized"): AS_IT_IS,
}


def _gaussian(sigma: float) -> dict[str, Any] | None:
    return {"kind": "gaussian", "sigma_px": sigma} if sigma else None


def _rows(name: str) -> list[Any]:
    return _as_rows(published_table(name))


def _as_rows(table: pd.DataFrame) -> list[Any]:
    return list(table.itertuples(index=False))
