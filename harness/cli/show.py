"""`harness show`: everything a run was made from."""

from pathlib import Path

import click


@click.command(
    epilog="\b\nExamples:\n"
    "  harness show quick/dgnet-seed0\n"
    "  harness show dgnet-3f9a --format json\n"
    "  harness show quick/dgnet-seed0 --bundle dgnet.zip"
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
@click.option(
    "--bundle",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write record, contract, scores, protocols, table and hashes into this zip file.",
)
def show(run: str, style: str, bundle: Path | None) -> None:
    """Show everything RUN was made from, and its scores.

    RUN is PROFILE/MODEL-seedN, the folder of a run, or the beginning of a run id.
    """
    from harness.foundation.shown import escaped_lines
    from harness.reporting.stored.run_report import as_text, find_run, report_run

    folder = find_run(run)
    report = report_run(folder)
    click.echo(
        report.model_dump_json(indent=2) if style == "json" else escaped_lines(as_text(report))
    )
    if bundle is not None:
        from harness.reporting.stored.bundle import write_bundle

        files = write_bundle(folder, bundle)
        click.echo(f"wrote {bundle} ({len(files)} files)", err=True)
