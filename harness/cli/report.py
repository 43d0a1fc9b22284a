"""`harness report`: everything stored about a profile's runs as one page to look at."""

from pathlib import Path

import click

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(epilog="\b\nExamples:\n  harness report\n  harness report --profile cmu")
@click.option("--profile", help="Profile of params.yaml; its default profile otherwise.")
@click.option("--data", type=_FOLDER, help="Its prepared set; data/prepared/PROFILE unless named.")
@click.option(
    "--results",
    type=_FOLDER,
    default=Path("results"),
    show_default=True,
    help="The folder of all results.",
)
def report(profile: str | None, data: Path | None, results: Path) -> None:
    """Write results/PROFILE/report/index.html, a page that opens without network.

    It holds the leaderboard, differences, curves, what was reproduced of the paper, the record of
    every run and, where predictions are stored, a few clips in 3D. MLflow gets it, too.
    """
    from harness.foundation.settings import load_settings
    from harness.foundation.tracking import track_files
    from harness.reporting.page.report import write_report

    settings = load_settings()
    name = profile or settings.profile
    settings.profile_called(name)
    path = write_report(settings, name, results, data or Path("data/prepared") / name)
    track_files([path], results / name, experiment=name, run_name=f"{name} report")
    click.echo(f"wrote {path}")
