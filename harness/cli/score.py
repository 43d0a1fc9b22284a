"""`harness score`: stored predictions under a protocol, ours or those of another program."""

from pathlib import Path

import click


@click.command(
    epilog="\b\nExamples:\n"
    "  harness score quick/dgnet-seed0 --protocol h36m16-semgcn\n"
    "  harness score theirs.npz --check-only\n"
    "  harness score theirs.npz --protocol h36m17-actionwise"
)
@click.argument("predictions")
@click.option(
    "--protocol",
    help="Protocol id, such as h36m17-actionwise; docs/protocols.md lists them.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Prepared set that was predicted; by default data/prepared/PROFILE of the run.",
)
@click.option(
    "--profile", help="For a FILE: profile whose data it predicts and whose results it joins."
)
@click.option("--dataset", help="Refuse predictions of another data set than this.")
@click.option(
    "--declare",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    help="For a FILE: how it was made, such as model=theirs; also in FILE's .json.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for the score; by default scores/PROTOCOL beside the predictions.",
)
@click.option(
    "--best-over",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="WINDOWS",
    help="With several hypotheses: P-Best chooses one for this number of windows together.",
)
@click.option(
    "--check-only",
    is_flag=True,
    help="For a FILE: print what it contains or what is wrong; store nothing.",
)
@click.option("--force", is_flag=True, help="Replace what was made under other conditions.")
def score(
    predictions: str,
    protocol: str | None,
    data: Path | None,
    profile: str | None,
    dataset: str | None,
    changes: tuple[str, ...],
    out: Path | None,
    best_over: int,
    check_only: bool,
    force: bool,
) -> None:
    """Score stored PREDICTIONS and print the averages.

    PREDICTIONS is a folder of predictions, a run (its folder or a name such as quick/dgnet-seed0),
    or a FILE that another program made: .npz, .npy or, for MPI-INF-3DHP, .mat. A FILE joins the
    profile's runs as MODEL-seedN and then stands in comparisons and tables; its layout and what
    must be declared of it: docs/foreign_predictions.md.
    """
    from harness.datasets.prepared import PreparedSet
    from harness.foundation.errors import HarnessError
    from harness.foundation.shown import escaped_lines
    from harness.prediction.stored import read_predictions
    from harness.reporting.stored.named_predictions import check_file, find_predictions
    from harness.reporting.stored.score_text import as_markdown
    from harness.scoring.all_protocols import open_score_tracker, track_columns, track_score
    from harness.scoring.protocols import protocol_called
    from harness.scoring.score import score_predictions

    if check_only:
        click.echo(escaped_lines(check_file(Path(predictions), data, profile, changes)))
        return
    if protocol is None:
        raise HarnessError(
            "name the protocol to score under with --protocol, such as h36m17-actionwise; "
            f"'harness conventions {predictions}' scores under all that fit"
        )
    chosen = protocol_called(protocol)
    folder, data, declared = find_predictions(predictions, data, profile, changes, force)
    prepared = PreparedSet(data)  # first, for it may define the skeleton of the predictions
    if dataset is not None and prepared.manifest.name != dataset:
        raise HarnessError(f"{data}: is data set {prepared.manifest.name}, not {dataset}")
    read = read_predictions(folder)
    name = f"{prepared.path.resolve().name}/{read.contract.model}-seed{read.contract.seed}"
    out = out or folder.parent / "scores" / protocol
    made = score_predictions(read, prepared, chosen, out, force=force, best_over=best_over)
    with open_score_tracker(name, read.contract, prepared.path, folder) as tracker:
        track_score(tracker, protocol, made.metrics, out)
        if protocol == _first_protocol(prepared.path.resolve().name):
            track_columns(tracker, made.metrics)
    click.echo(as_markdown(made))
    if declared is not None:
        for line in declared.sentences():
            click.echo(f"- {line}")
        click.echo(f"\ncompare it with 'harness compare MODEL {declared.model}'")


def _first_protocol(profile: str) -> str | None:
    """Return the protocol whose averages are the columns of a list of runs, None if not known."""
    from harness.foundation.settings import load_settings

    if not Path("params.yaml").is_file():
        return None
    chosen = load_settings().profiles.get(profile)
    return chosen.protocols[0] if chosen else None
