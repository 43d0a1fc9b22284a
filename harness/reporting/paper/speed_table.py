"""Table V of the DG-Net paper: milliseconds a frame, with and without the search for neighbours.

Times are those of one machine; the published ones are of a GTX 1080. What can be compared is how
many times faster a system is than another, timed by turns in one process.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from harness.foundation.errors import HarnessError
from harness.foundation.files import read_json
from harness.reporting.measured_rows import ProfileRuns, ReproducedRow
from harness.reporting.names import title_of
from harness.reporting.paper.speed_report import USES, SpeedReport, Timing, Use, median_interval
from harness.reporting.published import published_table
from harness.reporting.table_parts import (
    csv_text,
    number,
    printed,
    write_page,
)
from harness.reporting.table_text import Cell, Page, Table
from harness.scoring.metrics import metric_called

SPEED_FOLDER = "speed"
"""Where times and table V lie, inside results/PROFILE; the stage `tables` owns other folders."""
SPEED_FILE = "speed.json"

_NAME = "table_05_speed"
_WAYS: dict[Use, str] = {"window": "a window", "clip": "a clip"}
_REFERENCE = "videopose3d"


def write_speed_table(runs: ProfileRuns) -> list[Path]:
    """Write table V beside the times that it is made from, and return its files.

    Raises:
        HarnessError: no times were measured, or their file is damaged.
    """
    folder = runs.results / runs.profile / SPEED_FOLDER
    return write_page(speed_table(read_speed(folder / SPEED_FILE), runs), folder)


def speed_table(report: SpeedReport, runs: ProfileRuns) -> Page:
    """Return table V, with the error of the profile's runs of these systems."""
    scored, _ = runs.rows(metric_called("MPJPE"), ())
    errors = {row.model: row for row in scored}
    published = published_table("table_05_inference_time")
    records = [_published_record(row) for _, row in published.iterrows()]
    for timing in report.timings:
        records += _records(report, timing, errors)
    reference = published.set_index("model").loc[_REFERENCE, "ms_per_frame"]
    lines = [
        [
            f"{row['method']} (`{row['model']}`)",
            f"{row['ms_per_frame']:.2f}",
            times(reference / row["ms_per_frame"]),
            printed(row["MPJPE_mm"]),
        ]
        for _, row in published.iterrows()
    ]
    parts: list[str | Table] = [
        "# Table V: inference time, milliseconds a frame",
        *_measured_sections(report, errors),
        "## Published: a GTX 1080, Human3.6M",
        Table(["method", "ms a frame", f"against {title_of(_REFERENCE)}", "MPJPE, mm"], lines),
        "As printed in the DG-Net paper (arXiv 2109.07353), which says neither how many windows "
        "were lifted together nor how time was taken.",
    ]
    return Page(_NAME, parts, csv_text(records))


def read_speed(path: Path) -> SpeedReport:
    """Read measured times.

    Raises:
        HarnessError: there are none, or the file is damaged.
    """
    try:
        return SpeedReport.model_validate(read_json(path))
    except ValidationError as error:
        raise HarnessError(
            f"{path}: is no speed report that this version reads; run 'harness cost --table-v' "
            "again"
        ) from error


