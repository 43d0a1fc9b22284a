"""`harness run`: train, predict, score and compare a method in one command."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.reporting.stored.scored_runs import ScoredModel


@click.command(
    epilog="\b\nExamples:\n  harness run dgnet\n"
    "  harness run window_mlp --seeds 0,1,2 --against dgnet"
)
@click.argument("name")
@click.option("--profile", help="Profile of params.yaml; its default profile unless named.")
@click.option(
    "--seeds", metavar="0,1,2", help="Train once with each; those of params.yaml unless named."
)
@click.option(
    "--against",
    help="The model that it is compared with; unless named, the best of params.yaml's that is "
    "scored.",
)
def run(name: str, profile: str | None, seeds: str | None, against: str | None) -> None:
    """Train method NAME with each seed, predict, score and compare, by the profile's protocol.

    params.yaml is not changed. A method without an entry in the profile, such as one of a package
    of yours, is trained by its own recipe with the profile's budget: no more epochs and steps than
    half of the profile's models have. Finished steps are not done again.
    """
    from harness.experiments.preflight import checked_profile
    from harness.experiments.whole_run import prepared_for, run_whole
    from harness.foundation.settings import load_settings, seeds_named
    from harness.foundation.shown import escaped_lines
    from harness.reporting.comparison import compare_models
    from harness.reporting.comparison_text import as_markdown
    from harness.reporting.stored.run_folders import told_committed
    from harness.reporting.stored.score_text import as_markdown as score_markdown
    from harness.reporting.stored.scored_runs import find_scored_model
    from harness.training.plan import profile_plan

    settings = load_settings()
    chosen = checked_profile(settings, profile, models=())
    profile = profile or settings.profile
    numbers = seeds_named(seeds, settings.seeds)
    plans = [profile_plan(profile, chosen, name, seed) for seed in numbers]
    if name not in chosen.models:
        cut = ", ".join(f"{key} {value}" for key, value in plans[0].settings.training.items())
        click.echo(f"{name} has no entry in profile {profile}: its own recipe, with {cut}")
    prepared_for(profile, chosen, plans[0].prepared, click.echo)
    for plan in plans:
        run_whole(plan, chosen, click.echo)
    results, protocol = Path("results"), chosen.protocols[0]
    own = find_scored_model(name, profile, protocol, results, numbers)
    if against is None:
        rivals = [model for model in settings.models if model != name]
        rival = _best(rivals, own, profile, protocol, results, numbers)
    else:
        rival = find_scored_model(against, profile, protocol, results, numbers)
    click.echo("")
    if rival is None:
        click.echo(score_markdown(own.runs[0].score))
        click.echo(
            f"\nno other model of profile {profile} is scored; 'harness run dgnet' makes one"
        )
        return
    if told := told_committed(run.folder for run in rival.runs):
        click.echo(told, err=True)
    click.echo(escaped_lines(as_markdown(compare_models([rival, own]))))
    listed = "" if name in settings.models else f" --with {name}"
    told = ",".join(map(str, numbers))
    click.echo(f"\ntables for a paper: harness tables --profile {profile}{listed} --seeds {told}")


def _best(
    names: "list[str]",
    own: "ScoredModel",
    profile: str,
    protocol: str,
    results: Path,
    seeds: "list[int]",
) -> "ScoredModel | None":
    """Return the scored model with the lowest MPJPE that can be compared, None where none can."""
    from harness.foundation.errors import HarnessError
    from harness.reporting.stored.scored_runs import (
        find_scored_model,
        require_comparable,
        takes_of_models,
    )
    from harness.scoring.metrics import metric_called

    found = []
    for name in names:
        try:
            model = find_scored_model(name, profile, protocol, results, seeds)
            require_comparable([own, model])
            error = takes_of_models([model], metric_called("MPJPE")).values()[0]
        except HarnessError:
            continue  # not run, or under other conditions
        found.append((float(error), model.name, model))
    return min(found)[2] if found else None
