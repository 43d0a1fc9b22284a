"""Curves of a profile as plain values: learning, cost against error, robustness."""

from pathlib import Path
from typing import Any

import pandas as pd

from harness.foundation.history import read_history
from harness.reporting.measured_rows import ProfileRuns

Plain = dict[str, Any]

NOISE = "experiments/noise/table_10_noise"
"""The table of robustness, relative to results/PROFILE/ and without ending."""


def learning_curves(runs: ProfileRuns) -> list[Plain]:
    """Return a curve a run that kept its history, with the epoch whose weights were kept.

    Raises:
        HarnessError: a history is damaged.
    """
    curves = []
    for model in runs.scored[0]:
        for run in model.runs:
            path = run.folder / "history.csv"
            if run.record is None or not path.is_file():
                continue
            history = read_history(path)
            curves.append(
                {
                    "model": model.name,
                    "seed": run.record.seed,
                    "steps": [epoch.step for epoch in history],
                    "validation": [epoch.validation_MPJPE for epoch in history],
                    "loss": [epoch.train_loss for epoch in history],
                    "kept": run.record.results.get("epoch"),
                }
            )
    return curves


def robustness(folder: Path) -> list[Plain]:
    """Return by corruption the measured curves of each model, from the table that is stored.

    Args:
        folder: results/PROFILE.
    """
    path = folder / f"{NOISE}.csv"
    if not path.is_file():
        return []
    table = pd.read_csv(path)
    table = table[table["measured"].notna()]
    sizes = table["size"].str.extract(r"([\d.]+)\s*(.*)")
    table = table.assign(number=sizes[0].astype(float), unit=sizes[1])
    clean = table[table["number"] == 0]
    charts = []
    for kind, of_kind in table.groupby("corruption", sort=False):
        disturbed = of_kind[of_kind["number"] > 0]
        if disturbed.empty:
            continue
        charts.append(
            {
                "corruption": str(kind),
                "unit": str(disturbed["unit"].iloc[0]),
                "metric": str(disturbed["metric"].iloc[0]),
                "dataset": str(disturbed["measured_on"].iloc[0]),
                "curves": [
                    {
                        "model": str(model),
                        # Input as it is belongs to every kind of corruption.
                        "points": _points(pd.concat([clean[clean["model"] == model], points])),
                    }
                    for model, points in disturbed.groupby("model", sort=False)
                ],
            }
        )
    return charts


def _points(rows: pd.DataFrame) -> list[list[float | None]]:
    """Return size, value and the limits of its interval of each row, by size."""
    values = rows.sort_values("number")[["number", "measured", "low", "high"]].astype(object)
    return values.where(values.notna(), None).to_numpy().tolist()
