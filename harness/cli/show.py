"""`harness show`: everything a run was made from."""

import click


@click.command(
    epilog="\b\nExamples:\n"
    "  harness show quick/dgnet-seed0\n"
    "  harness show dgnet-3f9a --format json"
)
@click.argument("run")
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
def show(run: str, style: str) -> None:
    """Show everything RUN was made from, and its scores.

    RUN is PROFILE/MODEL-seedN, the folder of a run, or the beginning of a run id.
    """
    from harness.reporting.stored.run_report import as_text, find_run, report_run
    from harness.runs.shown import escaped_lines

    report = report_run(find_run(run))
    click.echo(
        report.model_dump_json(indent=2) if style == "json" else escaped_lines(as_text(report))
    )
