"""`harness models`: which methods there are, all that is known of one, their best scores."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from harness.lifting.catalogue import MethodEntry
    from harness.reporting.stored.best_scores import BestScore


@click.command(
    epilog="\b\nExamples:\n  harness models\n  harness models dgnet\n  harness models --format json"
)
@click.argument("name", required=False)
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
def models(name: str | None, style: str) -> None:
    """List the models, one on each line, or show model NAME in full.

    The full description has settings, recipe, differences from the original, published numbers and
    the best scores below results/: those of the configuration that is best on the mean over its
    seeds, with the run of each seed. Parameters are counted for training and for prediction, where
    some heads are not used.
    """
    from harness.foundation.errors import HarnessError
    from harness.lifting.catalogue import describe
    from harness.lifting.registry import method_names
    from harness.reporting.stored.best_scores import best_scores

    entries, broken = [], []
    for known in method_names() if name is None else [name]:
        try:
            entries.append(describe(known))
        except HarnessError as error:
            if name is not None:
                raise
            broken.append(str(error))  # one bad package must not hide the others
    listed = {entry.name for entry in entries}
    scores = [score for score in best_scores() if score.model in listed]
    if style == "json":
        cards = [_card(entry, scores) for entry in entries]
        click.echo(json.dumps(cards if name is None else cards[0], indent=2))
    elif name is not None:
        click.echo(_in_full(entries[0], scores))
    else:
        click.echo(_listing(entries))
    for problem in broken:
        click.echo(f"Error: {problem}", err=True)


def _card(entry: "MethodEntry", scores: Sequence["BestScore"]) -> dict[str, Any]:
    best = [asdict(score) for score in scores if score.model == entry.name]
    return {**asdict(entry), "reproduced": best}


def _listing(entries: Sequence["MethodEntry"]) -> str:
    from tabulate import tabulate

    rows = [
        (
            entry.name,
            entry.title,
            f"{entry.parameters:,}",
            f"{entry.parameters_predicting:,}",
            entry.frames,
            f"{entry.joints_2d} -> {entry.joints}",
            _venue(entry.reference),
        )
        for entry in entries
    ]
    headers = ("name", "title", "parameters", "in prediction", "frames", "joints", "reference")
    alignment = ("left", "left", "right", "right", "right")
    table = tabulate(rows, headers, colalign=alignment, disable_numparse=True)
    return f"{table}\n\nIn full, with settings, recipe and best scores: harness models NAME"


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"  - {line}" for line in lines)


def _best(scores: Sequence["BestScore"]) -> str:
    from tabulate import tabulate

    rows = [
        (
            score.model,
            f"{score.dataset} {score.data_hash[:10]}",
            score.input_2d,
            score.protocol,
            f"{score.value:.1f}",
            len(score.seeds),
            " ".join(score.run_ids),
        )
        for score in scores
    ]
    headers = ("best reproduced", "data set", "2D", "protocol", "MPJPE (mm)", "seeds", "runs")
    alignment = ("left", "left", "left", "left", "right")
    return tabulate(rows, headers, colalign=alignment, disable_numparse=True)


def _in_full(entry: "MethodEntry", scores: Sequence["BestScore"]) -> str:
    lines = [
        f"{entry.name}: {entry.title}",
        entry.reference,
        "",
        f"parameters   {entry.parameters:,} in training, "
        f"{entry.parameters_predicting:,} in prediction",
        f"window       {entry.frames} frame{'s' * (entry.frames > 1)}, predicts {entry.predicts}",
        f"joints       {entry.joints_2d} in 2D, {entry.joints} in 3D",
    ]
    if entry.uses_root_depth:
        lines.append("privileged   is given the true depth of the root")
    if entry.licence is not None:
        lines.append(f"licence      {entry.licence}")
    for heading, values in (
        ("network (its own parameters)", entry.network),
        ("training (its recipe, where no profile says otherwise)", entry.training),
        ("published", entry.published),
    ):
        if values:
            lines += [
                "",
                heading,
                *(f"  {key}: {json.dumps(item)}" for key, item in values.items()),
            ]
    if scores:
        lines += ["", _best(scores)]
    if entry.differences:
        lines += ["", "differs from the original", _bullets(entry.differences)]
    return "\n".join(lines)


def _venue(reference: str) -> str:
    """Return authors and venue of "AUTHORS, TITLE, VENUE"."""
    parts = reference.split(", ")
    return parts[0] if len(parts) < 3 else f"{parts[0]}, {parts[-1]}"
