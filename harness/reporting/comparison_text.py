"""A comparison as Markdown for people, as CSV and JSON for programs; all tell the conditions."""

import csv
import io
import json
from typing import Any

from tabulate import tabulate

from harness.foundation.shown import cell
from harness.lifting.registry import method_names
from harness.reporting.comparison import Comparison, Row
from harness.reporting.stored.elsewhere import told_of_elsewhere
from harness.reporting.stored.learning_curve import FALLING
from harness.reporting.stored.scored_runs import ScoredModel
from harness.scoring.statistics import SIGNIFICANT, Difference
from harness.scoring.subject_intervals import told_of_subjects

MARK = "*"
SMALLEST = 0.0001


def as_markdown(comparison: Comparison) -> str:
    """Return the table and, below it, everything that its numbers depend on."""
    names = [model.name for model in comparison.models]
    head = [comparison.by, names[0]]
    limits = ["95 % interval", *["95 % over subjects"] * _has_subjects(comparison)]
    for name in names[1:]:
        head += [name, f"{name} - {names[0]}", *limits, "p", ""]
    body = [_cells(comparison, row) for row in (*comparison.rows, comparison.average)]
    body[-1] = [f"**{cell}**" if cell not in ("", MARK) else cell for cell in body[-1]]
    alignment = ["left", *["right"] * (len(head) - 1)]
    table = tabulate(body, head, tablefmt="pipe", disable_numparse=True, colalign=alignment)
    return "\n".join([table, "", *(f"- {line}" for line in conditions(comparison))])


def as_csv(comparison: Comparison) -> str:
    """Return a line a row and model, with full digits and the conditions in every line."""
    stream = io.StringIO()
    records = _records(comparison)
    writer = csv.DictWriter(stream, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: cell(value) for key, value in record.items()} for record in records)
    return stream.getvalue()


def as_json(comparison: Comparison) -> str:
    """Return the same lines as `as_csv`, and the conditions as sentences."""
    content = {"conditions": conditions(comparison), "rows": _records(comparison)}
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def conditions(comparison: Comparison) -> list[str]:
    """Return sentences that say what the numbers were made under and how to read them."""
    metric, protocol, average = comparison.metric, comparison.protocol, comparison.average
    header = comparison.models[0].runs[0].score.header
    predictions = header.conditions.predictions
    group = " and ".join(protocol.groups)
    over = f"mean of the means by {group}" if protocol.average == "groups" else "mean of all frames"
    return [
        f"{metric.name}: {metric.description} ({metric.unit}, {metric.better} is better), "
        f"{protocol.counts(metric).sum()} joints, {over}",
        f"protocol {protocol.id}, version {protocol.version}: {protocol.description}",
        f"data set {predictions.dataset} (data hash {predictions.data_hash[:12]}), split "
        f"{predictions.split}, 2D source {predictions.input_2d}; {header.frames} frames scored in "
        f"{header.clips} clips of {average.takes} takes",
        *(_told_of(comparison, index) for index in range(len(comparison.models))),
        *_still_falling(comparison),
        *_forced(comparison),
        *_how_to_read(comparison),
    ]


def _still_falling(comparison: Comparison) -> list[str]:
    """Say what "still falling" means where it is said of a model."""
    runs = [run for model in comparison.models for run in model.runs]
    return [FALLING] if any(run.convergence == "still falling" for run in runs) else []


def _forced(comparison: Comparison) -> list[str]:
    """Say at which joints a model has no error because the truth there is zero by definition."""
    told = []
    for row in comparison.rows:
        if row.forced:
            share = 1 / len(comparison.rows)
            parts = [
                _number(comparison, difference.value * share, "+") for difference in row.differences
            ]
            told.append(
                f"{row.label}: no skill. The truth at the root is zero by definition and "
                f"{' and '.join(row.forced)} put{'s' * (len(row.forced) == 1)} it there, forced or "
                f"learnt; of the average's difference this joint is {', '.join(parts)}"
            )
    return told


def _how_to_read(comparison: Comparison) -> list[str]:
    """Say what intervals, p-values and marks rest on."""
    several = [difference.seeds > 1 for difference in comparison.average.differences]
    told = []
    if any(several):
        told.append(
            "interval and p where both models have several seeds: seeds are resampled, then takes, "
            f"paired; {MARK} means p < {SIGNIFICANT}"
        )
    if not all(several):
        single = [model.name for model in comparison.models if len(model.runs) == 1]
        trained = next((name for name in single if name in method_names()), "NAME")
        told.append(
            f"no {MARK} where one of two models has a single seed ({', '.join(single)}): interval "
            "(paired bootstrap) and p (paired sign flips) speak of these runs on other takes, and "
            f"another seed may turn them; train more seeds, 'harness run {trained} --seeds 0,1,2'"
        )
    told.append(
        f"p of {len(comparison.rows)} {comparison.by}s is corrected together (Holm), the average's "
        "is not; no test: so few takes cannot give a corrected p below "
        f"{SIGNIFICANT}, whatever they show (n takes of one seed give 2 / 2^n or more)"
    )
    told.append(told_of_subjects(comparison.average.subjects))
    return told


