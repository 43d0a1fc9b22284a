"""`harness figure`: a run's view of a clip, with the affinities of DG-Net (figures 6 and 7)."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.datasets.prepared import Split

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(
    epilog="\b\nExamples:\n"
    "  harness figure quick/dgnet-seed0 --clip S9/Walking\n"
    "  harness figure quick/dgnet-seed0 --clip S9/Walking --frames 10,40,70 --animate 0-60:2"
)
@click.argument("run")
@click.option("--clip", required=True, help="SUBJECT/ACTION, or more of a clip's name.")
@click.option("--frames", help="Frames of the still, such as 10,40,70; three unless named.")
@click.option("--animate", metavar="FRAMES", help="Also a GIF of these frames, such as 0-60:2.")
@click.option(
    "--joint", help="Joint whose affinities are drawn on the skeleton; LWrist unless named."
)
@click.option(
    "--block",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="The block whose affinities are shown.",
)
@click.option("--data", type=_FOLDER, help="Prepared set; that of the run's profile unless named.")
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test"]),
    default="test",
    show_default=True,
    help="Where to look for the clip.",
)
@click.option("--input-2d", help="2D source to lift; the one trained on unless named.")
@click.option(
    "--allow-other-input",
    is_flag=True,
    help="Lift data or a 2D source that the run was not trained on.",
)
@click.option(
    "--out", type=_FOLDER, help="Folder to write; results/PROFILE/clips/RUN unless named."
)
def figure(
    run: str,
    clip: str,
    frames: str | None,
    animate: str | None,
    joint: str | None,
    block: int,
    data: Path | None,
    split: "Split",
    input_2d: str | None,
    allow_other_input: bool,
    out: Path | None,
) -> None:
    """Draw frames of a clip as RUN sees them: 2D input, prediction and, where known, the truth.

    For DG-Net also the affinities of joints, as matrices and on the skeleton. RUN is
    PROFILE/MODEL-seedN, the folder of a run, or the beginning of a run id.
    """
    from harness.datasets.prepared import PreparedSet
    from harness.reporting.paper.frame_inspection import (
        find_clip,
        frame_numbers,
        make_scene,
        spread_frames,
    )
    from harness.reporting.paper.scene_figure import CLIP_FOLDER, draw_animation, draw_still
    from harness.reporting.stored.run_folders import part_of
    from harness.reporting.stored.run_report import find_run

    folder = find_run(run)
    part_of(folder, "model.safetensors")  # said before a clip is looked for
    profile = folder.resolve().parents[1]
    prepared = PreparedSet(data or Path("data/prepared") / profile.name)
    chosen = find_clip(prepared, clip, split)
    out = out or folder.parents[1] / CLIP_FOLDER / folder.name
    stills = frame_numbers(frames) if frames else spread_frames(int(chosen["frames"].item()), 3)
    written = []
    for numbers, draw in (
        (stills, draw_still),
        (animate and frame_numbers(animate), draw_animation),
    ):
        if numbers:
            scene = make_scene(
                folder,
                prepared,
                chosen,
                numbers,
                input_2d=input_2d,
                block=block - 1,
                allow_other_input=allow_other_input,
            )
            written += draw(scene, out, joint)
    for path in written:
        click.echo(f"wrote {path}")
