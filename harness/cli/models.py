"""`harness models`: which methods there are, and everything known of one."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.lifting.catalogue import MethodEntry


@click.command()
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
    """List the models with their default settings, or show model NAME in full.

    Parameters are counted in training and, where heads serve training alone, in prediction.
    """
    from tabulate import tabulate

    from harness.lifting.catalogue import describe
    from harness.lifting.registry import method_names

    if name is not None:
        entry = describe(name)
        click.echo(json.dumps(asdict(entry), indent=2) if style == "json" else _in_full(entry))
        return
    entries = [describe(known) for known in method_names()]
    if style == "json":
        click.echo(json.dumps([asdict(entry) for entry in entries], indent=2))
        return
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
    headers = ("name", "title", "training", "prediction", "frames", "joints", "reference")
    click.echo(tabulate(rows, headers, colalign=("left", "left", "right", "right", "right")))
    click.echo("\nIn full, with settings and published numbers: harness models NAME")


def _in_full(entry: "MethodEntry") -> str:
    lines = [
        f"{entry.name}: {entry.title}",
        entry.reference,
        "",
        f"parameters   {entry.parameters:,} in training, "
        f"{entry.parameters_predicting:,} in prediction",
        f"window       {entry.frames} frames, predicts {entry.predicts}",
        f"joints       {entry.joints_2d} in 2D, {entry.joints} in 3D",
    ]
    if entry.uses_root_depth:
        lines.append("privileged   is given the true depth of the root")
    if entry.licence is not None:
        lines.append(f"licence      {entry.licence}")
    for heading, values in (
        ("network (its own parameters)", entry.network),
        ("training (its published recipe)", entry.training),
        ("published", entry.published),
    ):
        if values:
            lines += [
                "",
                heading,
                *(f"  {key}: {json.dumps(item)}" for key, item in values.items()),
            ]
    if entry.differences:
        lines += ["", "differs from the original", *(f"  - {item}" for item in entry.differences)]
    return "\n".join(lines)


def _venue(reference: str) -> str:
    """Return authors and venue of "AUTHORS, TITLE, VENUE"."""
    parts = reference.split(", ")
    return parts[0] if len(parts) < 3 else f"{parts[0]}, {parts[-1]}"
