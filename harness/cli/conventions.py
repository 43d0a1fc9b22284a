"""`harness conventions`: one set of predictions under every protocol that fits."""

from pathlib import Path

import click


@click.command(
    epilog="\b\nExamples:\n"
    "  harness conventions quick/dgnet-seed0\n"
    "  harness conventions theirs.npz --printed 45.3"
)
@click.argument("predictions")
@click.option("--printed", type=float, help="A printed number: mark the protocol nearest to it.")
@click.option("--metric", default="MPJPE", show_default=True, help="Metric of the table.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Prepared set that was predicted; by default data/prepared/PROFILE of the run.",
)
@click.option(
    "--profile", help="For a FILE: profile whose data it predicts and whose results it joins."
)
@click.option(
    "--declare",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    help="For a FILE: how it was made, such as model=theirs; also in FILE's .json.",
)
def conventions(
    predictions: str,
    printed: float | None,
    metric: str,
    data: Path | None,
    profile: str | None,
    changes: tuple[str, ...],
) -> None:
    """Score stored PREDICTIONS under every protocol that fits them, in one table.

    The poses are the same in every row, so differences from h36m17-actionwise come from the
    protocol alone. PREDICTIONS are named as for `harness score`. No score is written.
    """
    from harness.datasets.prepared import PreparedSet
    from harness.prediction.stored import read_predictions
    from harness.reporting.conventions import conventions as scored
    from harness.reporting.stored.named_predictions import find_predictions

    folder, where, _ = find_predictions(predictions, data, profile, changes)
    prepared = PreparedSet(where)  # first, for it may define the skeleton of the predictions
    read = read_predictions(folder)
    contract = read.contract
    click.echo(
        f"{contract.model}, seed {contract.seed}, on {prepared.manifest.title} "
        f"({contract.input_2d} 2D, split {contract.split})\n"
    )
    click.echo(scored(read, prepared, metric, printed).text())
