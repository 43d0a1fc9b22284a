"""Rows of a table made from stored scores: values with intervals, conditions, and their runs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.foundation.errors import HarnessError
from harness.foundation.provenance import RunRecord
from harness.reporting.stored.elsewhere import told_of_elsewhere
from harness.reporting.stored.scored_runs import (
    ScoredModel,
    ScoredRun,
    find_scored_model,
    takes_of_models,
)
from harness.scoring.metrics import Metric
from harness.scoring.statistics import differences_to_first
from harness.scoring.subject_intervals import Interval, intervals_over_subjects
from harness.scoring.takes import Takes

EXACT_SOURCE = "gt"


@dataclass(frozen=True)
class Value:
    """A measured number.

    Attributes:
        mean: the average.
        low: lower limit of its 95 % interval over takes; None where there is a single take.
        high: upper limit, likewise.
        over_subjects: its interval over subjects; None from too few of them.
    """

    mean: float
    low: float | None
    high: float | None
    over_subjects: Interval | None = None


@dataclass(frozen=True)
class ReproducedRow:
    """One model's line of a table, averaged over its seeds.

    Attributes:
        model: the harness's name of the model.
        cells: by action, or by whatever else the table has a column for.
        average: the final number as the protocol defines it, over these cells.
        without_shifted: the same without the takes of S9 whose truth is shifted; None where the
            data set has none of them.
        dataset: the data set it was measured on.
        data_hash: identity of that data set.
        input_2d: the 2D source.
        frames: length of the window.
        joints: number of joints that the metric counts.
        flip_test: whether predictions were averaged with those of the mirrored input.
        parameters: trainable parameters, None where no record tells.
        macs_per_frame: multiply-accumulates of a predicted frame; see
            `harness.lifting.computation`. None where no record tells.
        recipe: training settings in a few words, "" where no record tells.
        learnt_from: which training clips, and whose 3D labels.
        epochs_kept: by seed, the epoch kept of how many, by which rule, and the curve's end.
        protocol: id and version.
        departures: where the predictions depart from what the protocol's source does.
        seeds: the training seeds.
        run_ids: the training runs, by seed.
        subjects: how many people the takes averaged are of.
        decimals: digits after the point that the protocol's numbers are printed with.
    """

    model: str
    cells: dict[str, Value]
    average: Value
    without_shifted: float | None
    dataset: str
    data_hash: str
    input_2d: str
    frames: int
    joints: int
    flip_test: bool
    parameters: int | None
    macs_per_frame: float | None
    recipe: str
    learnt_from: str
    epochs_kept: tuple[str, ...]
    protocol: str
    departures: tuple[str, ...]
    seeds: tuple[int, ...]
    run_ids: tuple[str, ...]
    subjects: int
    decimals: int

    @property
    def input_kind(self) -> str:
        """Whether 2D is "gt" or "detected", as the published tables tell 2D sources apart."""
        return "gt" if self.input_2d == EXACT_SOURCE else "detected"


@dataclass(frozen=True)
class ProfileRuns:
    """The runs that the tables of a profile are made from.

    Attributes:
        models: names in the order of the table.
        seeds: only these seeds.
        profile: whose runs.
        protocol: id of the protocol.
        results: the folder of all results.
        within: the folder inside a run's where its scores lie, where not in the run's own.
    """

    models: tuple[str, ...]
    seeds: tuple[int, ...]
    profile: str
    protocol: str
    results: Path
    within: str = ""

    @cached_property
    def scored(self) -> tuple[tuple[ScoredModel, ...], tuple[str, ...]]:
        """The models that were scored on the test split as it is, and why not the others."""
        models, missing = [], []
        for name in self.models:
            try:
                model = find_scored_model(
                    name, self.profile, self.protocol, self.results, self.seeds, self.within
                )
            except HarnessError as error:
                missing.append(f"{name}: {error}")
                continue
            scored = model.runs[0].score.header.conditions.predictions
            if scored.split != "test" or scored.corruption is not None:
                what = "corrupted 2D input" if scored.corruption else f"split {scored.split}"
                missing.append(f"{name}: its score is of {what}, not of the test split as it is")
                continue
            models.append(model)
        return tuple(models), tuple(missing)

    def score_folder(self, run: ScoredRun) -> Path:
        """Return the folder of the score of one of these runs."""
        return run.folder / self.within / "scores" / self.protocol

    def rows(
        self, metric: Metric, by: Sequence[str] = ("action",)
    ) -> tuple[list[ReproducedRow], list[str]]:
        """Return the lines of all models that were scored, and why the others have none.

        Args:
            metric: what the table shows.
            by: columns of clips that give a cell its name, joined by "/".
        """
        models, missing = self.scored
        return [reproduced_row(model, metric, by) for model in models], list(missing)


def reproduced_row(
    model: ScoredModel,
    metric: Metric,
    by: Sequence[str] = ("action",),
    only: Collection[str] | None = None,
) -> ReproducedRow:
    """Return the line of one model.

    Args:
        model: the runs.
        metric: what the table shows.
        by: columns of clips that give a cell its name, joined by "/"; without any, no cells.
        only: the only cells to show and to average, or None for all.

    Raises:
        HarnessError: the metric was not scored, or none of the cells.
    """
    score = model.runs[0].score
    contracts = [run.score.header.conditions.predictions for run in model.runs]
    takes = takes_of_models([model], metric)
    names = cell_names(takes, by)
    if only is not None:
        chosen = np.isin(names, list(only))
        if not chosen.any():
            raise HarnessError(f"its score has none of {', '.join(only)}")
        takes, names = takes.only(chosen), names[chosen]
    records = [run.record for run in model.runs if run.record is not None]
    return ReproducedRow(
        model=model.name,
        cells={
            name: measured_value(takes.only(names == name))
            for name in (dict.fromkeys(names) if by else ())
        },
        average=measured_value(takes),
        without_shifted=_without_shifted(takes, contracts[0].dataset),
        dataset=contracts[0].dataset,
        data_hash=contracts[0].data_hash,
        input_2d=contracts[0].input_2d,
        frames=contracts[0].frames,
        joints=int(score.sequences.metric(metric.name).counts.sum()),
        flip_test=contracts[0].flip_test,
        parameters=records[0].results.get("parameters") if records else None,
        macs_per_frame=records[0].results.get("macs_per_frame") if records else None,
        recipe=_recipe(records[0]) if records else "",
        learnt_from=model.runs[0].learnt_from,
        epochs_kept=tuple(run.epoch_kept for run in model.runs if run.trained_here),
        protocol=f"{score.protocol.id} version {score.protocol.version}",
        departures=score.header.conditions.departures,
        seeds=tuple(contract.seed for contract in contracts),
        run_ids=tuple(contract.run_id for contract in contracts),
        subjects=takes.names["subject"].nunique(),
        decimals=score.protocol.decimals_of(metric),
    )


def _without_shifted(takes: Takes, dataset: str) -> float | None:
    """Return the average without S9's shifted takes; other data sets may use their names."""
    kept = takes.without_shifted() if dataset in ("h36m", "h36m_motionbert") else None
    return None if kept is None else float(kept.values()[0])


