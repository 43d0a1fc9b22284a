"""`harness diff`: what a change did to the averages, against a git revision."""

from pathlib import Path

import click


@click.command(epilog="\b\nExamples:\n  harness diff\n  harness diff main --profile quick")
@click.argument("revision", default="HEAD", metavar="[REV]")
@click.option("--profile", help="Only this profile; all that have runs unless named.")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    help="Instead of MPJPE and P-MPJPE; may be given several times.",
)
def diff(revision: str, profile: str | None, metrics: tuple[str, ...]) -> None:
    """Print which averages of scored runs differ from those committed at REV, HEAD unless named.

    Averages are over the seeds that both sides have. A change of code shows only in runs that were
    made again after it ('dvc repro').
    """
    from harness.foundation.shown import escaped_lines
    from harness.reporting.revision_diff import METRICS, changes, changes_text
    from harness.reporting.stored.run_folders import all_run_folders, is_committed

    found = changes(revision, profile=profile, metrics=metrics or METRICS)
    click.echo(escaped_lines(changes_text(revision, found)))
    kept = [
        name
        for name, folder in all_run_folders(Path("results")).items()
        if is_committed(folder) and profile in (None, name.partition("/")[0])
    ]
    if kept:
        click.echo(
            f"not made here: {len(kept)} runs ({', '.join(kept[:3])}{', ...' * (len(kept) > 3)}). "
            "Their committed results are compared, in which no change of code shows; 'dvc repro' "
            "makes them",
            err=True,
        )
