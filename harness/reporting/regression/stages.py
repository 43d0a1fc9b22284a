"""`harness check`: data, first steps, predictions, scores and trained results, one after another.

Each stage is held against committed files and needs nothing of the stages after it, so the first
that differs is where to look; what a model's later stages say may follow from it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict

from harness.foundation.errors import HarnessError
from harness.foundation.settings import Profile, Settings
from harness.foundation.suggest import unknown_name
from harness.reporting.regression.check import Finding, check_scores, other_runs
from harness.reporting.regression.golden_file import golden_folder, golden_models, read_golden
from harness.reporting.regression.references import reference_path

Stage = Literal["data", "steps", "predictions", "scores", "results"]
STAGES: tuple[Stage, ...] = get_args(Stage)
PREPARED = Path("data/prepared")


class StageFinding(BaseModel):
    """What one stage says of one model.

    Attributes:
        stage: the stage.
        model: the model, or "" for all: the data are the same for all, and a stage may be skipped.
        outcome: "failed" fails the check; "new" has no reference yet.
        remark: what differs and what that points to, or why nothing was compared.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: Stage
    model: str = ""
    outcome: Literal["passed", "failed", "new", "skipped"]
    remark: str = ""


@dataclass
class Report:
    """What a check found.

    Attributes:
        profile: the profile checked.
        stages: what each stage says of each model, in the order of stages.
        numbers: the trained results, number by number.
        warnings: what does not fail the check but should be known.
    """

    profile: str
    stages: list[StageFinding] = field(default_factory=list)
    numbers: list[Finding] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def verdicts(self) -> list[StageFinding]:
        """The first stage that fails of each model; of data that differ, that alone."""
        first: dict[str, StageFinding] = {}
        for finding in self.stages:
            if finding.outcome == "failed":
                first.setdefault(finding.model, finding)
        return [first[""]] if "" in first else list(first.values())


@dataclass(frozen=True)
class Checked:
    """What is checked.

    Attributes:
        name: the profile's name.
        profile: its settings.
        models: the models asked for, or None for all that have references.
        listed: the models of params.yaml.
        seeds: the seeds whose trained results must be there.
        results: the results folder.
        prepared: the folder of the profile's prepared set.
    """

    name: str
    profile: Profile
    models: tuple[str, ...] | None
    listed: tuple[str, ...]
    seeds: tuple[int, ...]
    results: Path
    prepared: Path

    @property
    def folder(self) -> Path:
        """The folder of the profile's committed files."""
        return golden_folder(self.name, self.results)


def checked(
    settings: Settings,
    name: str,
    models: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    results: Path = Path("results"),
) -> Checked:
    """Return what is checked of profile `name` of params.yaml.

    Raises:
        HarnessError: there is no such profile.
    """
    return Checked(
        name=name,
        profile=settings.profile_called(name),
        models=None if models is None else tuple(models),
        listed=tuple(settings.models),
        seeds=tuple(settings.seeds if seeds is None else seeds),
        results=results,
        prepared=PREPARED / name,
    )


def run_check(what: Checked, stages: Iterable[Stage] | None = None) -> Report:
    """Run stages of the check.

    Args:
        what: what is checked.
        stages: those to run; by default all that there are data and references for, and the report
            says what was skipped.

    Raises:
        HarnessError: a stage that was asked for, or all of them, cannot run; a reference is
            damaged; a model has neither reference nor result.
    """
    chosen = STAGES if stages is None else tuple(stages)
    report = Report(what.name)
    for stage in STAGES:
        if stage not in chosen:
            continue
        reason = _reason_to_skip(stage, what)
        if reason and stages is not None:
            raise HarnessError(reason)
        if stage == "results" and reference_path(what.name, what.results).exists():
            report.warnings += other_runs(what.name, what.models, what.results)
        if reason:
            report.stages.append(StageFinding(stage=stage, outcome="skipped", remark=reason))
        elif stage == "results":
            _check_results(what, report)
            report.warnings += _blind_to_code(what)
        elif stage == "data":
            report.stages.append(_check_data(what))
        elif report.verdicts and report.verdicts[0].stage == "data":
            remark = "nothing can be compared on other data"
            report.stages.append(StageFinding(stage=stage, outcome="skipped", remark=remark))
        else:
            report.stages += [_check_model(stage, what, model) for model in _models(stage, what)]
    if all(finding.outcome == "skipped" for finding in report.stages):
        reasons = dict.fromkeys(finding.remark for finding in report.stages)
        raise HarnessError("nothing could be checked: " + "; ".join(reasons))
    return report


