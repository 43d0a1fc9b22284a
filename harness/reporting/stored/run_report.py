"""Everything known of one run: its record and the scores made of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from tabulate import tabulate

from harness.foundation.dotted import dotted
from harness.foundation.errors import HarnessError
from harness.foundation.files import visible
from harness.foundation.provenance import RunRecord, read_record
from harness.foundation.settings import load_settings
from harness.foundation.shown import escaped
from harness.foundation.suggest import unknown_name
from harness.reporting.stored.run_folders import (
    all_run_folders,
    committed_runs,
    is_committed,
    models_in,
    run_folders,
)
from harness.scoring.metrics import METRICS
from harness.scoring.stored_score import read_score


class ScoreSummary(BaseModel):
    """The final numbers of one score and what they were made under.

    Attributes:
        folder: where the score lies.
        protocol: id of the protocol.
        version: its version.
        run_id: the run that made the checkpoint scored.
        dataset: name of the data set.
        data_hash: identity of the data set scored.
        input_2d: the 2D source given to the lifter.
        split: the clips scored.
        flip_test: whether predictions were averaged with those of the mirrored input.
        clips: clips scored.
        frames: frames scored.
        departures: where the predictions depart from what the protocol's source does.
        metrics: the average by metric, in the metric's unit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    protocol: str
    version: int
    run_id: str
    dataset: str
    data_hash: str
    input_2d: str
    split: str
    flip_test: bool
    clips: int
    frames: int
    departures: tuple[str, ...]
    metrics: dict[str, float]


