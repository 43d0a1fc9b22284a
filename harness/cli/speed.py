"""`harness speed`: how long DG-Net and VideoPose3D take for a frame (table V)."""

from pathlib import Path

import click


@click.command(epilog="\b\nExample:\n  harness speed --profile paper")
@click.option("--profile", help="Profile of params.yaml; its default profile otherwise.")
@click.option(
    "--repetitions",
    type=click.IntRange(min=1),
    default=15,
    show_default=True,
    help="How often each system is timed, by turns.",
)
@click.option(
    "--accelerator",
    type=click.Choice(["cpu", "cuda"]),
    default="cpu",
    show_default=True,
    help="Where.",
)
@click.option("--threads", type=click.IntRange(min=1), help="Threads of torch on the CPU.")
def speed(profile: str | None, repetitions: int, accelerator: str, threads: int | None) -> None:
    """Time a profile's networks side by side, on random 2D, and write table V.

    No data set is needed. The networks of the profile `paper` have the published size.
    """
    import torch

    from harness.reporting.paper.speed_measurement import measure_speed
    from harness.reporting.paper.speed_table import SPEED_FILE, SPEED_FOLDER, write_speed_table
    from harness.reporting.profile_tables import runs_of_profile
    from harness.runs.errors import HarnessError
    from harness.runs.files import write_json
    from harness.runs.settings import load_settings

    settings = load_settings()
    name = profile or settings.profile
    models = settings.profile_called(name).models
    if accelerator == "cuda" and not torch.cuda.is_available():
        raise HarnessError("torch sees no GPU on this machine; use --accelerator cpu")
    if threads is not None:
        torch.set_num_threads(threads)
    report = measure_speed(models, repetitions=repetitions, device=accelerator)
    results = Path("results")
    path = results / name / SPEED_FOLDER / SPEED_FILE
    write_json(path, report.model_dump(mode="json"))
    for written in (path, *write_speed_table(runs_of_profile(settings, name, results))):
        click.echo(f"wrote {written}")
