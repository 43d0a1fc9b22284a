"""A training run as a process of its own, for tests that kill it."""

import time
from pathlib import Path

from tiny_lifter import METHOD, LinearLifter, tiny_plan
from torch import Tensor

from harness.lifting import registry
from harness.lifting.contract import Batch
from harness.training.plan import TrainingPlan
from harness.training.train_run import train_run


def resumable_plan(prepared: Path, folder: Path) -> TrainingPlan:
    return tiny_plan(prepared, folder, epochs=4, batch_size=4, gradient_clip_norm=1.0)


def main(prepared: Path, folder: Path) -> None:
    registry.METHODS[METHOD.name] = "tiny_lifter:METHOD"
    plain_loss = LinearLifter.loss

    def slow_loss(self: LinearLifter, batch: Batch) -> Tensor:
        time.sleep(0.02)
        return plain_loss(self, batch)

    LinearLifter.loss = slow_loss  # type: ignore[method-assign]
    # A state after every step, so that most kills fall into an epoch.
    train_run(resumable_plan(prepared, folder), accelerator="cpu", state_seconds=0.0)
