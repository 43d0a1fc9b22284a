"""The regression check: a profile's scores against its committed references."""

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from tabulate import tabulate

from harness.foundation.errors import HarnessError
from harness.foundation.provenance import read_record
from harness.foundation.suggest import unknown_name
from harness.reporting.regression.references import (
    Reference,
    ReferenceValue,
    StoredScore,
    read_references,
    reference_path,
    run_folder,
    stored_scores,
)
from harness.reporting.stored.run_folders import run_folders

Verdict = Literal["as before", "better", "worse", "changed", "not comparable", "new"]
_FAILURES: tuple[Verdict, ...] = ("worse", "changed", "not comparable")


class Finding(BaseModel):
    """One number of the check.

    Attributes:
        model: the method.
        protocol: id of the protocol.
        metric: the metric, or None where no number could be compared.
        reference: what it should be: the mean over the reference's seeds that are there now.
        now: what it is: the mean over the same seeds.
        difference: now minus reference.
        tolerance: how much worse is taken for chance.
        verdict: the answer; "worse", "changed" (better, where runs repeat exactly) and "not
            comparable" fail the check.
        remark: the reason, or what to do.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    protocol: str
    metric: str | None = None
    reference: float | None = None
    now: float | None = None
    difference: float | None = None
    tolerance: float | None = None
    verdict: Verdict
    remark: str = ""

    @property
    def failed(self) -> bool:
        """Whether the check fails because of it."""
        return self.verdict in _FAILURES

    @property
    def told(self) -> str:
        """What it says, in words."""
        if self.metric is None:
            return f"{self.protocol}: {self.remark}"
        return (
            f"{self.metric} under {self.protocol} is {_shown(self.now)}, the reference's "
            f"{_shown(self.reference)} (tolerance {_shown(self.tolerance)}): {self.verdict}"
        )


def check_scores(
    profile: str,
    seeds: Sequence[int],
    models: Iterable[str] | None = None,
    results: Path = Path("results"),
) -> list[Finding]:
    """Compare the scores of a profile with its references, number by number.

    Args:
        profile: whose scores.
        seeds: the seeds whose scores must be there.
        models: only these, instead of all that have references.
        results: the results folder.

    Raises:
        HarnessError: the profile has no references, or a model has neither reference nor score.
    """
    references = read_references(reference_path(profile, results), profile).models
    findings: list[Finding] = []
    for model in references if models is None else models:
        runs = {seed: run_folder(results, profile, model, seed) for seed in seeds}
        if model in references:
            for protocol, reference in references[model].items():
                findings += _compare(model, protocol, reference, runs)
        elif any(run.exists() for run in runs.values()):
            remark = "no reference yet; make one with 'harness check --update'"
            findings.append(Finding(model=model, protocol="", verdict="new", remark=remark))
        else:
            raise unknown_name("model with references", model, references)
    return findings


def other_runs(
    profile: str,
    models: Iterable[str] | None = None,
    results: Path = Path("results"),
) -> list[str]:
    """Say of which runs the ids are not those that references were made from, a line a run.

    All seeds that are stored are looked at, whichever are checked: runs and references are
    committed together. Of a model that was not run here that is said of its committed runs.

    Args:
        profile: whose runs.
        models: only these, instead of all that have references.
        results: the results folder.
    """
    references = read_references(reference_path(profile, results), profile).models
    lines = []
    for model in references if models is None else models:
        known = {
            seed: run_id
            for reference in references.get(model, {}).values()
            for seed, run_id in reference.obtained.runs.items()
        }
        for seed, run in sorted(_runs_by_seed(results, profile, model).items()):
            run_id = read_record(run / "run.json").run_id
            if known and seed not in known:
                lines.append(f"{model} seed {seed}: no reference was made from the run {run_id}")
            elif known and run_id != known[seed]:
                lines.append(
                    f"{model} seed {seed}: the run is {run_id}, its reference was made from "
                    f"{known[seed]}; 'harness check --update' makes it from the run"
                )
    return lines


def _runs_by_seed(results: Path, profile: str, model: str) -> dict[int, Path]:
    """Return the folders of a model's runs that have a record, by seed."""
    found = run_folders(results, profile).values()
    numbers = {run: run.name.removeprefix(f"{model}-seed") for run in found}
    return {
        int(number): run
        for run, number in numbers.items()
        if number.isdigit() and (run / "run.json").is_file()
    }


