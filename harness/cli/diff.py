"""`harness diff`: what a change did to the averages, against a git revision."""

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

    Averages are over the seeds that both sides have.
    """
    from harness.foundation.shown import escaped_lines
    from harness.reporting.revision_diff import METRICS, changes, changes_text

    found = changes(revision, profile=profile, metrics=metrics or METRICS)
    click.echo(escaped_lines(changes_text(revision, found)))