def _measured_sections(
    report: SpeedReport, errors: Mapping[str, ReproducedRow]
) -> list[str | Table]:
    lines: list[list[str | Cell]] = []
    for use in USES:
        for timing in report.timings:
            error = errors.get(timing.model)
            median, low, high = median_interval(timing.ms_per_frame[use])
            faster, least, most = median_interval(_times_faster(report, timing, use))
            lines.append(
                [
                    _system(timing.model),
                    _WAYS[use],
                    f"{timing.frames}",
                    f"{timing.parameters:,}",
                    microseconds(median),
                    f"{microseconds(low)} to {microseconds(high)}",
                    "reference" if timing.model == _REFERENCE else times(faster),
                    "" if timing.model == _REFERENCE else f"{times(least)} to {times(most)}",
                    "" if error is None else number(error.average, error.decimals),
                ]
            )
    heads = ["method", "lifted at once", "window, frames", "parameters", "µs a frame"]
    heads += ["95 % interval", f"against {title_of(_REFERENCE)}", "95 % interval", "MPJPE, mm"]
    told = ", ".join(f"{name} {report.versions[name]}" for name in ("python", "torch"))
    machine = report.hardware
    gpus = f", {', '.join(machine.gpus)}" if report.device == "cuda" else ""
    return [
        "## Measured here",
        Table(heads, lines, "Table V: inference time on one machine", words=2),
        f"- machine: {machine.cpu}{gpus}; device {report.device}; {report.threads} "
        f"thread{'s' * (report.threads != 1)} of torch; {told}\n"
        f"- {len(report.timings[0].ms_per_frame['window'])} repetitions in one process, the "
        "systems by turns: medians and their distribution-free intervals; the column 'against' is "
        f"{title_of(_REFERENCE)}'s time divided by the system's in the same repetition\n"
        "- a window: one window at a time, its time divided by the frames that it predicts; a "
        f"clip: {report.clip_frames} frames at once, as predictions are made\n"
        "- 32-bit floats, the network alone: reading, normalising and mirroring are not timed",
        _sizes(report),
        "An empty MPJPE was not measured: the profile has no scored run of that system.",
    ]


def _system(name: str) -> str:
    """Return how the table calls a system that was timed."""
    model, _, without = name.partition("_without_")
    return f"{title_of(model)} without {without.upper()}" if without else title_of(name)


def times(ratio: float) -> str:
    """Return a ratio of speeds in words, such as "2.0x faster" or "8.3x slower"."""
    if f"{ratio:.2g}" == "1":
        return "as fast"
    how, many = ("faster", ratio) if ratio > 1 else ("slower", 1 / ratio)
    return f"{many:.2g}x {how}" if many < 10 else f"{many:,.0f}x {how}"


def microseconds(milliseconds: float) -> str:
    """Return a time in microseconds with as many digits as it is known to."""
    value = 1000 * milliseconds
    return f"{value:.3g}" if value < 1000 else f"{float(f'{value:.3g}'):,.0f}"


def _sizes(report: SpeedReport) -> str:
    """Say whether networks are of the published size."""
    told = [
        f"{timing.model} {', '.join(f'{key} {value}' for key, value in timing.reduced.items())}"
        for timing in report.timings
        if timing.reduced
    ]
    return "Networks are of published size" + (f" but for: {'; '.join(told)}." if told else ".")


def _times_faster(report: SpeedReport, timing: Timing, use: Use) -> list[float]:
    (reference,) = (one for one in report.timings if one.model == _REFERENCE)
    ratios = np.array(reference.ms_per_frame[use]) / np.array(timing.ms_per_frame[use])
    return [float(ratio) for ratio in ratios]


def _published_record(row: "pd.Series[Any]") -> dict[str, Any]:
    return {
        "table": _NAME,
        "origin": "published",
        "model": row["model"],
        "lifted_at_once": "",
        "ms_per_frame": f"{row['ms_per_frame']:.2f}",
        "MPJPE_mm": printed(row["MPJPE_mm"]),
    }


def _records(
    report: SpeedReport, timing: Timing, errors: Mapping[str, ReproducedRow]
) -> list[dict[str, Any]]:
    records = []
    for use in USES:
        median, low, high = median_interval(timing.ms_per_frame[use])
        faster, faster_low, faster_high = median_interval(_times_faster(report, timing, use))
        error = errors.get(timing.model)
        records.append(
            {
                "table": _NAME,
                "origin": "measured",
                "model": timing.model,
                "lifted_at_once": use,
                "ms_per_frame": f"{median:.5g}",
                "low": f"{low:.5g}",
                "high": f"{high:.5g}",
                "times_faster": f"{faster:.4g}",
                "times_faster_low": f"{faster_low:.4g}",
                "times_faster_high": f"{faster_high:.4g}",
                "MPJPE_mm": "" if error is None else f"{error.average.mean:.3f}",
                "parameters": timing.parameters,
                "device": report.device,
                "threads": report.threads,
                "cpu": report.hardware.cpu,
            }
        )
    return records
