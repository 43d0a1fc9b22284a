"""The errors of models by take: what averages weigh and what statistics resample.

A take is one recording (subject, action, subaction); the clips of its cameras, which see one and
the same motion, are added up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.datasets.h36m.contents import SHIFTED_TAKES
from harness.foundation.errors import HarnessError
from harness.scoring.metrics import Metric
from harness.scoring.protocols import Protocol
from harness.scoring.sequences import SequenceSums, numbered_rows

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Takes:
    """Errors of several models on the same takes.

    Attributes:
        names: a row a take, columns TAKE.
        by_seed: for each model (seeds, takes) sum over the take's frames, in the metric's unit.
        seeds: for each model its training seeds; what is not told apart is one seed.
        frames: (takes,) frames summed over, above 0.
        groups: (takes,) number of the protocol's group that the take belongs to.
        average: how groups become one number, see `Protocol`.
    """

    names: pd.DataFrame
    by_seed: tuple[Floats, ...]
    seeds: tuple[tuple[int, ...], ...]
    frames: NDArray[np.int64]
    groups: NDArray[np.int64]
    average: Literal["groups", "frames"]

    @cached_property
    def totals(self) -> Floats:
        """(models, takes) sums, averaged over the seeds of each model."""
        return np.stack([of_model.mean(axis=0) for of_model in self.by_seed])

    def __len__(self) -> int:
        return len(self.frames)

    def only(self, chosen: NDArray[np.bool_]) -> "Takes":
        """Return some of the takes; their average is the protocol's over these alone."""
        return replace(
            self,
            names=self.names[chosen].reset_index(drop=True),
            by_seed=tuple(of_model[:, chosen] for of_model in self.by_seed),
            frames=self.frames[chosen],
            groups=self.groups[chosen],
        )

    def weights(self) -> Floats:
        """Return (takes,) the weight of each take's total in the average."""
        if self.average == "frames":
            return np.full(len(self), 1.0 / self.frames.sum())
        in_group = np.bincount(self.groups, self.frames)[self.groups]
        return 1.0 / (len(np.unique(self.groups)) * in_group)

    def values(self) -> Floats:
        """Return (models,) the average of each model."""
        return self.totals @ self.weights()

    def without_shifted(self) -> "Takes | None":
        """Return the takes without those of S9 whose truth is shifted; None where there are none.

        `h36m17-actionwise-no-s9drift` tells which, and why.
        """
        pairs = zip(self.names["subject"], self.names["subaction"], strict=True)
        kept = np.array([pair not in SHIFTED_TAKES for pair in pairs], dtype=bool)
        return None if kept.all() or not kept.any() else self.only(kept)


def takes_of(
    models: Sequence[Sequence[SequenceSums]],
    metric: Metric,
    protocol: Protocol,
    joint: str | None = None,
    seeds: Sequence[Sequence[int]] | None = None,
) -> Takes:
    """Add the sums of the same clips up by take.

    Args:
        models: for each model the sums of its runs.
        metric: the metric.
        protocol: the protocol that all were scored under.
        joint: one joint alone, or the mean over all that count.
        seeds: for each model the training seed of each run; runs of one seed, such as draws of a
            corruption, are averaged take by take. Without it, all runs of a model are.

    Raises:
        HarnessError: a metric was not scored, or runs do not count the same frames.
    """
    first = models[0][0]
    stored = first.metric(metric.name)
    identity = list(first.clips.columns)
    codes, names = first.takes
    seeds = seeds or [[0] * len(runs) for runs in models]
    by_seed = []
    for runs, of_run in zip(models, seeds, strict=True):
        for run in runs:
            other = run.metric(metric.name)
            same_clips = run is first or run.clips[identity].equals(first.clips)
            if not same_clips or not np.array_equal(other.frames, stored.frames):
                raise HarnessError("the runs do not count the same frames of the same clips")
        totals = np.stack([np.bincount(codes, _totals(run, metric, joint)) for run in runs])
        chosen = [np.equal(of_run, seed) for seed in dict.fromkeys(of_run)]
        by_seed.append(np.stack([totals[of_seed].mean(axis=0) for of_seed in chosen]))
    frames = np.bincount(codes, stored.frames).astype(np.int64)
    takes = Takes(
        names=names,
        by_seed=tuple(by_seed),
        seeds=tuple(tuple(dict.fromkeys(of_run)) for of_run in seeds),
        frames=frames,
        groups=numbered_rows(names, protocol.groups),
        average=protocol.average,
    )
    return takes if (frames > 0).all() else takes.only(frames > 0)


def _totals(run: SequenceSums, metric: Metric, joint: str | None) -> Floats:
    """Return (clips,) the metric summed over frames and averaged over the joints that count."""
    stored = run.metric(metric.name)
    columns = stored.counts if joint is None else np.array([name == joint for name in run.joints])
    return metric.factor * stored.sums[:, columns].mean(axis=1)
