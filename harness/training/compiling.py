"""Compiling the loss of a lifter with torch.compile, where that is wanted and pays.

Compiled code rounds differently, so it is never used unasked: recipes say `compile: auto` or `on`.
"""

import os
import shutil
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from harness.foundation.errors import HarnessError
from harness.lifting.contract import Batch, Lifter
from harness.lifting.recipe import Recipe


class Choice(NamedTuple):
    """Whether the loss is compiled, and why, in words that follow "compiled:"."""

    compiled: bool
    reason: str


def whether_to_compile(recipe: Recipe, lifter: Lifter, steps: int, processes: int) -> Choice:
    """Return whether the loss is to be compiled; nothing that is measured now plays a part.

    "auto" says yes where a run takes at least the steps after which compiling has paid for itself
    (`Lifter.compiling_pays_after`), one process has the whole batch, and there is a C++ compiler.

    Args:
        recipe: says what is wanted, and in which precision.
        lifter: what is trained.
        steps: of the whole run.
        processes: among which each batch is shared.

    Raises:
        HarnessError: "on" cannot be done: there is no compiler, or there are several processes.
    """
    if recipe.compile == "off":
        return Choice(False, "no, compile is off")
    obstacle = None
    if processes > 1:
        obstacle = "batch norms that several processes share are not compiled; train on one device"
    elif not _has_compiler():
        obstacle = "there is no C++ compiler; install g++ or name one in CXX"
    if recipe.compile == "on":
        if obstacle is not None:
            raise HarnessError(f"training compile is on, but {obstacle}, or set compile: off")
        return Choice(True, "yes, compile is on")
    if obstacle is not None:
        return Choice(False, f"no, {obstacle}")
    enough = lifter.compiling_pays_after.get(recipe.precision)
    if enough is None:
        return Choice(False, f"no, it was not seen to pay for this model in {recipe.precision}")
    pays = f"compiling pays after {enough:,} in {recipe.precision}"
    if steps < enough:
        return Choice(False, f"no, the run takes {steps:,} steps, and {pays}")
    return Choice(True, f"yes, the run takes {steps:,} steps, and {pays}")


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
