"""Committed references: the scores that a profile should give, and how they were obtained.

results/reference/PROFILE.json is written by `harness check --update` and reviewed as a diff; it is
never edited by hand.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.foundation.errors import HarnessError
from harness.foundation.files import read_json, visible
from harness.prediction.stored import OF_ONE_RUN
from harness.scoring.stored_score import ScoreHeader, read_score

CHECKED_METRICS = ("MPJPE", "P-MPJPE")


class ReferenceValue(BaseModel):
    """What one metric should be.

    Attributes:
        value: mean over the seeds.
        tolerance: how much worse than `value` is still taken for chance.
        tolerance_from: how the tolerance was found.
        better: which direction is better.
        exact: whether the runs repeat on every machine, so that any difference tells of a change.
        unit: of value and tolerance.
        by_seed: the value of each seed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    tolerance: float
    tolerance_from: str
    better: Literal["lower", "higher"]
    unit: str
    exact: bool = False
    by_seed: dict[int, float]


class Obtained(BaseModel):
    """How the runs behind a reference were made.

    Attributes:
        runs: run id by seed.
        command: the command of the first run.
        commit: its commit, or None outside git.
        date: when the last run ended.
        versions: of Python and packages.
        processor: the machine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    runs: dict[int, str]
    command: str
    commit: str | None
    date: str | None
    versions: dict[str, str]
    processor: str


class Reference(BaseModel):
    """What a model's scores under one protocol should be.

    Attributes:
        conditions: what the scores were made under; others are not compared.
        metrics: what each metric should be.
        obtained: how the runs were made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    conditions: dict[str, Any]
    metrics: dict[str, ReferenceValue]
    obtained: Obtained


class References(BaseModel):
    """The references of a profile, by model and protocol."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    profile: str
    models: dict[str, dict[str, Reference]]


class StoredScore(BaseModel):
    """One score of one run as the check sees it.

    Attributes:
        run: folder of the run.
        protocol: id of the protocol.
        conditions: what it was made under, without what differs from seed to seed.
        metrics: the averages of `CHECKED_METRICS`.
    """

    model_config = ConfigDict(frozen=True)

    run: Path
    protocol: str
    conditions: dict[str, Any]
    metrics: dict[str, float]


def reference_path(profile: str, results: Path) -> Path:
    """Return where the references of a profile lie."""
    return results / "reference" / f"{profile}.json"


def read_references(path: Path, profile: str) -> References:
    """Read the references of a profile.

    Raises:
        HarnessError: there are none, or the file is damaged.
    """
    if not path.exists():
        raise HarnessError(
            f"{path}: profile {profile} has no references; once its scores are right, make them "
            f"with 'harness check --profile {profile} --update' and commit the file"
        )
    try:
        references = References.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        raise HarnessError(
            f"{path}: is not a file of references ({'.'.join(map(str, first['loc']))}: "
            f"{first['msg']}); restore it from git"
        ) from error
    if references.profile != profile:
        raise HarnessError(f"{path}: is of profile {references.profile}, expected {profile}")
    return references


def run_folder(results: Path, profile: str, model: str, seed: int) -> Path:
    """Return where a run of a profile lies."""
    return results / profile / "runs" / f"{model}-seed{seed}"


def stored_scores(run: Path) -> dict[str, StoredScore]:
    """Return the scores of a run by protocol; none where it was not scored.

    Raises:
        HarnessError: a score is damaged, or its protocol has changed since.
    """
    found = {}
    for path in visible(run.glob("scores/*/score.json")):
        score = read_score(path.parent)
        protocol = score.header.conditions.protocol
        averages = score.metrics
        found[protocol] = StoredScore(
            run=run,
            protocol=protocol,
            conditions=_conditions(score.header),
            metrics={name: averages[name] for name in CHECKED_METRICS if name in averages},
        )
    return found


def _conditions(header: ScoreHeader) -> dict[str, Any]:
    """Return what must be equal for numbers to be compared."""
    values = header.conditions.model_dump(mode="json", exclude={"predictions", "departures"})
    theirs = {"model", *OF_ONE_RUN}
    predictions = header.conditions.predictions.model_dump(mode="json", exclude=theirs)
    extent = {"clips": header.clips, "frames_scored": header.frames}
    return {**values, **predictions, **extent, "truth_sha256": header.truth_sha256}
