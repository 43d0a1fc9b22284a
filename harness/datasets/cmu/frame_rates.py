"""Frames a second of the database's trials, which its files do not say: frame_rates.csv."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources

USUAL_RATE = 120.0


@cache
def known_frame_rates() -> Mapping[str, float]:
    """Return the frames a second of every trial in the shipped list, by trial ("60_01")."""
    text = resources.files("harness.datasets.cmu").joinpath("frame_rates.csv").read_text("ascii")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {
        f"{row['subject']}_{number:02d}": float(row["fps"])
        for row in csv.DictReader(lines)
        for number in range(int(row["first"]), int(row["last"]) + 1)
    }
