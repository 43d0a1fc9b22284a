"""Compiling the loss of a lifter with torch.compile, where that is wanted and pays.

Compiled code rounds differently, so it is never used unasked: recipes say `compile: auto` or `on`.
"""

import os
import shutil
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from harness.lifting.contract import Batch, Lifter
from harness.runs.errors import HarnessError


def compiles(
    wanted: Literal["off", "auto", "on"], lifter: Lifter, steps: int, processes: int
) -> bool:
    """Return whether the loss is to be compiled; nothing that is measured now plays a part.

    "auto" says yes where a run takes at least the steps after which compiling has paid for itself
    (`Lifter.compiling_pays_after`), one process has the whole batch, and there is a C++ compiler.

    Args:
        wanted: the recipe's `compile`.
        lifter: what is trained.
        steps: of the whole run.
        processes: among which each batch is shared.

    Raises:
        HarnessError: "on" cannot be done: there is no compiler, or there are several processes.
    """
    if wanted == "off":
        return False
    obstacle = None
    if processes > 1:
        obstacle = "batch norms that several processes share are not compiled; train on one device"
    elif not _has_compiler():
        obstacle = "there is no C++ compiler; install g++ or name one in CXX"
    if wanted == "on" and obstacle is not None:
        raise HarnessError(f"training compile is on, but {obstacle}, or set compile: off")
    enough = lifter.compiling_pays_after
    return wanted == "on" or (obstacle is None and enough is not None and steps >= enough)


def compiled_loss(lifter: Lifter, device: torch.device) -> Callable[[Batch], Tensor]:
    """Return `lifter.loss`, compiled on its first call; on a GPU it is replayed as CUDA graphs."""
    if device.type != "cuda":
        return torch.compile(lifter.loss)
    replayed = torch.compile(lifter.loss, mode="reduce-overhead")

    def loss(batch: Batch) -> Tensor:
        torch.compiler.cudagraph_mark_step_begin()  # what the last step left may be overwritten
        return replayed(batch)

    return loss


def _has_compiler() -> bool:
    return any(map(shutil.which, (os.environ.get("CXX", "g++"), "clang++")))
