"""`harness check`: compare scores with committed references."""

import json
from pathlib import Path

import click


@click.command(
    epilog="\b\nExamples:\n  harness check\n  harness check --profile cmu\n  harness check --update"
)
@click.option("--profile", help="Profile of params.yaml; its default where not given.")
@click.option("--models", help="Only these models, separated by commas.")
@click.option("--seeds", help="These seeds, separated by commas, instead of those of params.yaml.")
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
@click.option("--update", is_flag=True, help="Write the references from the scores that are there.")
def check(
    profile: str | None,
    models: str | None,
    seeds: str | None,
    style: str,
    output: Path | None,
    update: bool,
) -> None:
    """Compare scores with committed references; exit 1 when one is worse than its tolerance.

    References lie in results/reference/PROFILE.json. With --update they are written from the scores
    of all seeds that are there, to be reviewed as a diff and committed.
    """
    from harness.reporting.regression.check import as_json, as_markdown, check_scores
    from harness.reporting.regression.reference_update import update_references
    from harness.reporting.regression.references import reference_path
    from harness.runs.errors import CheckFailed
    from harness.runs.files import atomic_file
    from harness.runs.settings import load_settings

    settings = load_settings()
    name = profile or settings.profile
    settings.profile_called(name)
    chosen = None if models is None else models.split(",")
    numbers = None if seeds is None else _numbers(seeds)
    results = Path("results")
    if update:
        update_references(name, results, chosen or settings.models, numbers)
        click.echo(f"wrote {reference_path(name, results)}; review it with 'git diff' and commit")
        return
    findings = check_scores(name, numbers or settings.seeds, chosen, results)
    if style == "json":
        text = json.dumps(as_json(name, findings), indent=2) + "\n"
    else:
        text = as_markdown(name, findings)
    click.echo(text, nl=False)
    if output is not None:
        with atomic_file(output) as stream:
            stream.write(text)
    failed = [finding for finding in findings if finding.failed]
    if failed:
        which = ", ".join(sorted({finding.model for finding in failed}))
        raise CheckFailed(f"{len(failed)} of {len(findings)} checks failed ({which})")


def _numbers(text: str) -> list[int]:
    from harness.runs.errors import HarnessError

    if not all(part.strip().isdigit() for part in text.split(",")):
        raise HarnessError(f"--seeds is '{text}', expected numbers such as 0,1,2")
    return [int(part) for part in text.split(",")]