class RunReport(BaseModel):
    """A run as `harness show` prints it.

    Attributes:
        folder: where the run lies.
        record: what it was made from and how it went.
        scores: its scores, by protocol.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    record: RunRecord
    scores: list[ScoreSummary]


def find_run(name: str, results: Path = Path("results")) -> Path:
    """Return the folder of a run.

    Args:
        name: "PROFILE/RUN" such as "quick/dgnet-seed0", the run's folder, or the beginning of a
            run id that no other run's begins with.
        results: where runs are looked for.

    Raises:
        HarnessError: there is no such run, or there are several.
    """
    folder = Path(name)
    profile, _, run = name.partition("/")
    places = (results / profile / "runs" / run, committed_runs(results, profile) / run)
    for candidate in (folder, *places):
        if (candidate / "run.json").is_file():
            return candidate
    known = dict(_runs_below(results))
    if name in known:
        return known[name][0]
    found = [run for run, (_, run_id) in known.items() if run_id.startswith(name)]
    if len(found) > 1:
        raise HarnessError(f"'{name}' begins the ids of {', '.join(found)}; name one of them")
    if found:
        return known[found[0]][0]
    if folder.is_dir():
        raise HarnessError(f"{folder}: is not the folder of a run (no run.json)")
    if folder.is_file():
        raise HarnessError(
            f"{folder}: is a file, expected a run or its folder; unpack what "
            "'harness show RUN --bundle' wrote and name its folder"
        )
    if not known:
        raise HarnessError(f"no runs below {results}; make some with 'dvc repro'")
    raise unknown_name("run", name, known, unlisted=(run_id for _, run_id in known.values()))


def find_model_run(name: str, profile: str | None = None, results: Path = Path("results")) -> Path:
    """Return the folder of the one run that a name means.

    Args:
        name: a model that has one run in the profile, or what `find_run` takes.
        profile: where models are looked for; the default profile of params.yaml unless named.
        results: the folder of all results.

    Raises:
        HarnessError: there is no such run, or there are several.
    """
    if "/" not in name:
        profile = profile or load_settings().profile
        known = run_folders(results, profile)
        runs = [run for run in known if models_in([run]) == {name}]
        if len(runs) > 1:
            told = ", ".join(f"{profile}/{run}" for run in runs)
            raise HarnessError(f"'{name}' has several runs ({told}); name one of them")
        if runs:
            return known[runs[0]]
    return find_run(name, results)


def report_run(folder: Path) -> RunReport:
    """Return what is known of the run in `folder`.

    Raises:
        HarnessError: its record or a score of it is missing, damaged or out of date.
    """
    scores = [path.parent for path in visible(folder.glob("scores/*/score.json"))]
    return RunReport(
        folder=folder,
        record=read_record(folder / "run.json"),
        scores=[_summary(score) for score in scores],
    )


def as_text(report: RunReport) -> str:
    """Return the report for people: sections of names and values, and a table of scores."""
    record = report.record
    commit = record.commit or f"unknown ({record.no_commit or 'not in git'})"
    if record.dirty:
        commit += ", tracked files differed"
    facts = {
        "run id": record.run_id,
        "folder": f"{report.folder}{' (committed, not run here)' * is_committed(report.folder)}",
        "status": f"{record.kind} {record.status}",
        "started": record.started,
        "finished": record.finished or "",
        "seconds": "" if record.seconds is None else record.seconds,
        "command": record.command,
        "commit": commit,
        "code": record.code_hash,
        "data set": record.dataset,
        "data hash": record.data_hash,
        **{f"DVC {path}": value for path, value in record.dvc_hashes.items()},
        "seed": record.seed,
    }
    hardware = record.hardware
    machine = {
        "processor": f"{hardware.cpu}, {hardware.cores} cores",
        "memory": f"{hardware.memory_gib} GiB",
        "GPUs": ", ".join(hardware.gpus) or "none",
    }
    sections = {
        record.run: facts,
        "Parameters": dotted(record.parameters),
        "Results": dotted(record.results),
        "Versions": record.versions,
        "Hardware": machine,
    }
    blocks = [f"{title}\n{_lines(values)}" for title, values in sections.items() if values]
    return "\n\n".join([*blocks, *_score_blocks(report)])


def _runs_below(results: Path) -> list[tuple[str, tuple[Path, str]]]:
    """Return (name, (folder, run id)) of every run with a readable record."""
    # A run may be asked for by where it lies, too, which differs for a copied folder.
    folders = {
        path.parent.relative_to(results).as_posix().replace("/runs/", "/", 1): path.parent
        for path in visible(results.rglob("run.json"))
        if not is_committed(path.parent)
    }
    runs = []
    for name, folder in {**all_run_folders(results), **folders}.items():
        try:
            record = read_record(folder / "run.json")
        except HarnessError:
            continue  # one damaged record must not hide the others; asked for, it is reported
        runs.append((name, (folder, record.run_id)))
    return runs


def _summary(folder: Path) -> ScoreSummary:
    score = read_score(folder)
    conditions, metrics = score.header.conditions, score.metrics
    predictions = conditions.predictions
    return ScoreSummary(
        folder=folder,
        protocol=conditions.protocol,
        version=conditions.version,
        run_id=predictions.run_id,
        dataset=predictions.dataset,
        data_hash=predictions.data_hash,
        input_2d=predictions.input_2d,
        split=predictions.split,
        flip_test=predictions.flip_test,
        clips=score.header.clips,
        frames=score.header.frames,
        departures=conditions.departures,
        metrics={name: metrics[name] for name in METRICS if name in metrics},
    )


def _score_blocks(report: RunReport) -> list[str]:
    if not report.scores:
        return ["Scores\n  none; score its predictions with 'dvc repro' or 'harness score'"]
    blocks = []
    for score in report.scores:
        flip = "with" if score.flip_test else "without"
        notes = [
            f"{score.clips} clips, {score.frames} frames of split {score.split}, 2D "
            f"{score.input_2d}, {flip} flip at test",
            *score.departures,
        ]
        if score.run_id != report.record.run_id:
            notes.append(f"of the checkpoint of run {score.run_id}, not of this record")
        if score.data_hash != report.record.data_hash:
            notes.append(f"on other data than it was trained on ({score.data_hash})")
        rows = [(name, value, METRICS[name].unit) for name, value in score.metrics.items()]
        table = tabulate(rows, tablefmt="plain", floatfmt=".2f")
        body = "\n".join(f"  {line}" for line in [*notes, *table.splitlines()])
        blocks.append(f"Scores under {score.protocol}, version {score.version}\n{body}")
    return blocks


def _lines(values: Mapping[str, Any]) -> str:
    width = max(map(len, values))
    return "\n".join(
        f"  {escaped(key):<{width}}  {escaped(str(value))}".rstrip()
        for key, value in values.items()
    )
