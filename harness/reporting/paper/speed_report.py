"""Times of lifters as they are stored; reading them takes no torch."""

import math
import statistics
from typing import Literal

from pydantic import BaseModel, ConfigDict

from harness.foundation.provenance import Hardware

Use = Literal["window", "clip"]
USES: tuple[Use, ...] = ("window", "clip")
"""The ways of use that are timed, see `harness.reporting.paper.speed_measurement`."""


class Timing(BaseModel):
    """One lifter's times.

    Attributes:
        model: its name in table V.
        reduced: the method's own parameters that are not as published.
        frames: length of its window.
        parameters: trainable parameters.
        ms_per_frame: by way of use, each repetition's milliseconds a frame.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    reduced: dict[str, object]
    frames: int
    parameters: int
    ms_per_frame: dict[Use, list[float]]


class SpeedReport(BaseModel):
    """What was measured and on what.

    Attributes:
        hardware: the machine.
        device: "cpu" or "cuda".
        threads: of torch on the CPU.
        clip_frames: length of the clip.
        versions: of Python and of packages.
        timings: a lifter each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hardware: Hardware
    device: str
    threads: int
    clip_frames: int
    versions: dict[str, str]
    timings: list[Timing]


def median_interval(values: list[float], level: float = 0.95) -> tuple[float, float, float]:
    """Return the median and an interval that holds the true one, whatever the distribution.

    The limits are order statistics: the number of values below the true median is binomial. With
    fewer than 6 values no interval holds 95 %, and the limits are the extremes.
    """
    ordered, count = sorted(values), len(values)
    below, tail = 1, 1 / 2**count + count / 2**count
    while tail <= (1 - level) / 2:
        below += 1
        tail += math.comb(count, below) / 2**count
    return statistics.median(ordered), ordered[below - 1], ordered[-below]
