"""`harness remove`: take a run that was brought in from elsewhere out of the results."""

from pathlib import Path

import click


@click.command(epilog="\b\nExample:\n  harness remove quick/theirs-seed0")
@click.argument("run")
@click.option("--trained", is_flag=True, help="Also a run that was trained here.")
@click.option(
    "--results",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("results"),
    show_default=True,
    help="Folder of all results.",
)
def remove(run: str, trained: bool, results: Path) -> None:
    """Delete RUN: its record, predictions and scores.

    RUN is predictions of another program or an imported checkpoint, by its name, such as
    quick/theirs-seed0. What was trained here stays unless --trained is given. Tables that show it
    are made anew with `harness tables`; MLflow keeps what was sent.
    """
    import shutil

    from harness.foundation.errors import HarnessError
    from harness.foundation.provenance import read_record
    from harness.reporting.stored.run_folders import is_committed
    from harness.reporting.stored.run_report import find_run

    folder = find_run(run, results)
    if is_committed(folder):
        raise HarnessError(f"{run} is a committed run ({folder}); 'git rm -r' takes it out")
    if not trained and read_record(folder / "run.json").kind != "import":
        raise HarnessError(
            f"{run} was trained here, not brought in from elsewhere; --trained deletes it all the "
            "same"
        )
    shutil.rmtree(folder)
    click.echo(f"removed {folder}")
