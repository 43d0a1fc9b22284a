"""Frames before and after, for tensors whose first axis is time."""

import torch
from torch import Tensor

from dgnet.config import OutsideWindow
from dgnet.convolution import Term


def following(x: Tensor, outside: OutsideWindow) -> Tensor:
    """Return X_{t+1} of those first frames that have one; with "replicate" the last is its own.

    A window of one frame has no neighbours in time either way.
    """
    return torch.cat([x[1:], x[-1:]]) if outside == "replicate" and len(x) > 1 else x[1:]


def previous(x: Tensor, outside: OutsideWindow) -> Tensor:
    """Return X_{t-1} of those last frames that have one; with "replicate" the first is its own."""
    return torch.cat([x[:1], x[:-1]]) if outside == "replicate" and len(x) > 1 else x[:-1]


def over_frames(
    count: int,
    outside: OutsideWindow,
    affinities: tuple[Tensor | None, Tensor | None, Tensor | None],
    matrices: tuple[int, int, int] = (0, 1, 2),
) -> list[Term]:
    """Return the terms Q_t X_t W_0 + Q_{t+1} X_{t+1} W_1 + Q_{t-1} X_{t-1} W_2 of all frames.

    Args:
        count: T, frames of a window.
        outside: with "zero" the last frame has no next one (a term of zeros adds nothing), with
            "replicate" it is its own. A window of one frame has no neighbours in time either way.
        affinities: Q_t, Q_{t+1} and Q_{t-1}: (N, N), or (T, B, N, N), the latter two also
            (T - 1, B, N, N) of those frames that have a next one or one before; None: each joint
            hears itself.
        matrices: which weight matrix each of them has.
    """
    now, after, before = affinities
    of_now, of_after, of_before = matrices
    terms = [Term(of_now, affinity=now)]

    def add(matrix: int, to: slice, of: slice, affinity: Tensor | None) -> None:
        if affinity is not None and affinity.dim() > 2 and len(affinity) == count:
            affinity = affinity[to]
        terms.append(Term(matrix, to, of, affinity))

    early, late = slice(0, count - 1), slice(1, count)
    first, last = slice(0, 1), slice(count - 1, count)
    add(of_after, early, late, after)
    add(of_before, late, early, before)
    if outside == "replicate" and count > 1:
        add(of_after, last, last, after)
        add(of_before, first, first, before)
    return terms
