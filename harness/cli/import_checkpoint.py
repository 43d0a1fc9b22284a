"""`harness import-checkpoint`: bring in weights that a public repository released."""

from pathlib import Path
from typing import Any

import click


@click.command(
    name="import-checkpoint",
    epilog="\b\nExamples:\n"
    "  harness import-checkpoint pretrained_h36m_cpn.bin --model videopose3d --profile paper\n"
    "  harness import-checkpoint ckpt_best.pth.tar --model semgcn --profile paper",
)
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
@click.option("--model", required=True, help="Model the weights are of, such as videopose3d.")
@click.option("--profile", help="Profile it joins; the default profile unless named.")
@click.option("--input-2d", help="2D source of its training, if not the release's usual one.")
@click.option("--layout", help="Joints of the 2D, such as coco_17, if not the usual ones.")
@click.option(
    "--frames", type=int, help="Window's length, if weights do not show it (poseformerv2, stgcn)."
)
@click.option(
    "--neighbours", type=int, help="k of the temporal graph: 2 in all releases (motionagformer)."
)
@click.option(
    "--scale", type=float, help="Scale of poses in the diffusion: 1.0 in all releases (d3dp)."
)
@click.option("--hypotheses", type=int, help="Poses to predict for each frame; 5 (d3dp).")
@click.option("--steps", type=int, help="Steps of the sampler; 5 (d3dp).")
@click.option("--causal", is_flag=True, help="The weights are of a causal network (videopose3d).")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the run, instead of results/PROFILE/runs/MODEL-imported.",
)
def import_checkpoint(
    files: tuple[Path, ...],
    model: str,
    profile: str | None,
    input_2d: str | None,
    layout: str | None,
    frames: int | None,
    neighbours: int | None,
    scale: float | None,
    hypotheses: int | None,
    steps: int | None,
    causal: bool,
    folder: Path | None,
) -> None:
    """Import the weights in FILE as a run that predicts and is scored like any other.

    Nothing in FILE is run. Models: d3dp, martinez, mixste, motionagformer, motionbert,
    poseformerv2, semgcn, stgcn, videopose3d, wsgcn. Refinement of stgcn is a second FILE. If the
    shapes of the weights are not enough, an error asks for the option.
    """
    from harness.exchange.checkpoint_import.into_run import import_checkpoint as imported
    from harness.foundation.settings import load_settings

    given = {
        "frames": frames,
        "neighbours": neighbours,
        "scale": scale,
        "hypotheses": hypotheses,
        "steps": steps,
        "causal": causal or None,
    }
    told: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if folder is None:
        settings = load_settings()
        settings.profile_called(profile)
        name = profile or settings.profile
        folder = Path("results") / name / "runs" / f"{model}-imported"
    record = imported(files, model, folder, told=told, input_2d=input_2d, layout=layout)
    click.echo(
        f"wrote {folder} ({record.run_id}): trained on {record.dataset}, 2D source "
        f"{record.parameters['input_2d']}; predict with 'harness predict {folder}'"
    )
