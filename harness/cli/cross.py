"""`harness cross`: test each profile's lifters on each other's data."""

from pathlib import Path

import click

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(
    epilog="\b\nExamples:\n"
    "  harness cross quick tiny cmu\n"
    "  harness tables                # writes the matrix"
)
@click.argument("profiles", nargs=-1)
@click.option(
    "--model", "models", multiple=True, help="Only this model; by default those of params.yaml."
)
@click.option("--seeds", metavar="0,1,2", help="Only these seeds; by default those of params.yaml.")
@click.option(
    "--results", type=_FOLDER, default=Path("results"), show_default=True, help="All results."
)
@click.option(
    "--prepared",
    type=_FOLDER,
    default=Path("data/prepared"),
    show_default=True,
    help="All prepared sets.",
)
def cross(
    profiles: tuple[str, ...],
    models: tuple[str, ...],
    seeds: str | None,
    results: Path,
    prepared: Path,
) -> None:
    """Test the trained lifters of PROFILES on each other's test clips, and on their own.

    Without names: all profiles of params.yaml that have data or runs here. A profile needs a
    prepared set to be tested on, and trained weights on this machine for its lifters to be tested.
    Scores are kept in the folders of the runs, predictions are not. What is already tested is
    skipped. `harness tables` writes the matrix.
    """
    from harness.experiments.cross_data import cross_all
    from harness.foundation.settings import load_settings, seeds_named

    settings = load_settings()
    here = [
        name
        for name in settings.profiles
        if (prepared / name).is_dir() or (results / name / "runs").is_dir()
    ]
    names = profiles or here or settings.profiles
    failed = cross_all(
        {name: settings.profile_called(name) for name in dict.fromkeys(names)},
        models or settings.models,
        seeds_named(seeds, settings.seeds),
        results=results,
        prepared=prepared,
        tell=click.echo,
    )
    for name, why in failed.items():
        click.echo(f"not tested: {name}: {why}")
