"""Fourth stage of the check: scores of the committed predictions, under each of the protocols."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.datasets.prepared import PreparedSet
from harness.reporting.regression.probe_predictions import committed_predictions, same_clips
from harness.scoring.protocols import protocol_called
from harness.scoring.score import score_predictions

TOLERANCE = 1e-5
"""In the metric's unit; errors are stored in float32, of which a mean is not the last digit."""
_DECIMALS = 7
_NAMED = 4
_Average = tuple[str, str, float | None, float | None]
"""Protocol, metric, value now and in the reference."""


class ScoresGolden(BaseModel):
    """Scores of a model's committed predictions.

    Attributes:
        protocols: every average under every protocol, by protocol and metric.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    protocols: dict[str, dict[str, float]]


def measured_scores(folder: Path, prepared: PreparedSet, protocols: Sequence[str]) -> ScoresGolden:
    """Score a model's committed predictions.

    Args:
        folder: the model's committed files.
        prepared: the prepared set, whole.
        protocols: ids of the protocols.

    Raises:
        HarnessError: a committed file is missing or damaged, or a protocol does not fit.
    """
    predictions = committed_predictions(folder)
    part = same_clips(prepared, predictions.clips)
    scores: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as out:
        for name in protocols:
            score = score_predictions(predictions, part, protocol_called(name), Path(out) / name)
            scores[name] = {
                metric: round(value, _DECIMALS) for metric, value in score.metrics.items()
            }
    return ScoresGolden(protocols=scores)


def scores_difference(expected: ScoresGolden, found: ScoresGolden) -> str:
    """Say which averages differ, or nothing."""
    unlike: list[_Average] = []
    for protocol in sorted(expected.protocols.keys() | found.protocols.keys()):
        before = expected.protocols.get(protocol, {})
        now = found.protocols.get(protocol, {})
        for metric in sorted(before.keys() | now.keys()):
            value, reference = now.get(metric), before.get(metric)
            if value is None or reference is None or not abs(value - reference) <= TOLERANCE:
                unlike.append((protocol, metric, value, reference))
    if not unlike:
        return ""
    changed = [one for one in unlike if one[3] is not None]
    if not changed:
        return f"no reference yet of {_metrics(unlike)}; write them with 'harness check --update'"
    protocol, metric, value, reference = changed[0]
    return (
        f"{metric} of committed predictions under {protocol} is {_shown(value)}, the reference's "
        f"{_shown(reference)} ({len(changed)} averages differ, of {_metrics(changed)}): metric or "
        "protocol"
    )


def _metrics(averages: Sequence[_Average]) -> str:
    """Name the metrics that averages are of, the first few."""
    plain = (name.partition("/")[0].removesuffix(" (frame-wise)") for _, name, _, _ in averages)
    names = list(dict.fromkeys(plain))
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" * (len(names) > _NAMED))


def _shown(value: float | None) -> str:
    return "not there" if value is None else f"{value:.6f}"
