"""Sums and counts by clip: all that averages, tables and statistics need, small enough for git.

`sequences.csv` has a row a clip and metric: what the clip is, how many frames count, and by joint
the sum over these frames; a joint that the metric does not count is empty. Sums are written with
as many digits as it takes to read back the same number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.foundation.errors import HarnessError
from harness.foundation.files import atomic_file
from harness.foundation.suggest import unknown_name
from harness.scoring.metric_kinds import ClipPoses
from harness.scoring.metrics import DESCRIPTIVE_METRICS, DISTANCE_METRICS, POSITION_METRICS
from harness.scoring.protocols import Protocol

IDENTITY = ("clip", "subject", "action", "subaction", "camera")
TAKE = ("subject", "action", "subaction")


@dataclass(frozen=True)
class MetricSums:
    """One metric of every clip.

    Attributes:
        frames: (clips,) frames that count.
        sums: (clips, joints) sum over these frames, NaN for a joint that does not count.
    """

    frames: NDArray[np.int64]
    sums: NDArray[np.float64]

    @property
    def counts(self) -> NDArray[np.bool_]:
        """Which joints the metric counts."""
        return np.asarray(~np.isnan(self.sums).any(axis=0))


@dataclass(frozen=True)
class SequenceSums:
    """The sums and counts of a score.

    Attributes:
        clips: a row a clip, columns IDENTITY.
        joints: names of the joints.
        by_metric: metric -> its sums, clips in the order of `clips`.
    """

    clips: pd.DataFrame
    joints: tuple[str, ...]
    by_metric: Mapping[str, MetricSums]

    @cached_property
    def takes(self) -> tuple[NDArray[np.int64], pd.DataFrame]:
        """(clips,) number of each clip's take, and the takes, columns TAKE."""
        numbers = numbered_rows(self.clips, TAKE)
        first = np.unique(numbers, return_index=True)[1]
        return numbers, self.clips[list(TAKE)].iloc[first].reset_index(drop=True)

    def metric(self, name: str) -> MetricSums:
        """Return the sums of a metric.

        Raises:
            HarnessError: it was not scored.
        """
        if name not in self.by_metric:
            raise unknown_name("metric of this score", name, self.by_metric)
        return self.by_metric[name]


def numbered_rows(table: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.int64]:
    """Return (rows,) numbers in order of appearance, the same where all the columns are equal."""
    known: dict[tuple[str, ...], int] = {}
    rows = zip(*(table[column] for column in columns), strict=True)
    return np.array([known.setdefault(row, len(known)) for row in rows], dtype=np.int64)


Sums = dict[str, tuple[int, NDArray[np.float64]]]
"""Of one clip, by metric: frames that count, and (joints,) sums over them."""


def frame_sums(errors: Mapping[str, NDArray[np.float32]], protocol: Protocol) -> Sums:
    """Return metric -> frames that count and sum by joint, NaN for a joint that does not count.

    Args:
        errors: by position metric (frames, joints), as they are stored.
        protocol: says which metrics and joints.
    """
    result: Sums = {}
    for metric in POSITION_METRICS:
        if metric.name in protocol.metrics:
            result[metric.name] = _summed(errors[metric.name])
    for credit in DISTANCE_METRICS:
        if credit.name in protocol.metrics:
            total = credit.credits(errors["MPJPE"]).sum(axis=0)
            total[~protocol.counts(credit)] = np.nan
            result[credit.name] = len(errors["MPJPE"]), total
    return result


def pose_sums(poses: ClipPoses) -> Sums:
    """Return, as `frame_sums` does, the descriptive metrics that these joints allow."""
    result: Sums = {}
    for metric in DESCRIPTIVE_METRICS:
        values = metric.errors(poses)
        if values is not None:
            result[metric.name] = _summed(values)
    return result


def _summed(values: NDArray[np.floating]) -> tuple[int, NDArray[np.float64]]:
    """Return how many frames are defined, and (joints,) sums over them.

    Args:
        values: (frames, joints); NaN in all of an undefined frame, or all of an undefined joint.
    """
    total = values.sum(axis=0, dtype=np.float64)
    if not np.isnan(total).all():  # an undefined frame would leave no sum defined
        return len(values), total
    defined = values[~np.isnan(values).all(axis=1)]
    return len(defined), defined.sum(axis=0, dtype=np.float64)


def write_sequences(path: Path, sequences: SequenceSums) -> None:
    """Write `sequences` as CSV, clip by clip, atomically."""
    parts = []
    for name, metric in sequences.by_metric.items():
        sums = pd.DataFrame(metric.sums, columns=list(sequences.joints))
        head = sequences.clips.reset_index(drop=True).assign(metric=name, frames=metric.frames)
        parts.append(pd.concat([head, sums], axis=1))
    table = pd.concat(parts).sort_values("clip", kind="stable")
    with atomic_file(path) as stream:
        table.to_csv(stream, index=False, lineterminator="\n")


def read_sequences(path: Path) -> SequenceSums:
    """Read what `write_sequences` wrote.

    Raises:
        HarnessError: the file is missing, is not such a table, or has a row too many or too few.
    """
    try:
        # As text: every pandas then converts alike, to the last bit.
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError as error:
        raise HarnessError(f"{path}: no such file; score the predictions again") from error
    except (OSError, ValueError) as error:
        raise HarnessError(f"{path}: cannot be read ({error}); score again") from error
    head = [*IDENTITY, "metric", "frames"]
    joints = tuple(table.columns[len(head) :])
    if list(table.columns[: len(head)]) != head or not joints or table.empty:
        raise HarnessError(
            f"{path}: is not a table of sums by clip (columns {', '.join(table.columns[:8])}); "
            "score the predictions again"
        )
    try:
        table = table.astype({"clip": "int64", "frames": "int64"})
        sums = table[list(joints)].replace("", "nan").to_numpy(dtype=np.float64)
    except ValueError as error:
        raise HarnessError(f"{path}: holds something else than numbers ({error})") from error
    parts = {str(name): rows for name, rows in table.groupby("metric", sort=False).indices.items()}
    first = next(iter(parts.values()))
    identities = table[list(IDENTITY)]
    clips, cells = identities.loc[first].reset_index(drop=True), identities.to_numpy(dtype=object)
    alike = (np.array_equal(cells[rows], cells[first]) for rows in parts.values())
    if clips["clip"].duplicated().any() or not all(alike):
        raise HarnessError(f"{path}: a clip is missing or comes twice; score the predictions again")
    frames = table["frames"].to_numpy()
    by_metric = {name: MetricSums(frames[rows], sums[rows]) for name, rows in parts.items()}
    return SequenceSums(clips, joints, by_metric)
