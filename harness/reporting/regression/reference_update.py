"""Writing references from the scores that are there; the spread over seeds gives tolerances."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scipy.stats import t as student_t

from harness.foundation.errors import HarnessError
from harness.foundation.files import write_json
from harness.foundation.provenance import RunRecord, read_record
from harness.reporting.regression.references import (
    Obtained,
    Reference,
    References,
    ReferenceValue,
    StoredScore,
    read_references,
    reference_path,
    run_folder,
    stored_scores,
)
from harness.scoring.metrics import METRICS

# Another processor rounds otherwise, and training makes more of it: less than this says nothing.
LEAST_TOLERANCE_MM = 0.5
EXACT_TOLERANCE_MM = 0.1
"""Of runs in float64, which end alike on every machine: nothing but rounding to answer for."""
_CONFIDENCE = 0.995
_ENOUGH_SEEDS = 4
_DECIMALS = 2
_REPRO = "run 'dvc repro' first"


def update_references(
    profile: str, results: Path, models: Iterable[str], seeds: Sequence[int] | None = None
) -> References:
    """Write the references of `models` from the scores that are there, and return all.

    The tolerance is what the difference of two equally good runs exceeds once in 200 times: on
    another processor the same seed is one more draw, so its difference from the reference has a
    variance of twice that over seeds. Two or three seeds of one model estimate a variance badly;
    it is pooled over all models of the file, and Student's t pays for what is still uncertain. A
    model of at least four seeds that trains more steadily than the others is held to its own;
    fewer may agree by luck. The tolerance is `LEAST_TOLERANCE_MM` at least.

    Runs in float64 repeat on every machine. Theirs is `EXACT_TOLERANCE_MM`, and one seed is enough.

    Args:
        profile: whose results.
        results: the results folder.
        models: models to write; references of others stay as they are.
        seeds: only these, instead of all that are there.

    Raises:
        HarnessError: a model has no scores, too few seeds for a first tolerance, or seeds that
            were not made alike.
    """
    path = reference_path(profile, results)
    earlier = read_references(path, profile).models if path.exists() else {}
    scored = {model: _scored_seeds(results, profile, model, seeds) for model in models}
    spreads = _pooled_spreads(scored, earlier)
    updated = dict(earlier)
    for model, by_seed in scored.items():
        updated[model] = {
            protocol: _reference(
                f"{model} under {protocol}",
                {seed: scores[protocol] for seed, scores in by_seed.items()},
                spreads,
            )
            for protocol in next(iter(by_seed.values()))
        }
    references = References(profile=profile, models=updated)
    write_json(path, references.model_dump(mode="json"))
    return references


def _scored_seeds(
    results: Path, profile: str, model: str, seeds: Sequence[int] | None
) -> dict[int, dict[str, StoredScore]]:
    """Return scores by seed and protocol, all seeds scored under the same protocols."""
    if seeds is None:
        names = (path.name for path in (results / profile / "runs").glob(f"{model}-seed*"))
        numbers = (name.removeprefix(f"{model}-seed") for name in names)
        seeds = sorted(int(number) for number in numbers if number.isdigit())
    by_seed = {seed: stored_scores(run_folder(results, profile, model, seed)) for seed in seeds}
    if not by_seed or not all(by_seed.values()):
        missing = [seed for seed, scores in by_seed.items() if not scores]
        which = f"seed {', '.join(map(str, missing))}" if missing else "any seed"
        raise HarnessError(f"{model} has no score of {which} below {results / profile}; {_REPRO}")
    protocols = {tuple(scores) for scores in by_seed.values()}
    if len(protocols) > 1:
        raise HarnessError(f"{model}: its seeds are scored under different protocols; {_REPRO}")
    return by_seed


@dataclass(frozen=True)
class _Spread:
    """Sums over models, or of one, from which the variance over seeds follows."""

    squares: float = 0.0
    freedom: int = 0
    models: int = 0

    def with_model(self, values: Sequence[float]) -> "_Spread":
        squares = statistics.variance(values) * (len(values) - 1)
        return _Spread(self.squares + squares, self.freedom + len(values) - 1, self.models + 1)

    @property
    def tolerance(self) -> float:
        deviation = math.sqrt(2 * self.squares / self.freedom)
        return float(student_t.ppf(_CONFIDENCE, self.freedom)) * deviation

    def __str__(self) -> str:
        models = "1 model" if self.models == 1 else f"{self.models} models"
        return (
            f"{_CONFIDENCE:.1%} of differences between equally good runs, from the spread over "
            f"seeds of {models} ({self.freedom} degrees of freedom)"
        )


_Spreads = Mapping[tuple[str, str], _Spread]
"""By protocol and metric."""


def _pooled_spreads(
    scored: Mapping[str, Mapping[int, Mapping[str, StoredScore]]],
    earlier: Mapping[str, Mapping[str, Reference]],
) -> _Spreads:
    """Return the spread over seeds of all models: as scored now, or else as it was earlier."""
    values: dict[tuple[str, str, str], list[float]] = {
        (model, protocol, metric): list(value.by_seed.values())
        for model, references in earlier.items()
        for protocol, reference in references.items()
        for metric, value in reference.metrics.items()
    }
    for model, by_seed in scored.items():
        for protocol, first in next(iter(by_seed.values())).items():
            for metric in first.metrics:
                now = [scores[protocol].metrics[metric] for scores in by_seed.values()]
                if len(now) >= 2:
                    values[model, protocol, metric] = now
    spreads: dict[tuple[str, str], _Spread] = {}
    for (_, protocol, metric), of_model in values.items():
        if len(of_model) >= 2:
            spread = spreads.get((protocol, metric), _Spread())
            spreads[protocol, metric] = spread.with_model(of_model)
    return spreads


def _reference(
    name: str,
    scores: Mapping[int, StoredScore],
    spreads: _Spreads,
) -> Reference:
    records = {seed: read_record(score.run / "run.json") for seed, score in scores.items()}
    _refuse_unlike(name, scores, records)
    first = next(iter(scores.values()))
    exact = all(
        record.parameters["training"].get("precision") == "64-true" for record in records.values()
    )
    last = max(records.values(), key=lambda record: record.finished or "")
    return Reference(
        conditions=first.conditions,
        metrics={
            metric: _value(
                f"{metric} of {name}",
                metric,
                {seed: round(score.metrics[metric], _DECIMALS) for seed, score in scores.items()},
                spreads.get((first.protocol, metric)),
                exact=exact,
            )
            for metric in first.metrics
        },
        obtained=Obtained(
            runs={seed: record.run_id for seed, record in records.items()},
            command=next(iter(records.values())).command,
            commit=last.commit,
            date=last.finished,
            versions=last.versions,
            processor=last.hardware.cpu,
        ),
    )


def _value(
    name: str, metric: str, by_seed: dict[int, float], spread: _Spread | None, *, exact: bool
) -> ReferenceValue:
    known = METRICS[metric]
    if exact:
        return ReferenceValue(
            value=round(statistics.fmean(by_seed.values()), _DECIMALS),
            tolerance=EXACT_TOLERANCE_MM,
            tolerance_from="trained in float64, so the same seed gives the same everywhere",
            better=known.better,
            unit=known.unit,
            exact=True,
            by_seed=by_seed,
        )
    if spread is None:
        raise HarnessError(
            f"{name}: one seed gives no tolerance; set 'seeds: [0, 1, 2]' in params.yaml, run "
            "'dvc repro' and then 'harness check --update' again"
        )
    if len(by_seed) >= _ENOUGH_SEEDS:
        own = _Spread().with_model(list(by_seed.values()))
        spread = min(spread, own, key=lambda one: one.tolerance)
    return ReferenceValue(
        value=round(statistics.fmean(by_seed.values()), _DECIMALS),
        tolerance=round(max(LEAST_TOLERANCE_MM, spread.tolerance), _DECIMALS),
        tolerance_from=f"{spread}, at least {LEAST_TOLERANCE_MM} {known.unit}",
        better=known.better,
        unit=known.unit,
        by_seed=by_seed,
    )


def _refuse_unlike(
    name: str, scores: Mapping[int, StoredScore], records: Mapping[int, RunRecord]
) -> None:
    """Raise unless only the seed tells the runs apart: a spread over versions is no tolerance."""
    made = {
        seed: {
            "code": records[seed].code_hash,
            "parameters": records[seed].parameters,
            "conditions": score.conditions,
        }
        for seed, score in scores.items()
    }
    (first, expected), *others = made.items()
    for seed, values in others:
        unlike = [what for what in expected if values[what] != expected[what]]
        if unlike:
            raise HarnessError(
                f"{name}: seeds {first} and {seed} differ in {', '.join(unlike)}; train them all "
                "with today's code, or name those that belong together with --seeds"
            )
