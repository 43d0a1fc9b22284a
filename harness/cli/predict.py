"""`harness predict`: store the predictions of a trained run."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.datasets.prepared import Split

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(
    epilog="\b\nExamples:\n"
    "  harness predict quick/dgnet-seed0\n"
    "  harness predict quick/dgnet-seed0 --noise 5 --out noisy"
)
@click.argument("run")
@click.option("--data", type=_FOLDER, help="Prepared set; that of the run's profile unless named.")
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test"]),
    default="test",
    show_default=True,
    help="Which clips.",
)
@click.option(
    "--flip/--no-flip",
    default=None,
    help="Average with the mirrored input; as the run's profile says unless named.",
)
@click.option("--input-2d", help="2D source to lift; the one trained on unless named.")
@click.option(
    "--allow-other-input",
    is_flag=True,
    help="Lift data or a 2D source that the run was not trained on; predictions record it.",
)
@click.option(
    "--noise",
    type=click.FloatRange(min=0),
    help="Standard deviation in pixels of normal noise added to the 2D input.",
)
@click.option(
    "--draw",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Which draw of the noise.",
)
@click.option("--out", type=_FOLDER, help="Folder to write; RUN's predictions/ unless named.")
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    help="Windows lifted at a time; default by model. Changes only speed and memory.",
)
@click.option(
    "--accelerator",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="auto takes a GPU where there is one.",
)
def predict(
    run: str,
    data: Path | None,
    split: "Split",
    flip: bool | None,
    input_2d: str | None,
    allow_other_input: bool,
    noise: float | None,
    draw: int,
    out: Path | None,
    batch_size: int | None,
    accelerator: str,
) -> None:
    """Store predictions of RUN, one for every frame of a split.

    RUN is PROFILE/MODEL-seedN, the folder of a run, or the beginning of a run id.
    """
    from harness.foundation.provenance import read_record
    from harness.foundation.settings import load_settings
    from harness.prediction.predict_run import predict_run
    from harness.reporting.stored.run_folders import part_of
    from harness.reporting.stored.run_report import find_run

    folder = find_run(run)
    part_of(folder, "model.safetensors")
    profile = read_record(folder / "run.json").run.partition("/")[0]
    if flip is None:
        flip = load_settings().profile_called(profile).flip_test
    written = predict_run(
        folder,
        data or Path("data/prepared") / profile,
        flip_test=flip,
        split=split,
        input_2d=input_2d,
        corruption=None if noise is None else {"kind": "gaussian", "sigma_px": noise, "draw": draw},
        allow_other_input=allow_other_input,
        out=out,
        batch_size=batch_size,
        accelerator=accelerator,
        say=lambda line: click.echo(f"note: {line}", err=True),
    )
    click.echo(f"wrote {written}")
