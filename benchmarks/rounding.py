"""How much of a rounding error is left at the end of training: accuracy, not speed.

A profile in float64 gives the same table everywhere only if training does not magnify the last
digit. Each model is trained twice, the second time with weights that begin `NUDGE` larger; what
that does to the last training loss, relative to the nudge, is how much training magnifies.
"""

import argparse
import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor

from benchmarks.command import parser_of, run
from benchmarks.record import Line, at_most
from harness.body.skeleton import H36M_17
from harness.datasets.importers import prepare_set
from harness.foundation.settings import Profile, load_settings
from harness.lifting.build import build_lifter
from harness.lifting.contract import Batch, Lifter
from harness.training.plan import TrainingPlan, profile_plan
from harness.training.train_run import train_run

NUDGE = 1e-12
MOST = 1e9
"""float64 rounds to 1e-16, so that a loss differs by 1e-7 of its value at most."""


@contextlib.contextmanager
def nudged(kind: type[Lifter], by: float) -> Iterator[list[float]]:
    """Yield the list of the losses of lifters of a kind, whose weights begin larger by a factor."""
    losses: list[float] = []
    plain = kind.loss

    def loss(self: Lifter, batch: Batch) -> Tensor:
        if not losses:
            with torch.no_grad():
                for weight in self.parameters():
                    weight.mul_(1 + by)
        found = plain(self, batch)
        losses.append(found.item())
        return found

    with patch.object(kind, "loss", loss):
        yield losses


def magnified(profile: Profile, model: str, prepared: Path, epochs: int | None) -> float:
    """Return the relative change of the mean of the last ten losses, over that of the weights."""
    last = []
    for by in (0.0, NUDGE):
        with tempfile.TemporaryDirectory() as folder:
            changes = {"training": {} if epochs is None else {"epochs": epochs}}
            plan = profile_plan(
                "quick", profile, model, 0, changes=changes, folder=Path(folder) / "run"
            )
            plan = replace(plan, prepared=prepared)
            with nudged(kind_of(plan), by) as losses:
                train_run(plan, accelerator="cpu")
        last.append(sum(losses[-10:]))
    return abs(last[1] - last[0]) / last[0] / NUDGE


def kind_of(plan: TrainingPlan) -> type[Lifter]:
    """Return the class of the lifter that a plan trains."""
    return type(build_lifter(plan.method(), plan.settings.network, H36M_17, H36M_17, 0))


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return by how much the training of each model of `quick` magnifies a change of weights."""
    profile = load_settings().profile_called("quick")
    models = arguments.models or (["martinez"] if arguments.smoke else list(profile.models))
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "set"
        prepare_set(profile.dataset.name, None, prepared, dict(profile.dataset.options))
        return [
            at_most(
                f"{model} of quick, relative change of the last losses by one of its first weights",
                magnified(profile, model, prepared, 1 if arguments.smoke else None),
                "x",
                MOST,
            )
            for model in models
        ]


def parser() -> argparse.ArgumentParser:
    """Return the options, with the models to train."""
    options = parser_of(__doc__)
    options.add_argument("models", nargs="*", metavar="MODEL", help="only these models")
    return options


if __name__ == "__main__":
    run("rounding", measure, parser())
