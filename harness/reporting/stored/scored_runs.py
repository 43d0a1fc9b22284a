"""Finding scored runs by the names people use, and refusing to set unlike ones side by side."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.foundation.dotted import dotted
from harness.foundation.errors import HarnessError
from harness.foundation.files import visible
from harness.foundation.provenance import RunRecord, read_record
from harness.foundation.suggest import unknown_name
from harness.lifting.registry import method_names
from harness.prediction.stored import OF_ONE_RUN
from harness.reporting.stored.learning_curve import Convergence, convergence_of
from harness.reporting.stored.run_folders import models_in, run_folders
from harness.reporting.stored.run_report import find_run
from harness.scoring.metrics import Metric
from harness.scoring.stored_score import Score, read_score
from harness.scoring.takes import Takes, takes_of


@dataclass(frozen=True)
class ScoredRun:
    """One training run and its score under one protocol.

    Attributes:
        name: how messages call it, such as "quick/dgnet-seed0".
        folder: where it lies.
        score: the score.
        record: what it was made from; None where only its predictions are known.
        convergence: how its validation curve ends.
    """

    name: str
    folder: Path
    score: Score
    record: RunRecord | None
    convergence: Convergence = "not known"

    @property
    def seed(self) -> int:
        """The training seed."""
        return self.score.header.conditions.predictions.seed

    @property
    def trained_here(self) -> bool:
        """Whether there is a record of its training."""
        return self.record is not None and self.record.kind == "train"

    @property
    def learnt_from(self) -> str:
        """Which training clips it learnt from, and whose 3D labels; "" where no record tells."""
        if self.record is None or not self.trained_here:
            return ""
        actions = self.record.parameters.get("train_actions")
        labelled = self.record.parameters.get("network", {}).get("labelled_subjects")
        subjects = self.record.parameters.get("train_subjects")
        clips = "all training clips" if actions is None else f"clips of {', '.join(actions)} alone"
        if subjects is not None:
            clips += f", of subjects {', '.join(subjects)} alone"
        return f"{clips}, 3D labels of {', '.join(labelled)} alone" if labelled else clips

    @property
    def epoch_kept(self) -> str:
        """Which epoch's weights were scored, by which rule, and whether training had converged."""
        if self.record is None or not self.trained_here:
            return "not recorded"
        best = self.record.parameters.get("training", {}).get("select") == "best"
        told = "best on validation clips" if best else "last"
        if self.convergence != "not known":
            told += f", validation curve {self.convergence}"
        results = self.record.results
        return f"{results.get('epoch', '?')} of {results.get('epochs', '?')} ({told})"


@dataclass(frozen=True)
class ScoredModel:
    """A column of a comparison: the runs of one model, alike in all but their seed.

    Attributes:
        name: the column's head.
        runs: its runs, by seed.
        left_out: seeds of runs that are stored beside these and were not asked for.
    """

    name: str
    runs: tuple[ScoredRun, ...]
    left_out: tuple[int, ...] = ()

    @property
    def dataset(self) -> str:
        """The data set that it was scored on."""
        return self.runs[0].score.header.conditions.predictions.dataset


def find_scored_model(
    name: str,
    profile: str,
    protocol: str,
    results: Path,
    seeds: Sequence[int] = (),
    within: str = "",
) -> ScoredModel:
    """Find the scored runs that a name means.

    Args:
        name: a model of the profile, a run such as "quick/dgnet-seed0" or
            "dgnet-seed0", the folder of a run, or the beginning of a run id.
        profile: where models are looked for whose name does not say, as "quick/dgnet" does.
        protocol: id of the protocol scored under.
        results: the folder of all results.
        seeds: only the runs with these seeds, where any are named.
        within: the folder inside the run's where its scores lie, such as "cross/TARGET"; the run's
            own otherwise.

    Raises:
        HarnessError: there is no such run, it is not scored, or runs of the model differ in more
            than their seed.
    """
    of, _, model = name.partition("/")
    if model and model in models_in(run_folders(results, of)):
        return replace(find_scored_model(model, of, protocol, results, seeds, within), name=name)
    runs_folder = results / profile / "runs"
    known = run_folders(results, profile)
    pattern = re.compile(re.escape(name) + r"-seed(\d+)")
    left_out: tuple[int, ...] = ()
    if name in known:
        folders = [known[name]]
    else:
        found = ((pattern.fullmatch(run), path) for run, path in known.items())
        numbered = sorted((int(match[1]), path) for match, path in found if match)
        folders = [path for seed, path in numbered if not seeds or seed in seeds]
        left_out = tuple(seed for seed, _ in numbered if seeds and seed not in seeds)
        if numbered and not folders:
            there = ", ".join(str(seed) for seed, _ in numbered)
            raise HarnessError(
                f"{name} has no run with these seeds in {runs_folder} (there: {there}); choose "
                "others with --seeds"
            )
    if not folders:
        folders = [_single_run(name, runs_folder, results, models_in(known))]
    runs = tuple(_scored(path, protocol, within) for path in folders)
    _require_alike(name, runs)
    return ScoredModel(name, runs, left_out)


