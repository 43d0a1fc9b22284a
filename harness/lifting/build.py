"""Building a lifter from its settings, with initial weights that depend on the seed alone."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from harness.body.skeleton import Skeleton
from harness.lifting.contract import Lifter, Method
from harness.runs.seeds import derive_seed
from harness.runs.settings import validated


def build_lifter(
    method: Method,
    network: Mapping[str, Any],
    skeleton: Skeleton,
    layout: Skeleton,
    seed: int,
    *,
    dtype: torch.dtype = torch.float32,
) -> Lifter:
    """Build a method's lifter with initial weights that depend on nothing but `seed`.

    Weights are drawn in float64 whatever their type: what torch draws in float32 differs in its
    last digits from one kind of processor to another, in float64 it agrees to rounding.

    Args:
        method: the method.
        network: its own parameters; those left out take their defaults.
        skeleton: joints of the data set's 3D.
        layout: joints of the 2D source.
        seed: the training seed.
        dtype: floating-point type of the weights.

    Raises:
        HarnessError: a parameter is unknown or wrong, or the data lack a joint.
    """
    settings = validated(method.settings, network, f"models.{method.name}.network")
    with torch.random.fork_rng(devices=[]), _drawn_in_float64():
        torch.manual_seed(derive_seed(seed, "init", method.name))
        return method.build(settings, skeleton, layout).to(dtype)


@contextmanager
def _drawn_in_float64() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