def as_markdown(findings: Sequence[Finding]) -> str:
    """Return the findings as a Markdown table."""
    rows = [
        (
            item.model,
            item.protocol,
            item.metric or "",
            _shown(item.reference),
            _shown(item.now),
            _shown(item.difference, "+.2f"),
            _shown(item.tolerance),
            f"**{item.verdict}**" if item.failed else item.verdict,
            item.remark,
        )
        for item in findings
    ]
    heads = ("model", "protocol", "metric", "reference", "now", "difference", "tolerance")
    alignment = ("left",) * 3 + ("right",) * 4 + ("left",) * 2
    return tabulate(
        rows,
        headers=(*heads, "verdict", "remark"),
        tablefmt="github",
        disable_numparse=True,
        colalign=alignment,
    )


def _compare(
    model: str, protocol: str, reference: Reference, runs: dict[int, Path]
) -> list[Finding]:
    def refusal(remark: str) -> list[Finding]:
        verdict: Verdict = "not comparable"
        return [Finding(model=model, protocol=protocol, verdict=verdict, remark=remark)]

    scores: dict[int, StoredScore] = {}
    for seed, run in runs.items():
        try:
            found = stored_scores(run)
        except HarnessError as error:
            return refusal(str(error))
        if protocol not in found:
            return refusal(f"no score of seed {seed}; run 'dvc repro' first")
        difference = _unlike(reference.conditions, found[protocol].conditions)
        if difference:
            return refusal(f"{difference}; if that is meant, run 'harness check --update'")
        scores[seed] = found[protocol]
    for value in reference.metrics.values():
        if value.exact and not scores.keys() & value.by_seed.keys():
            known = ", ".join(map(str, value.by_seed))
            return refusal(f"exact references are of seeds {known}, not of {list(scores)}")
    return [
        _judge(model, protocol, metric, value, scores)
        for metric, value in reference.metrics.items()
    ]


def _judge(
    model: str, protocol: str, metric: str, value: ReferenceValue, scores: dict[int, StoredScore]
) -> Finding:
    # The same seeds on both sides, where they are there: less chance in the difference.
    seeds = scores.keys() & value.by_seed.keys()
    expected = statistics.fmean(value.by_seed[seed] for seed in seeds) if seeds else value.value
    now = statistics.fmean(scores[seed].metrics[metric] for seed in seeds or scores)
    difference = round(now - expected, 2)
    worsening = difference if value.better == "lower" else -difference
    verdict: Verdict = "as before"
    remark = ""
    if worsening > value.tolerance:
        verdict = "worse"
    elif worsening < -value.tolerance:
        verdict = "changed" if value.exact else "better"
        remark = "better; update the reference with 'harness check --update'"
    return Finding(
        model=model,
        protocol=protocol,
        metric=metric,
        reference=round(expected, 2),
        now=round(now, 2),
        difference=difference,
        tolerance=value.tolerance,
        verdict=verdict,
        remark=remark,
    )


def _unlike(expected: dict[str, Any], found: dict[str, Any]) -> str:
    """Return which conditions differ and how, or nothing."""
    keys = sorted(expected.keys() | found.keys())
    return ", ".join(
        f"{key} is {_brief(found.get(key))}, the reference's {_brief(expected.get(key))}"
        for key in keys
        if expected.get(key) != found.get(key)
    )


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) < 40 else text[:12]


def _shown(value: float | None, style: str = ".2f") -> str:
    return "" if value is None else format(value, style)
