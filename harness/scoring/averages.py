"""From sums and counts to the numbers of a table, as a protocol averages."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.scoring.metrics import Metric
from harness.scoring.protocols import Protocol
from harness.scoring.sequences import SequenceSums

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Averages:
    """The numbers of one metric, in its unit.

    Attributes:
        groups: by group of the protocol, such as an action; a group without frames is absent.
        average: the final number as the protocol defines it, None where no frame counts.
        framewise: the mean over all frames, whatever the protocol says.
    """

    groups: dict[str, float]
    average: float | None
    framewise: float | None


def averages(sequences: SequenceSums, metric: Metric, protocol: Protocol) -> Averages:
    """Return every average of a metric; exact sums, so the order of clips plays no part."""
    stored = sequences.metric(metric.name)
    totals = metric.factor * stored.sums[:, stored.counts].mean(axis=1)
    names = group_names(sequences, protocol)
    groups = {}
    for name in sorted(set(names), key=str.casefold):
        chosen = np.array([name == other for other in names])
        mean = _mean(totals[chosen], stored.frames[chosen])
        if mean is not None:
            groups[name] = mean
    framewise = _mean(totals, stored.frames)
    if protocol.average == "frames" or not groups:
        return Averages(groups, framewise, framewise)
    return Averages(groups, math.fsum(groups.values()) / len(groups), framewise)


def group_names(sequences: SequenceSums, protocol: Protocol) -> list[str]:
    """Return the name of each clip's group, such as "Walking" or "S1/Jog"."""
    columns = [sequences.clips[column] for column in protocol.groups]
    return ["/".join(filter(None, values)) for values in zip(*columns, strict=True)]


def _mean(totals: Floats, frames: NDArray[np.int64]) -> float | None:
    count = int(frames.sum())
    return math.fsum(totals) / count if count else None
