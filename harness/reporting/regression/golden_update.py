"""Writing the committed files of all stages, and saying what changes."""

from collections.abc import Iterable, Iterator

from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.foundation.files import write_json
from harness.foundation.settings import Settings
from harness.reporting.regression.golden_file import read_golden
from harness.reporting.regression.kept_runs import keep_runs
from harness.reporting.regression.probe_data import DataGolden, data_difference, measured_data
from harness.reporting.regression.probe_predictions import write_prediction_golden
from harness.reporting.regression.probe_scores import measured_scores
from harness.reporting.regression.probe_steps import measured_steps
from harness.reporting.regression.reference_update import update_references
from harness.reporting.regression.references import (
    References,
    read_references,
    reference_path,
)
from harness.reporting.regression.stages import (
    FILES,
    STAGES,
    Checked,
    Stage,
    model_difference,
    unprepared,
)
from harness.training.plan import TrainingPlan, profile_plan

_SMALL = "tiny"
"""The profile whose networks are small enough for git."""


def update_check(
    what: Checked,
    settings: Settings,
    stages: Iterable[Stage] | None = None,
    *,
    seeds: list[int] | None = None,
) -> Iterator[str]:
    """Write what stages are held against and yield what changed, line by line.

    A file that says what is measured now stays as it is, so that rounding on another machine
    changes nothing.

    Args:
        what: what is checked; where it names no models, those of params.yaml.
        settings: params.yaml; its profile `tiny` says how small a network can be.
        stages: those to write; by default all that there are data or results for.
        seeds: seeds of the trained results, instead of all that are there.

    Raises:
        HarnessError: settings, data or results are wrong, or those that were asked for are not
            there.
    """
    chosen = STAGES if stages is None else tuple(stages)
    models = what.models or what.listed
    missing = unprepared(what)
    if missing and stages is not None and set(chosen) != {"results"}:
        raise HarnessError(missing)
    if missing and "data" in chosen:
        yield f"left as they are: data, steps, predictions, scores ({missing})"
    if not missing:
        if "data" in chosen:
            yield from _update_data(what)
        for model in models:
            for stage in STAGES[1:-1]:
                if stage in chosen:
                    yield from _update_model(stage, what, model, settings)
    if "results" in chosen:
        scored = [model for model in models if _scored(what, model)]
        for model in set(models) - set(scored):
            yield f"left as it is: results of {model} (no scores; run 'dvc repro')"
        if scored or stages is not None:
            yield from _update_results(what, scored or list(models), seeds)


def _scored(what: Checked, model: str) -> bool:
    runs = what.results / what.name / "runs"
    return any(runs.glob(f"{model}-seed*/scores/*/score.json"))


def _update_data(what: Checked) -> Iterator[str]:
    path = what.folder / FILES["data"]
    found = measured_data(what.prepared)
    difference = data_difference(read_golden(path, DataGolden), found) if path.exists() else "new"
    if difference:
        write_json(path, found.model_dump(mode="json"))
        yield f"data: {difference}"


def _update_model(stage: Stage, what: Checked, model: str, settings: Settings) -> Iterator[str]:
    folder = what.folder / model
    difference = "new"
    if (folder / FILES[stage]).exists():
        try:
            difference = model_difference(stage, what, model)
        except HarnessError as error:  # a damaged file is what an update mends
            difference = str(error)
    if not difference:
        return
    folder.mkdir(parents=True, exist_ok=True)
    if stage == "steps":
        plan = profile_plan(what.name, what.profile, model, what.seeds[0])
        write_json(folder / FILES[stage], measured_steps(plan).model_dump(mode="json"))
    elif stage == "predictions":
        plan = _small_plan(what, model, settings)
        write_prediction_golden(folder, plan, PreparedSet(what.prepared), what.profile)
    else:
        scores = measured_scores(folder, PreparedSet(what.prepared), what.profile.protocols)
        write_json(folder / FILES[stage], scores.model_dump(mode="json"))
    yield f"{model}: {stage}: {difference}"


def _small_plan(what: Checked, model: str, settings: Settings) -> TrainingPlan:
    """Return the plan of a run with a network that is as small as the smallest profile's."""
    small = settings.profiles.get(_SMALL)
    known = {} if small is None or model not in small.models else small.models[model].network
    sizes = {key: value for key, value in known.items() if key != "labelled_subjects"}
    return profile_plan(what.name, what.profile, model, what.seeds[0], changes={"network": sizes})


def _update_results(what: Checked, models: list[str], seeds: list[int] | None) -> Iterator[str]:
    path = reference_path(what.name, what.results)
    before = _numbers(read_references(path, what.name)) if path.exists() else {}
    after = _numbers(update_references(what.name, what.results, models, seeds))
    for name in sorted(after):
        if before.get(name) != after[name]:
            yield f"{name}: {before.get(name, 'new')} -> {after[name]}"
    for run in keep_runs(what.results, what.name, models):
        yield f"{run}: its record and scores are kept beside the references"


def _numbers(references: References) -> dict[str, str]:
    return {
        f"{model}: results: {metric} under {protocol}": f"{value.value} (+-{value.tolerance})"
        for model, by_protocol in references.models.items()
        for protocol, reference in by_protocol.items()
        for metric, value in reference.metrics.items()
    }
