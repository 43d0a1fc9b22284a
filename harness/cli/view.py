"""`harness view`: all clips of a run in 3D, through a server that this machine alone can reach."""

from pathlib import Path

import click


@click.command(
    epilog="\b\nExamples:\n"
    "  harness view quick/dgnet-seed0\n"
    "  harness view quick/dgnet-seed0 --with quick/martinez-seed0 --port 8000"
)
@click.argument("run")
@click.option("--with", "others", multiple=True, metavar="RUN", help="Also show this run.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Prepared set that was predicted; that of the run's profile unless named.",
)
@click.option("--protocol", help="Protocol scored under; the run's first unless named.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port; a free one if 0.")
@click.option("--open/--no-open", "opens", default=True, help="Whether to open a browser.")
def view(
    run: str,
    others: tuple[str, ...],
    data: Path | None,
    protocol: str | None,
    port: int,
    opens: bool,
) -> None:
    """Show every scored clip of RUN in a browser, worst first, until Ctrl-C ends it.

    RUN is PROFILE/MODEL-seedN, the folder of a run, or the beginning of a run id; its predictions
    must be stored and scored. Only programs on this machine can reach the page.
    """
    import webbrowser

    from harness.datasets.prepared import PreparedSet
    from harness.reporting.page.server import clip_server
    from harness.reporting.page.stored_clips import StoredClips, lifted_runs
    from harness.reporting.stored.run_folders import part_of
    from harness.reporting.stored.run_report import find_run

    folders = [find_run(name) for name in (run, *others)]
    for folder in folders:
        part_of(folder, "predictions")
    prepared = PreparedSet(data or Path("data/prepared") / folders[0].resolve().parents[1].name)
    stored = StoredClips(prepared, lifted_runs(folders, protocol))
    with clip_server(stored, port) as server:
        click.echo(f"{len(stored.clips)} clips at {server.address} (Ctrl-C ends it)")
        if opens:
            webbrowser.open(server.address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("ended")
