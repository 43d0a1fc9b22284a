"""`harness grid`: run the cells of a grid that are missing, or see where they stand."""

import click


@click.group()
def grid() -> None:
    """Run grids of experiments, as params.yaml lists them under `grids`."""


@grid.command()
@click.argument("name")
@click.option("--workers", default=None, type=click.IntRange(1), help="Cells run at a time.")
@click.option("--cores", default=None, type=click.IntRange(1), help="Cores shared by the workers.")
def run(name: str, workers: int | None, cores: int | None) -> None:
    """Run every cell of grid NAME that is not finished, in parallel processes.

    By default every core runs one cell on one thread. A killed run is started again with the same
    command: finished cells stay, the others go on from their last training state.
    """
    import os

    from rich.console import Console

    from harness.experiments.executor import PlacedCell, place_cells, run_missing
    from harness.runs.errors import CheckFailed
    from harness.runs.files import only_writer
    from harness.runs.settings import load_settings

    cores = cores or len(os.sched_getaffinity(0))
    cells = place_cells(load_settings(), name)
    console = Console(stderr=True, highlight=False)
    finished = sum(cell.status == "finished" for cell in cells)
    console.print(f"{name}: {finished} of {len(cells)} cells are finished already")

    def on_change(placed: PlacedCell, what: str) -> None:
        done = sum(cell.status == "finished" for cell in cells)
        console.print(f"[{done}/{len(cells)}] {placed.cell.name} {what}")

    with only_writer(cells[0].folder.parent):
        failed = run_missing(cells, min(workers or cores, len(cells)), cores, on_change)
    if failed:
        logs = "\n".join(f"  {placed.cell.name}: {placed.folder / 'log.txt'}" for placed in failed)
        raise CheckFailed(f"{len(failed)} of {len(cells)} cells failed, see their logs:\n{logs}")
    click.echo(f"{name}: all {len(cells)} cells are finished, in {cells[0].folder.parent}")


@grid.command()
@click.argument("name", required=False)
def status(name: str | None) -> None:
    """Print where each cell of grid NAME stands, or, without NAME, the grids there are."""
    from tabulate import tabulate

    from harness.experiments.executor import place_cells
    from harness.experiments.grid import grid_called, resolve_cells
    from harness.runs.settings import load_settings

    settings = load_settings()
    if name is None:
        rows = [
            (known, grid_called(settings, known).profile, len(resolve_cells(settings, known)))
            for known in sorted(settings.grids)
        ]
        click.echo(tabulate(rows, headers=["grid", "profile", "cells"]))
        return
    cells = place_cells(settings, name)
    click.echo(tabulate([(cell.cell.name, cell.status) for cell in cells], ["cell", "status"]))


@grid.command()
@click.argument("name")
@click.option("--evaluation", help="Name of the evaluation; the grid's first otherwise.")
@click.option("--protocol", help="Id of the protocol; the profile's first otherwise.")
@click.option("--metric", default="MPJPE", show_default=True)
def report(name: str, evaluation: str | None, protocol: str | None, metric: str) -> None:
    """Print what the finished cells of grid NAME gave, and keep it as report.md beside them.

    Variations are compared with the first of them on the same takes.
    """
    from pathlib import Path

    from harness.experiments.executor import place_cells
    from harness.experiments.grid import grid_called
    from harness.reporting.grid_report import grid_markdown
    from harness.runs.files import atomic_file
    from harness.runs.settings import load_settings

    settings = load_settings()
    chosen = grid_called(settings, name)
    cells = place_cells(settings, name)
    folder = Path("results") / chosen.profile / "grids" / name
    text = grid_markdown(
        folder,
        {placed.cell.name: placed.status for placed in cells},
        evaluation or chosen.evaluations[0].name,
        protocol or cells[0].cell.protocols[0],
        metric,
    )
    with atomic_file(folder / "report.md") as stream:
        stream.write(text)
    click.echo(text)
