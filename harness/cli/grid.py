"""`harness grid`: run the cells of a grid that are missing, or see where they stand."""

import click


@click.group()
def grid() -> None:
    """Run grids of experiments, as params.yaml lists them under `grids`."""


_PROFILE = click.option("--profile", help="Profile, of a grid that several can run.")


@grid.command()
@click.argument("name")
@_PROFILE
@click.option("--workers", default=None, type=click.IntRange(1), help="Cells run at a time.")
@click.option("--cores", default=None, type=click.IntRange(1), help="Cores shared by the workers.")
def run(name: str, profile: str | None, workers: int | None, cores: int | None) -> None:
    """Run every cell of grid NAME that is not finished, in parallel processes.

    By default every core runs one cell on one thread. A killed run is started again with the same
    command: finished cells stay, the others go on from their last training state.
    """
    from rich.console import Console

    from harness.experiments.run import run_grid
    from harness.runs.settings import load_settings

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    cells = run_grid(
        load_settings(), name, profile, workers=workers, cores=cores, tell=console.print
    )
    click.echo(f"{name}: all {len(cells)} cells are finished, in {cells[0].folder.parent}")


@grid.command()
@click.argument("name", required=False)
@_PROFILE
def status(name: str | None, profile: str | None) -> None:
    """Print where each cell of grid NAME stands, or, without NAME, the grids there are."""
    from tabulate import tabulate

    from harness.experiments.executor import place_cells
    from harness.experiments.grid import grid_called, resolve_cells
    from harness.runs.settings import load_settings

    settings = load_settings()
    if name is None:
        rows = [
            (known, budget, len(resolve_cells(settings, known, budget)))
            for known in sorted(settings.grids)
            for budget in grid_called(settings, known).budgets
            if profile in (None, budget)
        ]
        click.echo(tabulate(rows, headers=["grid", "profile", "cells"]))
        return
    cells = place_cells(settings, name, profile)
    click.echo(tabulate([(cell.cell.name, cell.status) for cell in cells], ["cell", "status"]))


@grid.command()
@click.argument("name")
@_PROFILE
@click.option("--evaluation", help="Name of the evaluation; the grid's first otherwise.")
@click.option("--protocol", help="Id of the protocol; the profile's first otherwise.")
@click.option("--metric", default="MPJPE", show_default=True)
def report(
    name: str, profile: str | None, evaluation: str | None, protocol: str | None, metric: str
) -> None:
    """Print what the finished cells of grid NAME gave, and keep it as report.md beside them.

    Variations are compared with the first of them on the same takes.
    """
    from harness.experiments.executor import place_cells
    from harness.reporting.grid_report import grid_markdown
    from harness.runs.files import atomic_file
    from harness.runs.settings import load_settings

    cells = place_cells(load_settings(), name, profile)
    folder = cells[0].folder.parent
    text = grid_markdown(
        folder,
        {placed.cell.name: placed.status for placed in cells},
        evaluation or cells[0].cell.evaluations[0].name,
        protocol or cells[0].cell.protocols[0],
        metric,
    )
    with atomic_file(folder / "report.md") as stream:
        stream.write(text)
    click.echo(text)
