"""Scores by activity, where a data set says frame by frame what is done.

An activity may change within a clip, so these are no sums by clip; they are made in the same pass.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.foundation.errors import HarnessError
from harness.foundation.files import atomic_file
from harness.scoring.metrics import METRICS
from harness.scoring.protocols import Protocol
from harness.scoring.sequences import frame_sums

ACTIVITIES_FILE = "activities.csv"
_COLUMNS = ("activity", "metric", "frames", "value")


class ActivitySums:
    """Sums and counts by activity and metric, clip after clip."""

    def __init__(self, names: Sequence[str], protocol: Protocol) -> None:
        """Count under `protocol`, the activities called `names`; frames of the empty name none."""
        self._names, self._protocol = names, protocol
        self._frames: dict[tuple[str, str], int] = {}
        self._totals: dict[tuple[str, str], float] = {}

    def add(self, activity: NDArray[np.integer], errors: Mapping[str, NDArray[np.float32]]) -> None:
        """Add frames.

        Args:
            activity: (frames,) index of each frame's activity.
            errors: by position metric its errors of these frames, (frames, joints).
        """
        for code in np.unique(activity):
            if self._names[code]:
                chosen = {name: values[activity == code] for name, values in errors.items()}
                for metric, (frames, sums) in frame_sums(chosen, self._protocol).items():
                    key = (self._names[code], metric)
                    counted = METRICS[metric].factor * float(np.nanmean(sums))
                    self._frames[key] = self._frames.get(key, 0) + frames
                    self._totals[key] = self._totals.get(key, 0.0) + counted

    def write(self, path: Path) -> None:
        """Write the averages over each activity's frames as CSV: activity, metric, frames, value.

        Activities stand in the data set's order; one without a frame that counts is left out.
        """
        rows = [
            (activity, metric, self._frames[activity, metric], self._mean(activity, metric))
            for activity in self._names
            for metric in self._protocol.metrics
            if self._frames.get((activity, metric), 0)
        ]
        with atomic_file(path) as stream:
            pd.DataFrame(rows, columns=list(_COLUMNS)).to_csv(
                stream, index=False, lineterminator="\n"
            )

    def _mean(self, activity: str, metric: str) -> float:
        return self._totals[activity, metric] / self._frames[activity, metric]


def read_activities(folder: Path) -> pd.DataFrame:
    """Read the scores by activity of a score's folder: activity, metric, frames, value.

    Raises:
        HarnessError: there are none, because the data set does not say what is done, or the file is
            damaged.
    """
    path = folder / ACTIVITIES_FILE
    if not path.is_file():
        raise HarnessError(f"{path}: no such file; only a data set that names activities has it")
    try:
        table = pd.read_csv(path)
    except ValueError as error:
        raise HarnessError(f"{path}: is no table ({error}); score the predictions again") from error
    if tuple(table.columns) != _COLUMNS:
        raise HarnessError(f"{path}: has columns {list(table.columns)}, expected {list(_COLUMNS)}")
    return table
