"""`harness cost`: parameters, multiply-accumulates, time and memory of lifters; table V."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.reporting.cost import Style


@click.command(
    epilog="\b\nExamples:\n"
    "  harness cost\n"
    "  harness cost dgnet mixste --published\n"
    "  harness cost --repetitions 0 --format csv\n"
    "  harness cost --table-v --profile paper"
)
@click.argument("models", nargs=-1)
@click.option("--profile", help="Profile of params.yaml; its default profile otherwise.")
@click.option("--published", is_flag=True, help="Networks of published size, not the profile's.")
@click.option("--batch", type=click.IntRange(min=1), help="Windows at once; default by lifter.")
@click.option(
    "--repetitions",
    type=click.IntRange(min=0),
    help="How often each is timed, alternately; 0 only counts.  [default: 5; --table-v: 15]",
)
@click.option(
    "--accelerator",
    type=click.Choice(["cpu", "cuda"]),
    default="cpu",
    show_default=True,
    help="Device to time on.",
)
@click.option("--threads", type=click.IntRange(min=1), help="Threads of torch on the CPU.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["md", "csv", "json"]),
    default="md",
    show_default=True,
    help="How to print it.",
)
@click.option(
    "--table-v",
    is_flag=True,
    help="Time the systems of the paper's table V instead, and write it below results/PROFILE.",
)
def cost(
    models: tuple[str, ...],
    profile: str | None,
    published: bool,
    batch: int | None,
    repetitions: int | None,
    accelerator: str,
    threads: int | None,
    style: "Style",
    table_v: bool,
) -> None:
    """Print what MODELS cost, timed side by side; all of the profile's unless named.

    No data set is needed: the input is random 2D of Human3.6M's 17 joints.
    """
    import torch

    from harness.foundation.errors import HarnessError

    if accelerator == "cuda" and not torch.cuda.is_available():
        raise HarnessError("torch sees no GPU on this machine; use --accelerator cpu")
    if threads is not None:
        torch.set_num_threads(threads)
    if not table_v:
        _print_costs(models, profile, published, batch, repetitions, accelerator, style)
        return
    if models or published or batch is not None or style != "md":
        raise HarnessError(
            "--table-v times the three systems of table V at the profile's sizes: leave out "
            "MODELS, --published, --batch and --format"
        )
    _write_table_v(profile, 15 if repetitions is None else repetitions, accelerator)


def _print_costs(
    models: tuple[str, ...],
    profile: str | None,
    published: bool,
    batch: int | None,
    repetitions: int | None,
    accelerator: str,
    style: "Style",
) -> None:
    from harness.foundation.settings import ModelSettings, load_settings
    from harness.lifting.registry import method_called
    from harness.reporting.cost import cost_text, lifter_costs

    settings = load_settings()
    known = settings.profile_called(profile or settings.profile).models
    chosen = {}
    for name in models or known:
        method_called(name)  # a typing mistake is told by the nearest name
        chosen[name] = ModelSettings() if published or name not in known else known[name]
    costs = lifter_costs(
        chosen,
        batch=batch,
        repetitions=5 if repetitions is None else repetitions,
        device=accelerator,
        said=lambda text: click.echo(text, err=True),
    )
    click.echo(cost_text(costs, style))


def _write_table_v(profile: str | None, repetitions: int, accelerator: str) -> None:
    from harness.foundation.errors import HarnessError
    from harness.foundation.files import write_json
    from harness.foundation.settings import load_settings
    from harness.reporting.paper.speed_measurement import measure_speed
    from harness.reporting.paper.speed_table import SPEED_FILE, SPEED_FOLDER, write_speed_table
    from harness.reporting.profile_tables import runs_of_profile

    if repetitions == 0:
        raise HarnessError("--table-v is made of times: --repetitions must be 1 or more")
    settings = load_settings()
    name = profile or settings.profile
    models = settings.profile_called(name).models
    report = measure_speed(models, repetitions=repetitions, device=accelerator)
    results = Path("results")
    path = results / name / SPEED_FOLDER / SPEED_FILE
    write_json(path, report.model_dump(mode="json"))
    for written in (path, *write_speed_table(runs_of_profile(settings, name, results))):
        click.echo(f"wrote {written}")
