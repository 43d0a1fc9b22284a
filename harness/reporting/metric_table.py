"""Every metric of a profile's models side by side: the protocol's, and what is told beside them."""

from collections.abc import Sequence

from harness.foundation.errors import HarnessError
from harness.reporting.marks import column_marks
from harness.reporting.measured_rows import ProfileRuns
from harness.reporting.published import AVERAGE
from harness.reporting.stored.scored_runs import ScoredModel, takes_of_models
from harness.reporting.table_parts import csv_text, method_cell, not_measured
from harness.reporting.table_text import MARKS_TOLD, Cell, Page, Table
from harness.scoring.metric_kinds import Metric
from harness.scoring.metrics import CORE_METRICS, DESCRIPTIVE_METRICS
from harness.scoring.protocols import protocol_called

NAME = "table_metrics"


def metric_table(runs: ProfileRuns) -> Page:
    """Return the table: a row a model, averaged over its seeds as the protocol says."""
    models, missing = runs.scored
    protocol = protocol_called(runs.protocol)
    parts: list[str | Table] = [
        f"# Every metric, as {protocol.id} averages",
        "What a lifter is good for decides which column matters; docs/protocols.md says what each "
        "tells. A cell is empty where joints or predictions do not allow it: MRPE needs a lifter "
        "that predicts the root. None but the protocol's own metrics are part of a protocol.",
    ]
    for title, metrics in (
        ("The protocol's metrics", CORE_METRICS),
        ("Told of every score", DESCRIPTIVE_METRICS),
    ):
        marks = {metric.name: column_marks(models, metric, ()) for metric in metrics}
        lines: list[list[str | Cell]] = [
            [
                method_cell(model.name),
                _input(model),
                *_size(model),
                *(
                    Cell(_cell(model, metric), marks[metric.name].get((model.name, AVERAGE), ""))
                    for metric in metrics
                ),
            ]
            for model in models
        ]
        heads = ["method", "2D", "frames", "parameters"]
        heads += [f"{metric.name} ({metric.unit})" for metric in metrics]
        parts += [f"## {title}", Table(heads, lines, f"{title} ({protocol.id})", words=2)]
    return Page(NAME, [*parts, MARKS_TOLD, *not_measured(missing)], _csv(runs, models))


def _size(model: ScoredModel) -> list[str]:
    """Return the window's frames and the trainable parameters, "" where no record tells."""
    run = model.runs[0]
    parameters = None if run.record is None else run.record.results.get("parameters")
    frames = run.score.header.conditions.predictions.frames
    return [str(frames), "" if parameters is None else f"{parameters:,}"]


def _input(model: ScoredModel) -> str:
    return model.runs[0].score.header.conditions.predictions.input_2d


def _value(model: ScoredModel, metric: Metric) -> float | None:
    """Return the average, None where it was not scored or no frame has it."""
    try:
        takes = takes_of_models([model], metric)
    except HarnessError:
        return None
    return float(takes.values()[0]) if len(takes) else None


def _cell(model: ScoredModel, metric: Metric) -> str:
    value = _value(model, metric)
    decimals = model.runs[0].score.protocol.decimals_of(metric)
    return "" if value is None else f"{value:.{decimals}f}"


def _csv(runs: ProfileRuns, models: Sequence[ScoredModel]) -> str:
    records = []
    for model in models:
        for metric in (*CORE_METRICS, *DESCRIPTIVE_METRICS):
            value = _value(model, metric)
            records.append(
                {
                    "table": NAME,
                    "model": model.name,
                    "protocol": runs.protocol,
                    "input_2d": _input(model),
                    "metric": metric.name,
                    "unit": metric.unit,
                    "better": metric.better,
                    "value": "" if value is None else f"{value:.4f}",
                }
            )
    heads = ("table", "model", "protocol", "input_2d", "metric", "unit", "better", "value")
    return csv_text(records or [dict.fromkeys(heads, "")])
