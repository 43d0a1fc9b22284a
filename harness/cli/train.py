"""`harness train`: train one model of a profile."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click


@click.command(
    epilog="\b\nExamples:\n"
    "  harness train dgnet --seed 1\n"
    "  harness train dgnet --set network.blocks=3 --folder results/quick/runs/dgnet_3-seed0"
)
@click.argument("model")
@click.option("--profile", help="Profile of params.yaml; its default profile unless named.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of first weights, order of windows and dropout.",
)
@click.option(
    "--resume/--fresh",
    default=True,
    show_default=True,
    help="Continue a killed run, or start over.",
)
@click.option(
    "--devices",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="GPUs (or CPU processes) of a machine that share each batch.",
)
@click.option(
    "--nodes",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Machines; see docs/scaling.md.",
)
@click.option(
    "--accelerator",
    default="auto",
    show_default=True,
    help="cpu, cuda, or auto for a GPU where there is one.",
)
@click.option("--precision", help="Short for --set training.precision=...: 32-true, bf16-mixed ...")
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a setting for this run: training.learning_rate=5e-4, network.blocks=3.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the run, instead of results/PROFILE/runs/MODEL-seedSEED.",
)
def train(
    model: str,
    profile: str | None,
    seed: int,
    resume: bool,
    devices: int,
    nodes: int,
    accelerator: str,
    precision: str | None,
    changes: tuple[str, ...],
    folder: Path | None,
) -> None:
    """Train MODEL with the settings of a profile in params.yaml.

    A run that is finished with the same settings, data and code is left as it is.
    """
    from harness.experiments.preflight import checked_profile
    from harness.foundation.settings import load_settings
    from harness.training.plan import profile_plan
    from harness.training.train_run import train_run

    if precision is not None:
        changes = (*changes, f'training.precision="{precision}"')
    settings = load_settings()
    chosen = checked_profile(settings, profile, models=())  # the plan looks up MODEL itself
    plan = profile_plan(
        profile or settings.profile,
        chosen,
        model,
        seed,
        changes=_parsed(changes),
        folder=folder,
    )
    record = train_run(
        plan, resume=resume, devices=devices, num_nodes=nodes, accelerator=accelerator
    )
    if record.status != "finished":
        return  # this is another process of a run whose first one reports
    results = record.results
    error = results.get("validation_MPJPE")
    shown = "" if error is None else f", validation MPJPE {error:.1f} mm"
    taken = record.parameters["input_2d"]
    if taken != plan.input_2d:
        click.echo(f"{model} predicts the joints that it takes: 2D source {taken} is taken")
    click.echo(f"{plan.folder}: epoch {results.get('epoch')}{shown} ({record.run_id})")


def _parsed(changes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the changes by section and key, each value as params.yaml would have it."""
    from harness.foundation.errors import HarnessError
    from harness.foundation.plain_yaml import parse_yaml
    from harness.foundation.shown import shown

    parsed: dict[str, dict[str, Any]] = {"network": {}, "training": {}}
    for change in changes:
        path, equals, text = change.partition("=")
        section, dot, key = path.partition(".")
        if not equals or not dot or section not in parsed:
            raise HarnessError(
                f"--set {change}: expected training.KEY=VALUE or network.KEY=VALUE; "
                "'harness models NAME' prints the keys"
            )
        parsed[section][key] = parse_yaml(text, f"--set {shown(change, 80)}")
    return parsed