def takes_of_models(
    models: Sequence[ScoredModel], metric: Metric, joint: str | None = None
) -> Takes:
    """Return the errors of models by take and seed.

    Args:
        models: scored under one protocol.
        metric: the metric.
        joint: one joint alone, or the mean over all that count.

    Raises:
        HarnessError: the metric was not scored, or runs do not count the same frames.
    """
    return takes_of(
        [[run.score.sequences for run in model.runs] for model in models],
        metric,
        models[0].runs[0].score.protocol,
        joint,
        [[run.seed for run in model.runs] for model in models],
    )


def require_comparable(models: Iterable[ScoredModel], dataset: str | None = None) -> None:
    """Raise unless all runs were scored under the same conditions on the same frames.

    Args:
        models: what is to stand side by side.
        dataset: the data set that all must be of, where one is asked for.

    Raises:
        HarnessError: a condition differs; the message names it, the runs and both values.
    """
    runs = [run for model in models for run in model.runs]
    for run in runs:
        of = run.score.header.conditions.predictions.dataset
        if dataset is not None and of != dataset:
            raise HarnessError(f"{run.name} is of data set {of}, not of {dataset}")
    first, expected = runs[0], _conditions(runs[0].score)
    for run in runs[1:]:
        for what, value in _conditions(run.score).items():
            if value != expected[what]:
                raise HarnessError(
                    f"{first.name} and {run.name} cannot be compared, {what} differs: "
                    f"{expected[what]} and {value}"
                )


def _conditions(score: Score) -> dict[str, str]:
    """Return what must be equal for numbers to be comparable, as messages print it."""
    header, conditions = score.header, score.header.conditions
    predictions = conditions.predictions
    return {
        "protocol": f"{conditions.protocol} version {conditions.version}",
        "data set": predictions.dataset,
        "split": predictions.split,
        "2D source": predictions.input_2d,
        "corruption of the 2D input": str(predictions.corruption or "none"),
        "number of frames scored": f"{header.frames} frames of {header.clips} clips",
        "data hash": predictions.data_hash[:12],
    }


def _single_run(name: str, folder: Path, results: Path, models: set[str]) -> Path:
    if (Path(name) / "scores").is_dir():
        return Path(name)
    if name in method_names():
        train = f"harness train {name} --profile {folder.parent.name}"
        raise HarnessError(f"{name} has no run in {folder}; train it ('{train}') and score it")
    try:
        return find_run(name, results)
    except HarnessError as error:
        if "/" in name or not models:
            raise
        raise unknown_name(f"model with runs in {folder}", name, models) from error


def _scored(folder: Path, protocol: str, within: str) -> ScoredRun:
    path = folder / within / "scores" / protocol
    name = f"{folder.parent.parent.name}/{folder.name}"
    if not path.is_dir():
        if within:
            raise HarnessError(
                f"{name} has no scores of {within} under {protocol}; 'harness cross' makes them"
            )
        there = [score.parent.name for score in visible(folder.glob("scores/*/score.json"))]
        raise HarnessError(
            f"{name} is not scored under {protocol} (scored under: {', '.join(there) or 'none'}); "
            f"run 'harness score {folder} --protocol {protocol}'"
        )
    score = read_score(path)
    if not (folder / "run.json").is_file():
        return ScoredRun(name, folder, score, None)
    record = read_record(folder / "run.json")
    scored = score.header.conditions.predictions.run_id
    if scored != record.run_id:
        raise HarnessError(
            f"{name} was trained again (run {record.run_id}) since it was scored (run {scored}); "
            "run 'dvc repro', or predict and score it"
        )
    return ScoredRun(name, folder, score, record, convergence_of(folder))


def _require_alike(name: str, runs: tuple[ScoredRun, ...]) -> None:
    """Raise unless the runs differ in nothing but their seed."""
    first, expected = runs[0], _settings(runs[0])
    seeds = [run.seed for run in runs]
    if len(set(seeds)) < len(seeds):
        raise HarnessError(f"{name}: two of its runs have the same seed; name the runs one by one")
    for run in runs[1:]:
        settings = _settings(run)
        differing = sorted(
            key for key in expected.keys() | settings if expected.get(key) != settings.get(key)
        )
        if differing:
            key = differing[0]
            raise HarnessError(
                f"{first.name} and {run.name} are not the same model {name}, {key} differs: "
                f"{expected.get(key)} and {settings.get(key)}; name the runs one by one"
            )


def _settings(run: ScoredRun) -> dict[str, Any]:
    contract = run.score.header.conditions.predictions
    settings: dict[str, Any] = contract.model_dump(mode="json", exclude=set(OF_ONE_RUN))
    if run.record is None:
        return settings
    return settings | dotted(run.record.parameters) | {"source files": run.record.code_hash[:12]}
