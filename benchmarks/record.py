"""How a benchmark says what it measured: a line a figure, with the machine and its load beside."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tabulate import tabulate

from harness.foundation.files import read_json, write_json
from harness.foundation.provenance import hardware, versions

RESULTS = Path("results/benchmarks")


@dataclass(frozen=True)
class Line:
    """A figure and what it should be.

    Attributes:
        name: what was measured.
        value: the figure.
        unit: its unit; "x" for a ratio.
        target: what it should be, in words, or None for a figure without a target.
        meets_target: whether it is; None without a target.
    """

    name: str
    value: float
    unit: str
    target: str | None = None
    meets_target: bool | None = None


def at_most(name: str, value: float, unit: str, limit: float) -> Line:
    """Return the line of a figure that should be `limit` or less."""
    return Line(name, value, unit, f"at most {limit:,g}", value <= limit)


def at_least(name: str, value: float, unit: str, limit: float) -> Line:
    """Return the line of a figure that should be `limit` or more."""
    return Line(name, value, unit, f"at least {limit:,g}", value >= limit)


class Recorder:
    """Times a benchmark from its making on and writes what it found."""

    def __init__(self, name: str) -> None:
        self._name, self._begun = name, datetime.now(UTC)
        self._load = os.getloadavg()[0]

    def write(self, lines: Sequence[Line], folder: Path) -> Path:
        """Write `lines` and the conditions they were measured under as `folder`/name.json.

        The load is the operating system's average over the last minute: processes that wanted a
        core when the benchmark began, and when it ended, itself included then. A negative
        niceness put it before others on the same cores.
        """
        seconds = (datetime.now(UTC) - self._begun).total_seconds()
        path = folder / f"{self._name}.json"
        write_json(
            path,
            {
                "benchmark": self._name,
                "lines": [asdict(line) for line in lines],
                "begun": self._begun.isoformat(timespec="seconds"),
                "seconds": round(seconds, 1),
                "load": {"begin": round(self._load, 2), "end": round(os.getloadavg()[0], 2)},
                "niceness": os.nice(0),
                "threads": os.environ.get("OMP_NUM_THREADS", "all cores"),
                "hardware": hardware().model_dump(mode="json"),
                "versions": versions(),
            },
        )
        return path


def read_lines(folder: Path) -> list[tuple[str, Line]]:
    """Return the lines of all benchmarks in a folder, each with its benchmark's name."""
    found: list[tuple[str, Line]] = []
    for path in sorted(folder.glob("*.json")):
        content: dict[str, Any] = read_json(path)
        found += [(content["benchmark"], Line(**line)) for line in content["lines"]]
    return found


def table_of(lines: Sequence[tuple[str, Line]]) -> str:
    """Return a Markdown table: figure and target side by side."""
    met = {None: "", True: "yes", False: "**no**"}
    rows = [
        [name, line.name, f"{digits(line.value)} {line.unit}", line.target, met[line.meets_target]]
        for name, line in lines
    ]
    headers = ["benchmark", "figure", "measured", "target", "met"]
    return tabulate(rows, headers, tablefmt="pipe", disable_numparse=True)


def digits(value: float) -> str:
    """Return `value` with three significant digits, whole numbers in full."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) < 0.001:
        return f"{value:.1e}"
    return f"{float(f'{value:.3g}'):g}"