def cell_names(takes: Takes, by: Sequence[str]) -> NDArray[np.object_]:
    """Return (takes,) the name of each take's cell, such as "Walking/S1"."""
    columns = [takes.names[column] for column in by]
    return np.array(["/".join(values) for values in zip(*columns, strict=True)], dtype=object)


def _recipe(record: RunRecord) -> str:
    if elsewhere := told_of_elsewhere(record):
        return ", ".join(elsewhere)
    training = record.parameters.get("training", {})
    epochs, batch, rate = map(training.get, ("epochs", "batch_size", "learning_rate"))
    if None in (epochs, batch, rate):
        return ""
    steps = training.get("steps_per_epoch")
    budget = f"{epochs} epoch{'s' * (epochs != 1)}"
    budget += "" if steps is None else f" of at most {steps} steps"
    return f"{budget}, batch {batch}, learning rate {rate:g}"


def measured_value(takes: Takes) -> Value:
    """Return the average and its intervals: those of the difference from a model without error."""
    nothing: NDArray[np.float64] = np.zeros_like(takes.by_seed[0])
    against_zero = replace(
        takes, by_seed=(nothing, *takes.by_seed), seeds=(takes.seeds[0], *takes.seeds)
    )
    (difference,) = differences_to_first(against_zero)
    over_subjects = intervals_over_subjects(against_zero)
    return Value(
        mean=difference.value,
        low=difference.low,
        high=difference.high,
        over_subjects=None if over_subjects is None else over_subjects[0],
    )
