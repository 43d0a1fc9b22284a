"""Building a lifter from its settings, with initial weights that depend on the seed alone."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_parameter_registration_hook,
)

from harness.body.skeleton import Skeleton
from harness.foundation.dotted import dotted
from harness.foundation.errors import HarnessError
from harness.foundation.seeds import derive_seed
from harness.foundation.settings import validated
from harness.lifting.contract import Lifter, Method

MOST_WEIGHTS = 2**28
"""Of a lifter, a gigabyte; the largest published one has a tenth of it."""

_LARGEST_NUMBER = 1_000_000  # of frames, channels, layers


def build_lifter(
    method: Method,
    network: Mapping[str, Any],
    skeleton: Skeleton,
    layout: Skeleton,
    seed: int,
    *,
    dtype: torch.dtype = torch.float32,
    most_weights: int = MOST_WEIGHTS,
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
        most_weights: numbers that its weights and buffers may be; known from a checkpoint's size.

    Raises:
        HarnessError: a parameter is unknown or wrong, the data lack a joint, or the lifter would
            be larger than allowed; nothing of that size was allocated.
    """
    for name, value in dotted(network).items():
        for number in value if isinstance(value, list | tuple) else (value,):
            if isinstance(number, int | float) and number > _LARGEST_NUMBER:
                raise HarnessError(
                    f"models.{method.name}.network: '{name}': found {number:,}, expected at most "
                    f"{_LARGEST_NUMBER:,}"
                )
    settings = validated(method.settings, network, f"models.{method.name}.network")
    with (
        torch.random.fork_rng(devices=[]),
        _drawn_in_float64(),
        _at_most(most_weights, method.name),
    ):
        torch.manual_seed(derive_seed(seed, "init", method.name))
        return method.build(settings, skeleton, layout).to(dtype)


@contextlib.contextmanager
def _drawn_in_float64() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextlib.contextmanager
def _at_most(weights: int, method: str) -> Iterator[None]:
    """Refuse modules that together have more weights, before their memory is written to."""
    too_large = HarnessError(
        f"models.{method}.network: makes a lifter of more than {weights:,} weights"
    )
    left = weights

    def count(module: nn.Module, name: str, tensor: Tensor | None) -> None:
        nonlocal left
        left -= 0 if tensor is None else tensor.numel()
        if left < 0:
            raise too_large

    hooks = (
        register_module_parameter_registration_hook(count),
        register_module_buffer_registration_hook(count),
    )
    try:
        yield
    except (MemoryError, OverflowError) as error:
        raise too_large from error
    except RuntimeError as error:  # torch's of a size beyond all; others are the method's own
        if any(word in str(error) for word in ("overflow", "allocate", "too large")):
            raise too_large from error
        raise
    finally:
        for hook in hooks:
            hook.remove()