FILES: Mapping[Stage, str] = {
    "data": "data.json",
    "steps": "steps.json",
    "predictions": "predictions",
    "scores": "scores.json",
}
"""What a stage is held against, in the profile's folder or in the model's below it."""


def _reason_to_skip(stage: Stage, what: Checked) -> str:
    """Return why a stage cannot run, or nothing."""
    make = f"make them with 'harness check --profile {what.name} --update' and commit them"
    if stage == "results":
        if not reference_path(what.name, what.results).exists():
            return f"{reference_path(what.name, what.results)}: no such references; {make}"
        if not any((what.results / what.name / "runs").glob("*/scores/*/score.json")):
            return f"{what.results / what.name}: nothing is trained and scored; run 'dvc repro'"
        return ""
    if stage == "data":
        there = (what.folder / FILES[stage]).exists()
    else:
        there = bool(golden_models(what.folder, FILES[stage]))
    if not there:
        return f"{what.folder}: no references for stage {stage}; {make}"
    return unprepared(what)


def unprepared(what: Checked) -> str:
    """Return why a stage that needs the prepared set cannot run, or nothing."""
    if (what.prepared / "manifest.json").exists():
        return ""
    return f"{what.prepared}: data are not prepared; run 'dvc repro prepare@{what.name}'"


def _models(stage: Stage, what: Checked) -> list[str]:
    there = golden_models(what.folder, FILES[stage])
    for model in what.models or ():
        if model not in what.profile.models:
            raise unknown_name("model of this profile", model, what.profile.models)
    wanted = {*there, *what.listed} if what.models is None else set(what.models)
    return [model for model in what.profile.models if model in wanted]


def _check_data(what: Checked) -> StageFinding:
    from harness.reporting.regression.probe_data import (
        DataGolden,
        data_difference,
        measured_data,
    )

    expected = read_golden(what.folder / FILES["data"], DataGolden)
    return _finding("data", "", data_difference(expected, measured_data(what.prepared)))


def _check_model(stage: Stage, what: Checked, model: str) -> StageFinding:
    folder = what.folder / model
    if not folder.exists():
        remark = f"no reference yet; make one with 'harness check --update --models {model}'"
        return StageFinding(stage=stage, model=model, outcome="new", remark=remark)
    return _finding(stage, model, model_difference(stage, what, model))


def model_difference(stage: Stage, what: Checked, model: str) -> str:
    """Say what differs first from a model's committed files of a stage, or nothing.

    Raises:
        HarnessError: a committed file is missing or damaged.
    """
    from harness.datasets.prepared import PreparedSet
    from harness.reporting.regression.probe_predictions import predictions_difference
    from harness.reporting.regression.probe_scores import (
        ScoresGolden,
        measured_scores,
        scores_difference,
    )
    from harness.reporting.regression.probe_steps import (
        StepsGolden,
        measured_steps,
        steps_difference,
    )
    from harness.training.plan import profile_plan

    folder = what.folder / model
    if stage == "steps":
        steps = read_golden(folder / FILES[stage], StepsGolden)
        try:
            plan = profile_plan(what.name, what.profile, model, steps.seed)
            return steps_difference(steps, measured_steps(plan))
        except HarnessError as error:
            return f"its training does not begin: {error}"
    prepared = PreparedSet(what.prepared)
    if stage == "predictions":
        return predictions_difference(folder, prepared)
    scores = read_golden(folder / FILES["scores"], ScoresGolden)
    return scores_difference(scores, measured_scores(folder, prepared, what.profile.protocols))


def _blind_to_code(what: Checked) -> list[str]:
    """Say so where none of the results were made here, as on a fresh clone."""
    if any((what.results / what.name / "runs").glob("*/model.safetensors")):
        return []
    return [
        f"no run of profile {what.name} has its weights here, so results are those that git has, "
        f"in which no change of code shows; make them with 'dvc exp run -S profile={what.name}'"
    ]


def _check_results(what: Checked, report: Report) -> None:
    report.numbers = check_scores(what.name, what.seeds, what.models, what.results)
    for model in dict.fromkeys(number.model for number in report.numbers):
        of_model = [number for number in report.numbers if number.model == model]
        failed = [number for number in of_model if number.failed]
        if failed:
            report.stages.append(_finding("results", model, failed[0].told))
        elif of_model[0].verdict == "new":
            remark = of_model[0].remark
            report.stages.append(
                StageFinding(stage="results", model=model, outcome="new", remark=remark)
            )
        else:
            report.stages.append(_finding("results", model, ""))


def _finding(stage: Stage, model: str, difference: str) -> StageFinding:
    outcome: Any = "failed" if difference else "passed"
    return StageFinding(stage=stage, model=model, outcome=outcome, remark=difference)
