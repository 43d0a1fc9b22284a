"""`harness grid`: run the cells of a grid that are missing, or see where they stand."""

import click


@click.group()
def grid() -> None:
    """Run grids of experiments, as params.yaml lists them under `grids`."""


_PROFILE = click.option("--profile", help="Profile, for a grid that several profiles can run.")


@grid.command(
    short_help="Run the cells of a grid that are not finished.",
    epilog="\b\nExamples:\n"
    "  harness grid run noise --profile cmu\n"
    "  harness grid run choices --workers 1",
)
@click.argument("name")
@_PROFILE
@click.option(
    "--workers",
    default=None,
    type=click.IntRange(1),
    help="Cells run at a time; one on each core unless given.",
)
@click.option("--cores", default=None, type=click.IntRange(1), help="Cores of this machine to use.")
@click.option(
    "--executor",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Processes of this machine, or a Ray cluster.",
)
@click.option(
    "--address",
    help="Address of Ray's head, HOST:PORT or auto; without it, a cluster of this machine.",
)
@click.option(
    "--cell-cores",
    type=click.FloatRange(0, min_open=True),
    default=1,
    show_default=True,
    help="Cores that a cell occupies on Ray.",
)
@click.option(
    "--cell-gpus",
    type=click.FloatRange(0),
    default=0,
    show_default=True,
    help="GPUs that a cell occupies on Ray; 0.25 for four cells on one.",
)
def run(
    name: str,
    profile: str | None,
    workers: int | None,
    cores: int | None,
    executor: str,
    address: str | None,
    cell_cores: float,
    cell_gpus: float,
) -> None:
    """Run every cell of grid NAME that is not finished, in parallel processes.

    By default every core runs one cell on one thread. Continue a killed run with the same
    command: finished cells stay, the others continue from their last training state.
    """
    from rich.console import Console

    from harness.experiments.executor import local_executor
    from harness.experiments.ray_executor import Share, ray_executor
    from harness.experiments.run_grid import run_grid
    from harness.foundation.errors import HarnessError
    from harness.foundation.settings import load_settings

    if address is not None and executor != "ray":
        raise HarnessError("--address is of a Ray cluster; add --executor ray")
    settings = load_settings()
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    share = Share(cell_cores, cell_gpus)
    with (
        ray_executor(share, address=address, workers=workers, cores=cores)
        if executor == "ray"
        else local_executor(workers, cores)
    ) as where:
        cells = run_grid(settings, name, profile, executor=where, tell=console.print)
    click.echo(f"{name}: all {len(cells)} cells are finished, in {cells[0].folder.parent}")


@grid.command(
    short_help="List the grids, or the state of each cell of one.",
    epilog="\b\nExamples:\n  harness grid status\n  harness grid status noise --profile cmu",
)
@click.argument("name", required=False)
@_PROFILE
def status(name: str | None, profile: str | None) -> None:
    """Print the state of each cell of grid NAME or, without NAME, list the grids."""
    from tabulate import tabulate

    from harness.experiments.executor import place_cells
    from harness.experiments.grid import grid_called, resolve_cells
    from harness.foundation.settings import load_settings

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


@grid.command(
    short_help="Print the results of the finished cells of a grid.",
    epilog="\b\nExample:\n  harness grid report choices",
)
@click.argument("name")
@_PROFILE
@click.option("--evaluation", help="Name of the evaluation; the grid's first otherwise.")
@click.option("--protocol", help="Id of the protocol; the profile's first otherwise.")
@click.option("--metric", default="MPJPE", show_default=True, help="Metric to report.")
def report(
    name: str, profile: str | None, evaluation: str | None, protocol: str | None, metric: str
) -> None:
    """Print the results of the finished cells of grid NAME, and write them to report.md.

    Variations are compared with the first of them on the same takes.
    """
    from harness.experiments.executor import place_cells
    from harness.foundation.files import atomic_file
    from harness.foundation.settings import load_settings
    from harness.reporting.grids.report import grid_markdown

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
