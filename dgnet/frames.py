"""Frames before and after, for tensors whose first axis is time."""

import torch
from torch import Tensor

from dgnet.config import OutsideWindow


def after(x: Tensor, outside: OutsideWindow) -> Tensor:
    """Return X_{t+1} for those first frames t that have one.

    Args:
        x: (T, ...).
        outside: with "zero" the last frame has no next one (a term of zeros adds nothing), with
            "replicate" it is its own. A window of one frame has no neighbours in time either way.

    Returns:
        (T - 1, ...) or (T, ...).
    """
    return torch.cat([x[1:], x[-1:]]) if _replicates(x, outside) else x[1:]


def before(x: Tensor, outside: OutsideWindow) -> Tensor:
    """Return X_{t-1} for those last frames t that have one; see `after`."""
    return torch.cat([x[:1], x[:-1]]) if _replicates(x, outside) else x[:-1]


def add_to_first(y: Tensor, term: Tensor) -> None:
    """Add `term` to as many first frames of `y`, in place."""
    y[: len(term)] += term


def add_to_last(y: Tensor, term: Tensor) -> None:
    """Add `term` to as many last frames of `y`, in place."""
    y[len(y) - len(term) :] += term


def _replicates(x: Tensor, outside: OutsideWindow) -> bool:
    return outside == "replicate" and len(x) > 1
