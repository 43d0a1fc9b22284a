"""`harness compare`: models side by side, with differences, intervals and tests."""

from pathlib import Path
from typing import Literal

import click


@click.command(
    epilog="\b\nExamples:\n"
    "  harness compare dgnet semgcn\n"
    "  harness compare martinez fsg_ftg dgnet --metric P-MPJPE --by joint\n"
    "  harness compare dgnet semgcn --profile cmu --format csv\n"
    "  harness compare dgnet semgcn --profile cmu --tested-on quick    # after harness cross"
)
@click.argument("models", nargs=-1, required=True)
@click.option("--profile", help="Profile whose runs are compared; by default that of params.yaml.")
@click.option(
    "--tested-on",
    metavar="PROFILE",
    help="Profile whose test clips were lifted, by `harness cross`; by default the runs' own.",
)
@click.option("--protocol", help="Protocol id; by default the first of the profile tested on.")
@click.option("--dataset", help="Refuse runs of another data set than this.")
@click.option("--metric", default="MPJPE", show_default=True, help="Metric to compare.")
@click.option(
    "--by",
    type=click.Choice(["action", "subject", "joint"]),
    default="action",
    show_default=True,
    help="One row for each of these.",
)
@click.option(
    "--seeds",
    metavar="0,1,2|all",
    help="Runs with these seeds; by default those of params.yaml, as in tables.",
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["md", "csv", "json"]),
    default="md",
    show_default=True,
    help="How to print it.",
)
@click.option(
    "--results",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("results"),
    show_default=True,
    help="Folder of all results.",
)
def compare(
    models: tuple[str, ...],
    profile: str | None,
    tested_on: str | None,
    protocol: str | None,
    dataset: str | None,
    metric: str,
    by: Literal["action", "subject", "joint"],
    seeds: str | None,
    style: str,
    results: Path,
) -> None:
    """Compare MODELS with the first of them.

    Each is a model of the profile (its runs with the seeds chosen, averaged), a run such as
    quick/dgnet-seed0, or the folder of a run. Intervals resample takes, and seeds where models have
    several. With a single seed, no difference is marked with a star.
    """
    from harness.foundation.settings import load_settings, seeds_named
    from harness.foundation.shown import escaped_lines
    from harness.reporting.comparison import compare_models
    from harness.reporting.comparison_text import as_csv, as_json, as_markdown
    from harness.reporting.stored.run_folders import run_folders, seeds_in, told_committed
    from harness.reporting.stored.scored_runs import find_scored_model
    from harness.scoring.protocols import protocol_called
    from harness.scoring.stored_score import CROSS_FOLDER

    usual: list[int] = []
    if profile is None or protocol is None or seeds is None:
        settings = load_settings()
        profile = profile or settings.profile
        protocol = protocol or settings.profile_called(tested_on or profile).protocols[0]
        usual = settings.seeds
    protocol_called(protocol)
    chosen = seeds_named(seeds, usual, seeds_in(run_folders(results, profile)))
    within = f"{CROSS_FOLDER}/{tested_on}" if tested_on else ""
    found = [find_scored_model(name, profile, protocol, results, chosen, within) for name in models]
    if told := told_committed(run.folder for model in found for run in model.runs):
        click.echo(told, err=True)
    comparison = compare_models(found, metric, by, dataset)
    write = {"md": as_markdown, "csv": as_csv, "json": as_json}[style]
    click.echo(escaped_lines(write(comparison).rstrip("\n")))
