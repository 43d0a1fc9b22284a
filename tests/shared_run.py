"""A training run shared by two processes, for tests that kill it: folder of the set, of the run."""

import os
import sys
import time
from pathlib import Path

from tiny_lifter import METHOD, LinearLifter, tiny_plan
from torch import Tensor

from harness.lifting import registry
from harness.lifting.contract import Batch
from harness.training.plan import TrainingPlan
from harness.training.train_run import train_run


def shared_plan(prepared: Path, folder: Path) -> TrainingPlan:
    # Without dropout, whose masks depend on who draws them, and with digits to tell rounding from
    # a wrong statistic.
    return tiny_plan(
        prepared,
        folder,
        network={"dropout": 0.0},
        epochs=3,
        batch_size=4,
        gradient_clip_norm=1.0,
        precision="64-true",
    )


def main(prepared: str, folder: str) -> None:
    registry.METHODS[METHOD.name] = "tiny_lifter:METHOD"
    rank = os.environ.get("LOCAL_RANK", "0")
    Path(f"process{rank}.txt").write_text(str(os.getpid()))
    plain_loss = LinearLifter.loss

    def slow_loss(self: LinearLifter, batch: Batch) -> Tensor:
        time.sleep(0.01)
        return plain_loss(self, batch)

    LinearLifter.loss = slow_loss  # type: ignore[method-assign]
    if rank != "0":
        Path.replace = refuse  # type: ignore[assignment,method-assign]
    train_run(shared_plan(Path(prepared), Path(folder)), accelerator="cpu", devices=2)


def refuse(*paths: Path) -> None:
    raise AssertionError(f"a process that is not the first one writes {paths[-1]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
