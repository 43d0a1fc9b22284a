"""The `harness` command: finds a sub-command's module only when it is asked for."""

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click

from harness.foundation.errors import HarnessError
from harness.foundation.suggest import unknown_name

_COMMANDS = {
    "check": ("harness.cli.check:check", "Compare scores with committed references."),
    "compare": ("harness.cli.compare:compare", "Compare models, action by action."),
    "conventions": (
        "harness.cli.conventions:conventions",
        "Score predictions under every protocol that fits.",
    ),
    "cost": ("harness.cli.cost:cost", "Count and time lifters side by side."),
    "cross": ("harness.cli.cross:cross", "Test lifters on other profiles' data."),
    "data": ("harness.cli.data:data", "List, fetch, prepare and inspect data sets."),
    "diff": ("harness.cli.diff:diff", "Show how a change changed the averages."),
    "export": ("harness.cli.export:export", "Export a trained model, with its card."),
    "figure": ("harness.cli.figure:figure", "Draw a clip: 2D, prediction, affinities."),
    "grid": ("harness.cli.grid:grid", "Run a grid of experiments, or show its state."),
    "import-checkpoint": (
        "harness.cli.import_checkpoint:import_checkpoint",
        "Import weights that a public repository released.",
    ),
    "leaderboard": (
        "harness.cli.leaderboard:leaderboard",
        "Write rows for a public leaderboard.",
    ),
    "lift": ("harness.cli.lift:lift", "Lift keypoints or a video to 3D motion."),
    "models": ("harness.cli.models:models", "List the models, or one in full."),
    "new-method": (
        "harness.cli.new_method:new_method",
        "Write a package with a lifter of your own.",
    ),
    "predict": ("harness.cli.predict:predict", "Store a trained model's predictions."),
    "remove": ("harness.cli.remove:remove", "Delete an imported run or predictions."),
    "report": ("harness.cli.report:report", "Write all results to one HTML page."),
    "run": ("harness.cli.run:run", "Train, predict, score and compare a method."),
    "score": ("harness.cli.score:score", "Score stored predictions under a protocol."),
    "show": ("harness.cli.show:show", "Show everything a run was made from."),
    "sync": ("harness.cli.sync:sync", "Send tracking events kept while the server was down."),
    "tables": ("harness.cli.tables:tables", "Write the paper's tables from stored scores."),
    "train": ("harness.cli.train:train", "Train a model."),
    "view": ("harness.cli.view:view", "Show all clips of a run in 3D, in a browser."),
}


class _LateGroup(click.Group):
    """A group whose commands are imported when used, so that --help stays instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[name][0].split(":")
        return getattr(importlib.import_module(module), attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][1]) for name in self.list_commands(ctx)])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in _COMMANDS and not args[0].startswith("-"):
            raise unknown_name("command", args[0], _COMMANDS)
        return super().resolve_command(ctx, args)


@click.group(cls=_LateGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pose-lifting-harness")
def harness() -> None:
    """Train, score and compare lifters of 2D human poses to 3D in video.

    Settings come from params.yaml; results go to results/PROFILE/.
    """


def main(arguments: Sequence[str] | None = None) -> Any:
    """Run the command line; a user's mistake ends in one plain line and a non-zero exit code."""
    try:
        return harness.main(args=list(arguments) if arguments is not None else None)
    except HarnessError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(0)
