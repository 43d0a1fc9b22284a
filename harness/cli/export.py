"""`harness export`: a trained model as a file for other programs, with its card."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.exchange.formats import Format


@click.command(
    epilog="\b\nExamples:\n"
    "  harness export dgnet --format onnx\n"
    "  harness export cmu/dgnet-seed0 --out dgnet.safetensors"
)
@click.argument("model")
@click.option(
    "--format",
    "style",
    type=click.Choice(["safetensors", "torchscript", "onnx"]),
    default="safetensors",
    show_default=True,
    help="safetensors for this harness, torchscript for PyTorch alone, onnx for other runtimes.",
)
@click.option("--profile", help="Profile whose model is meant; the default profile unless named.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write, instead of exports/PROFILE/RUN with the format's suffix.",
)
@click.option(
    "--windows",
    type=click.IntRange(min=1),
    help="Of onnx: take so many windows at a time and no other number, which is faster.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def export(
    model: str,
    style: "Format",
    profile: str | None,
    out: Path | None,
    windows: int | None,
    force: bool,
) -> None:
    """Export MODEL, and write its card beside it (FILE.md).

    MODEL is a model of the profile, a run such as quick/dgnet-seed0, its folder, or the beginning
    of a run id. What was written is loaded again and must predict what the run predicts.
    """
    from harness.exchange.formats import SUFFIXES, check_place
    from harness.foundation.files import atomic_file
    from harness.foundation.provenance import read_record
    from harness.reporting.stored.run_folders import part_of
    from harness.reporting.stored.run_report import find_model_run

    run = find_model_run(model, profile)
    trained_in = read_record(run / "run.json").run.partition("/")[0]
    path = out or Path("exports") / trained_in / f"{run.resolve().name}{SUFFIXES[style]}"
    # What can be refused is refused before the imports below, which take seconds.
    check_place(part_of(run, "model.safetensors"), style, path, force)
    from harness.exchange.export import export_run
    from harness.reporting.stored.model_card import model_card

    exported = export_run(run, style, path, force=force, windows=windows)
    card = path.with_name(path.name + ".md")
    with atomic_file(card) as stream:
        stream.write(model_card(exported, run, Path("data/prepared") / trained_in))
    click.echo(f"wrote {path} ({exported.contract.run_id}, {style}) and its card {card}")
    if exported.equal < exported.tried:
        click.echo(
            f"note: {exported.tried - exported.equal} of {exported.tried} windows tried differ by "
            "more than 0.01 mm, as where two neighbours are all but equally near"
        )
