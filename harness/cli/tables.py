"""`harness tables`: write the paper's tables, or name those that are there."""

from pathlib import Path

import click


@click.command(
    epilog="\b\nExamples:\n  harness tables\n  harness tables --profile cmu --into README.md"
)
@click.option("--profile", help="Profile of params.yaml; its default profile otherwise.")
@click.option("--list", "list_only", is_flag=True, help="Only name the tables that are there.")
@click.option(
    "--results",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("results"),
    show_default=True,
    help="The folder of all results.",
)
@click.option(
    "--into",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also bring the tables inside this page, such as README.md, up to date.",
)
@click.option(
    "--with",
    "also",
    multiple=True,
    metavar="NAME",
    help="Also show this model, which params.yaml does not list: of another program, or your own.",
)
@click.option(
    "--seeds",
    metavar="0,1,2|all",
    help="Runs with these seeds; by default those of params.yaml, as in comparisons.",
)
def tables(
    profile: str | None,
    list_only: bool,
    results: Path,
    page: Path | None,
    also: tuple[str, ...],
    seeds: str | None,
) -> None:
    """Write the tables and figures of a profile, published rows beside what was measured here.

    They are made from the scores that are stored, those of experiments from the grids that were
    run, table V from the times of `harness cost --table-v`; a model without a score is listed as
    missing, a cell that was not run is empty. Models are those of params.yaml and those named by
    --with. MLflow gets them too.
    """
    from harness.foundation.errors import HarnessError
    from harness.foundation.settings import load_settings, seeds_named
    from harness.foundation.suggest import unknown_name
    from harness.reporting.stored.run_folders import (
        models_in,
        run_folders,
        seeds_in,
        told_committed,
    )

    if page is not None and not page.is_file():
        raise HarnessError(f"{page}: no such page")
    settings = load_settings()
    name = profile or settings.profile
    settings.profile_called(name)
    runs_folder, folders = results / name / "runs", run_folders(results, name)
    for other in also:
        if other not in models_in(folders):
            raise unknown_name(f"model with runs in {runs_folder}", other, models_in(folders))
    settings = settings.model_copy(
        update={
            "models": list(dict.fromkeys([*settings.models, *also])),
            "seeds": seeds_named(seeds, settings.seeds, seeds_in(folders)),
        }
    )
    if list_only:
        places = (
            "tables/*.*",
            "figures/*.*",
            "speed/table_05_*.*",
            "experiments/*/*.*",
            "reproduction.md",
            "report/index.html",
        )
        written = [path for place in places for path in sorted((results / name).glob(place))]
        if not written:
            raise HarnessError(f"{results / name}: has no tables yet; run 'dvc repro'")
    else:
        from harness.foundation.tracking import track_files
        from harness.reporting.cross_matrix import write_cross_matrix
        from harness.reporting.grids.experiments import experiments_run, write_experiment
        from harness.reporting.paper.speed_table import SPEED_FILE, SPEED_FOLDER, write_speed_table
        from harness.reporting.paper_audit import write_reproduction
        from harness.reporting.profile_figures import write_figures
        from harness.reporting.profile_tables import runs_of_profile, write_tables

        runs = runs_of_profile(settings, name, results)
        shown = (run.folder for model in runs.scored[0] for run in model.runs)
        if told := told_committed(shown):
            click.echo(told, err=True)
        written = write_tables(settings, name, results)
        written += write_figures(settings, name, results)
        if (results / name / SPEED_FOLDER / SPEED_FILE).is_file():
            written += write_speed_table(runs)
        for grid in experiments_run(settings, name, results):
            written += write_experiment(settings, grid, name, results)
        written.append(write_reproduction(settings, name, results))
        track_files(written, results / name, experiment=name, run_name=f"{name} tables")
        written += write_cross_matrix(settings, results)
    click.echo(f"Tables, figures and pages of profile {name}:")
    for path in written:
        click.echo(f"  {path}")
    if page is not None:
        from harness.reporting.embed import embed_tables

        click.echo(f"{page}: {'brought up to date' if embed_tables(page) else 'is up to date'}")