def _told_of(comparison: Comparison, index: int) -> str:
    """Return what is told of one model: how it was trained and tested, and by which runs."""
    model = comparison.models[index]
    header = model.runs[0].score.header
    contracts = [run.score.header.conditions.predictions for run in model.runs]
    told = [
        f"window {contracts[0].frames}",
        f"flip at test {'on' if contracts[0].flip_test else 'off'}",
        *_recipe(model),
        *header.conditions.departures,
        f"seeds {', '.join(str(contract.seed) for contract in contracts)}",
    ]
    if model.left_out:
        stored = ", ".join(map(str, model.left_out))
        told.append(f"stored too but not among the seeds chosen: {stored} (--seeds all)")
    finals = [run.score.metrics[comparison.metric.name] for run in model.runs]
    if len(finals) > 1:
        told.append(f"average by seed {', '.join(_number(comparison, value) for value in finals)}")
    told.append(f"runs {', '.join(contract.run_id for contract in contracts)}")
    return f"{model.name}: {'; '.join(told)}"


def _recipe(model: ScoredModel) -> list[str]:
    """Return how the model was trained and which epoch was kept, where its record is there."""
    records = [run.record for run in model.runs if run.record is not None]
    if not records:
        return ["recipe not recorded"]
    if elsewhere := told_of_elsewhere(records[0]):
        return elsewhere
    training = records[0].parameters.get("training", {})
    keys = ("epochs", "steps_per_epoch", "batch_size", "learning_rate")
    values = [f"{key} {training[key]}" for key in keys if training.get(key) is not None]
    kept = ", ".join(run.epoch_kept for run in model.runs)
    learnt_from = model.runs[0].learnt_from
    told = [f"learnt from {learnt_from}"] if learnt_from else []
    return [f"recipe {', '.join(values)}", *told, f"epoch kept {kept}"]


def _cells(comparison: Comparison, row: Row) -> list[str]:
    cells = [row.label, _number(comparison, row.values[0])]
    for index, (value, difference) in enumerate(zip(row.values[1:], row.differences, strict=True)):
        cells += [
            _number(comparison, value),
            _number(comparison, difference.value, sign="+"),
            _interval(comparison, difference),
            *_over_subjects(comparison, row, index),
            _p_value(row, index),
            MARK if row.significant(index) else "",
        ]
    return cells


def _p_value(row: Row, index: int) -> str:
    p = row.p_values[index]
    if p is not None:
        return f"{p:.4f}" if p >= SMALLEST else f"< {SMALLEST}"
    if row.forced:
        return "no test: root at zero"
    return f"no test: {row.takes} take{'s' * (row.takes != 1)}"


def _interval(comparison: Comparison, difference: Difference) -> str:
    if difference.low is None or difference.high is None:
        return ""
    low, high = (_number(comparison, end, "+") for end in (difference.low, difference.high))
    return f"{low} to {high}"


def _has_subjects(comparison: Comparison) -> bool:
    """Whether there are people enough for a column of intervals over them."""
    return comparison.average.over_subjects is not None


def _over_subjects(comparison: Comparison, row: Row, index: int) -> list[str]:
    """Return the cell of that column, where the table has it."""
    if not _has_subjects(comparison):
        return []
    if row.over_subjects is None:
        return [""]
    limits = row.over_subjects[index]
    low, high = (_number(comparison, end, "+") for end in (limits.low, limits.high))
    return [f"{low} to {high}"]


def _number(comparison: Comparison, value: float, sign: str = "") -> str:
    return f"{value:{sign}.{comparison.protocol.decimals_of(comparison.metric)}f}"


def _records(comparison: Comparison) -> list[dict[str, Any]]:
    """Return one flat record a row and model; None where a value is undefined."""
    records = []
    for row in (*comparison.rows, comparison.average):
        for index, model in enumerate(comparison.models):
            difference = row.differences[index - 1] if index else None
            people = row.over_subjects[index - 1] if index and row.over_subjects else None
            contracts = [run.score.header.conditions.predictions for run in model.runs]
            records.append(
                {
                    comparison.by: row.label,
                    "model": model.name,
                    "metric": comparison.metric.name,
                    "unit": comparison.metric.unit,
                    "value": row.values[index],
                    "difference": difference and difference.value,
                    "low": difference and difference.low,
                    "high": difference and difference.high,
                    "p": row.p_values[index - 1] if index else None,
                    "subjects": row.subjects,
                    "subject_low": people and people.low,
                    "subject_high": people and people.high,
                    "frames": row.frames,
                    "takes": row.takes,
                    "protocol": comparison.protocol.id,
                    "version": comparison.protocol.version,
                    "dataset": contracts[0].dataset,
                    "data_hash": contracts[0].data_hash,
                    "input_2d": contracts[0].input_2d,
                    "flip_test": contracts[0].flip_test,
                    "seeds": " ".join(str(contract.seed) for contract in contracts),
                    "run_ids": " ".join(contract.run_id for contract in contracts),
                }
            )
    return records
