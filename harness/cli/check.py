"""`harness check`: compare data, training, predictions, scores and results with references."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.reporting.regression.stages import Stage

_STAGES = "data,steps,predictions,scores,results"


@click.command(
    epilog="\b\nExamples:\n  harness check\n  harness check --profile cmu3 --stage results\n"
    "  harness check --update --models dgnet"
)
@click.option("--profile", help="Profile of params.yaml; its default profile unless named.")
@click.option("--models", help="Only these models, separated by commas.")
@click.option("--seeds", help="These seeds, separated by commas, instead of those of params.yaml.")
@click.option(
    "--stage",
    "stage_names",
    help=f"Only these stages, separated by commas: {_STAGES}. By default all that have data.",
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["md", "json"]),
    default="md",
    show_default=True,
    help="How to print the comparison.",
)
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="Also write it to this file."
)
@click.option("--update", is_flag=True, help="Write the references, and say what changes.")
def check(
    profile: str | None,
    models: str | None,
    seeds: str | None,
    stage_names: str | None,
    style: str,
    output: Path | None,
    update: bool,
) -> None:
    """Compare data, first steps of training, predictions, scores and results with references.

    Stages are compared in order, and the first that differs is named; the exit code is then 1.
    References are in results/reference. --update writes them: review the diff and commit it.
    """
    from harness.foundation.errors import CheckFailed
    from harness.foundation.files import atomic_file
    from harness.foundation.settings import load_settings, seeds_named
    from harness.reporting.regression.report import outcome, report_json, report_markdown
    from harness.reporting.regression.stages import checked, run_check

    settings = load_settings()
    numbers = None if seeds is None else seeds_named(seeds, ())
    name = profile or settings.profile
    stages = None if stage_names is None else _stages(stage_names)
    what = checked(settings, name, None if models is None else models.split(","), numbers)
    if update:
        from harness.reporting.regression.golden_update import update_check

        lines = 0
        for line in update_check(what, settings, stages, seeds=numbers):
            click.echo(line)
            lines += 1
        click.echo(
            f"wrote {what.folder}; review it with 'git diff' and commit"
            if lines
            else "nothing changed"
        )
        return
    report = run_check(what, stages)
    if style == "json":
        text = json.dumps(report_json(report), indent=2) + "\n"
    else:
        text = report_markdown(report)
    click.echo(text, nl=False)
    for warning in report.warnings:
        click.echo(f"Warning: {warning}", err=True)
    if output is not None:
        with atomic_file(output) as stream:
            stream.write(text)
    if report.verdicts:
        first = report.verdicts[0]
        several = len(report.verdicts) > 1
        where = f"first of {first.model}, " if several and first.model else ""
        raise CheckFailed(f"{outcome(report)}: {where}{first.remark}")


def _stages(text: str) -> "list[Stage]":
    from harness.foundation.suggest import unknown_name
    from harness.reporting.regression.stages import STAGES

    names = [part.strip() for part in text.split(",")]
    for name in names:
        if name not in STAGES:
            raise unknown_name("stage", name, STAGES)
    return [stage for stage in STAGES if stage in names]
