"""`harness leaderboard`: rows that say all that a public leaderboard needs to know."""

import json
from pathlib import Path

import click


@click.command(
    epilog="\b\nExamples:\n"
    "  harness leaderboard quick/dgnet-seed0 quick/semgcn-seed0\n"
    "  harness leaderboard cmu/dgnet-seed0 --out board"
)
@click.argument("runs", nargs=-1, required=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write OUT.json and OUT.md as well.",
)
def leaderboard(runs: tuple[str, ...], out: Path | None) -> None:
    """Print a row for every score of RUNS, by protocol and data set, best first.

    Each row tells the protocol with its hash, data set and 2D source, window, parameters,
    privileges and departures, the data's licence and the run.
    """
    from harness.foundation.files import atomic_file
    from harness.reporting.leaderboard import as_json, as_markdown, leaderboard_rows
    from harness.reporting.stored.run_report import find_run

    rows = leaderboard_rows([find_run(name) for name in runs])
    text = as_markdown(rows)
    click.echo(text)
    if out is not None:
        for suffix, content in (
            (".json", json.dumps(as_json(rows), indent=2, ensure_ascii=False) + "\n"),
            (".md", text + "\n"),
        ):
            path = out.with_name(out.name + suffix)
            with atomic_file(path) as stream:
                stream.write(content)
            click.echo(f"wrote {path}", err=True)
