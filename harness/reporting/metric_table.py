"""Every metric of a profile's models side by side: the protocol's, and what is told beside them."""

from collections.abc import Sequence

from harness.reporting.measured_rows import ProfileRuns
from harness.reporting.stored.scored_runs import ScoredModel, takes_of_models
from harness.reporting.table_parts import Page, csv_text, not_measured, pipe_table
from harness.runs.errors import HarnessError
from harness.scoring.metric_kinds import Metric
from harness.scoring.metrics import CORE_METRICS, DESCRIPTIVE_METRICS
from harness.scoring.protocols import protocol_called

NAME = "table_metrics"


def metric_table(runs: ProfileRuns) -> Page:
    """Return the table: a row a model, averaged over its seeds as the protocol says."""
    models, missing = runs.scored
    protocol = protocol_called(runs.protocol)
    parts = [
        f"# Every metric, as {protocol.id} averages",
        "What a lifter is good for decides which column matters; docs/protocols.md says what each "
        "tells. A cell is empty where joints or predictions do not allow it: MRPE needs a lifter "
        "that predicts the root. None but the protocol's own metrics are part of a protocol.",
    ]
    for title, metrics in (
        ("The protocol's metrics", CORE_METRICS),
        ("Told of every score", DESCRIPTIVE_METRICS),
    ):
        lines = [
            [model.name, _input(model), *(_cell(model, metric) for metric in metrics)]
            for model in models
        ]
        heads = ["model", "2D", *(f"{metric.name} ({metric.unit})" for metric in metrics)]
        parts += [f"## {title}", pipe_table(lines, heads)]
    parts += not_measured(missing)
    return Page(NAME, "\n\n".join(parts) + "\n", _csv(runs, models))


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
