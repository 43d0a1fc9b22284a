"""A score as a table: metrics across, a row a group of the protocol."""

from tabulate import tabulate

from harness.scoring.averages import averages
from harness.scoring.metrics import METRICS
from harness.scoring.stored_score import Score


def as_markdown(score: Score) -> str:
    """Return the averages of every metric by group, their final numbers and the conditions."""
    protocol, conditions = score.protocol, score.header.conditions
    metrics = [METRICS[name] for name in score.sequences.by_metric]
    found = [averages(score.sequences, metric, protocol) for metric in metrics]
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
    table = tabulate(body, head, tablefmt="pipe", disable_numparse=True, colalign=alignment)
    notes = [
        f"{conditions.predictions.model}, seed {conditions.predictions.seed}, protocol "
        f"{protocol.id} version {protocol.version}, {score.header.frames} frames of "
        f"{score.header.clips} clips",
        *conditions.departures,
    ]
    return "\n".join([table, "", *(f"- {note}" for note in notes)])
