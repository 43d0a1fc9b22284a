"""A score as tables: metrics across, a row a group of the protocol."""

from collections.abc import Sequence

from tabulate import tabulate

from harness.scoring.averages import Averages, averages
from harness.scoring.metric_kinds import Metric
from harness.scoring.metrics import CORE_METRICS, DESCRIPTIVE_METRICS
from harness.scoring.protocols import Protocol
from harness.scoring.stored_score import Score


def as_markdown(score: Score) -> str:
    """Return the averages by group, their final numbers and the conditions.

    The protocol's metrics come first; then what is told of every score; then, of several
    hypotheses, their aggregates, of which those that use the truth say so.
    """
    protocol, conditions = score.protocol, score.header.conditions
    parts = []
    for known in (CORE_METRICS, DESCRIPTIVE_METRICS):
        metrics = [metric for metric in known if metric.name in score.sequences.by_metric]
        found = [averages(score.sequences, metric, protocol) for metric in metrics]
        if metrics:
            parts.append(_table(metrics, found, protocol))
    aggregates = score.aggregates()
    if aggregates:
        parts.append(_table(list(aggregates), list(aggregates.values()), protocol))
    notes = [
        f"{conditions.predictions.model}, seed {conditions.predictions.seed}, protocol "
        f"{protocol.id} version {protocol.version}, {score.header.frames} frames of "
        f"{score.header.clips} clips",
        *(f"the protocol gives the lifter {what}" for what in protocol.privileged),
        *conditions.departures,
        *(f"{item.name} uses {item.uses}: it ranks nothing" for item in aggregates if item.uses),
    ]
    return "\n\n".join([*parts, "\n".join(f"- {note}" for note in notes)])


def _table(metrics: Sequence[Metric], found: Sequence[Averages], protocol: Protocol) -> str:
    groups = dict.fromkeys(group for average in found for group in average.groups)
    lines = {
        **{group: [average.groups.get(group) for average in found] for group in groups},
        "**average**": [average.average for average in found],
        "frame-wise mean": [average.framewise for average in found],
    }
    body = [
        [label]
        + [
            "" if value is None else f"{value:.{protocol.decimals_of(metric)}f}"
            for value, metric in zip(values, metrics, strict=True)
        ]
        for label, values in lines.items()
    ]
    head = [
        " and ".join(protocol.groups),
        *(f"{metric.name} ({metric.unit})" for metric in metrics),
    ]
    alignment = ["left", *["right"] * len(metrics)]
    return tabulate(body, head, tablefmt="pipe", disable_numparse=True, colalign=alignment)
