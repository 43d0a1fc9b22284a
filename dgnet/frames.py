"""Frames before and after, for tensors whose first axis is time.

Two linear operations and their gradients, which are each other's: taking the neighbouring frames
of every frame, and adding up what came of them. Plain slicing gives the same gradients, but fills
and copies a tensor of zeros for each slice, a tenth of a training step. `torch.compile` fuses plain
slices and cannot look into functions that write in place, so it is given the plain form.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn.functional import pad

from dgnet.config import OutsideWindow


def neighbouring(x: Tensor, outside: OutsideWindow) -> tuple[Tensor, Tensor, Tensor]:
    """Return X_t, X_{t+1} of those first frames that have one, X_{t-1} of those last frames.

    Args:
        x: (T, ...).
        outside: with "zero" the last frame has no next one (a term of zeros adds nothing), with
            "replicate" it is its own. A window of one frame has no neighbours in time either way.

    Returns:
        (T, ...), and twice (T - 1, ...) or, with frames replicated, (T, ...).
    """
    plain = torch.compiler.is_compiling()
    now, after, before = (x, x[1:], x[:-1]) if plain else _Neighbouring.apply(x)
    if outside == "replicate" and len(x) > 1:
        after, before = torch.cat([after, now[-1:]]), torch.cat([now[:1], before])
    return now, after, before


def sum_over_frames(now: Tensor, after: Tensor, before: Tensor) -> Tensor:
    """Return `now` with `after` added to its first and `before` to its last frames.

    `now` may be overwritten.

    Args:
        now: (T, ...).
        after: (T or fewer, ...).
        before: (T or fewer, ...).
    """
    if torch.compiler.is_compiling():
        count = now.shape[0]
        none = [0, 0] * (now.dim() - 1)
        later = pad(after, [*none, 0, count - after.shape[0]])
        return now + later + pad(before, [*none, count - before.shape[0], 0])
    return _SumOverFrames.apply(now, after, before)


class _Neighbouring(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return x.view_as(x), x[1:], x[:-1]

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, now: Tensor, after: Tensor, before: Tensor) -> Tensor:
        gradient = now.clone()
        gradient[1:] += after
        gradient[:-1] += before
        return gradient


class _SumOverFrames(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, now: Tensor, after: Tensor, before: Tensor) -> Tensor:
        ctx.counts = len(after), len(before)
        ctx.mark_dirty(now)
        now[: len(after)] += after
        now[len(now) - len(before) :] += before
        return now

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        after, before = ctx.counts
        return gradient, gradient[:after], gradient[len(gradient) - before :]
