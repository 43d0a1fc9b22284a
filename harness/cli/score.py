"""`harness score`: stored predictions under a protocol."""

from pathlib import Path

import click


@click.command()
@click.argument("predictions")
@click.option("--protocol", required=True, help="Protocol id, such as h36m17-actionwise.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Prepared set that was predicted; by default data/prepared/PROFILE of the run.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for the score; by default scores/PROTOCOL beside the predictions.",
)
@click.option("--force", is_flag=True, help="Replace a score made under other conditions.")
def score(
    predictions: str, protocol: str, data: Path | None, out: Path | None, force: bool
) -> None:
    """Score stored PREDICTIONS and print the averages.

    PREDICTIONS is a folder of predictions, or a run: its folder or a name such as
    quick/dgnet-seed0.
    """
    from harness.datasets.prepared import PreparedSet
    from harness.lifting.predictions import read_predictions
    from harness.reporting.run_report import find_run
    from harness.reporting.score_text import as_markdown
    from harness.runs.errors import HarnessError
    from harness.scoring.protocols import protocol_called
    from harness.scoring.score import score_predictions

    chosen = protocol_called(protocol)
    folder = Path(predictions)
    if not (folder / "contract.json").is_file():
        run = folder if (folder / "predictions").is_dir() else find_run(predictions)
        folder = run / "predictions"
        data = data or Path("data/prepared") / run.resolve().parent.parent.name
    if data is None:
        raise HarnessError(f"{folder}: name the prepared set it was predicted on with --data")
    prepared = PreparedSet(data)  # first, for it may define the skeleton of the predictions
    made = score_predictions(
        read_predictions(folder),
        prepared,
        chosen,
        out or folder.parent / "scores" / protocol,
        force=force,
    )
    click.echo(as_markdown(made))
