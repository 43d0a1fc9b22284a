"""Recording a lifter as a plain graph of tensor operations, which other programs can run."""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from harness.lifting.contract import Lifter, LifterInput

INPUTS = ("keypoints", "intrinsics", "root_depth", "confidence")
"""What a lifter may be given, in the order in which exported models take it."""


class PlainLifter(nn.Module):
    """A lifter that takes tensors one by one, and only those that its predictions depend on.

    Attributes:
        names: the inputs it takes, some of `INPUTS`.
    """

    def __init__(self, lifter: Lifter) -> None:
        super().__init__()
        self.lifter = lifter
        self.eval()
        self.names = _inputs_needed(lifter)

    def forward(self, *tensors: Tensor) -> Tensor:
        """Return (batch, frames or 1, joints, 3) root-relative camera-space metres."""
        given = dict(zip(self.names, tensors, strict=True))
        keypoints = given["keypoints"]
        # A lifter that reads no intrinsics is indifferent to their place being taken by others.
        intrinsics = given.get("intrinsics", keypoints)
        return self.lifter(
            LifterInput(keypoints, intrinsics, given.get("root_depth"), given.get("confidence"))
        )

    def example(self, windows: int) -> tuple[Tensor, ...]:
        """Return made-up input, always the same: poses that drift over the image, 5 m away."""
        everything = vars(_example(self.lifter, windows))
        return tuple(everything[name] for name in self.names)


@contextlib.contextmanager
def traceable() -> Iterator[None]:
    """Let what runs inside be recorded completely, with the same results.

    The tracer takes a custom autograd function for a call back into Python, which no other program
    could answer; only its forward matters to a prediction. And a few functions that exporters lack
    are told in other words.
    """
    forward_only = mock.patch.object(torch.autograd.Function, "apply", classmethod(_forward_only))
    with torch.no_grad(), warnings.catch_warnings(), forward_only, _OtherWords():
        # The tracer warns of every Python number that comes from a shape. Only the batch's size
        # may change, and that it may is tried afterwards.
        warnings.simplefilter("ignore")
        yield


class _ForwardOnly:
    """Stands for the context that a custom function keeps things in for its backward."""

    def mark_dirty(self, *_: Tensor) -> None:
        """Forget it."""

    def save_for_backward(self, *_: Tensor | None) -> None:
        """Forget it."""

    def mark_non_differentiable(self, *_: Tensor) -> None:
        """Forget it."""


def _forward_only(function: type[torch.autograd.Function], *arguments: Any) -> Any:
    return function.forward(_ForwardOnly(), *arguments)


class _OtherWords(TorchFunctionMode):
    """Replaces functions that TorchScript or ONNX cannot express by others of equal result."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        return _REPLACEMENTS.get(func, func)(*args, **(kwargs or {}))


def _scatter(target: Tensor, dim: int, index: Tensor, source: Tensor | float | bool) -> Tensor:
    """Scatter a truth value as a number: TorchScript takes it for nothing it knows."""
    return target.scatter_(dim, index, int(source) if isinstance(source, bool) else source)


def _diagonal_matrix(values: Tensor) -> Tensor:
    """Return the matrices with `values`, (..., N), on their diagonals."""
    return values.unsqueeze(-1) * torch.eye(values.shape[-1], dtype=values.dtype)


def _diag(values: Tensor) -> Tensor:
    return _diagonal_matrix(values) if values.dim() == 1 else values.diagonal()


def _index_fill(target: Tensor, dim: int, index: Tensor, value: float) -> Tensor:
    """Fill at a list of places: ONNX knows no single place."""
    return target.index_fill(dim, index.reshape(-1), value)


def _zeros_like(values: Tensor, **options: Any) -> Tensor:
    """Keep the batch's size open: ONNX would take the zeros for a constant of today's shape."""
    return torch.zeros_like(values, **options) if options else values * 0


_REPLACEMENTS: dict[Callable[..., Any], Callable[..., Any]] = {
    torch.Tensor.scatter_: _scatter,
    torch.Tensor.index_fill: _index_fill,
    torch.Tensor.diag: _diag,
    torch.diag: _diag,
    torch.zeros_like: _zeros_like,
    torch.Tensor.diag_embed: _diagonal_matrix,
    torch.diag_embed: _diagonal_matrix,
}


def _inputs_needed(lifter: Lifter) -> tuple[str, ...]:
    """Return the inputs that a prediction depends on, found by its gradient."""
    inputs = _example(lifter, 2)
    given = {name: value for name, value in vars(inputs).items() if value is not None}
    for value in given.values():
        value.requires_grad_()
    predicted = lifter(inputs)
    gradients = torch.autograd.grad(predicted.sum(), list(given.values()), allow_unused=True)
    return tuple(
        name
        for name, gradient in zip(given, gradients, strict=True)
        if gradient is not None or name == "keypoints"
    )


def _example(lifter: Lifter, windows: int) -> LifterInput:
    generator = torch.Generator().manual_seed(windows)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(windows, *shape, generator=generator)

    joints = len(lifter.layout)
    drift = 0.1 * uniform(1, joints, 2) * torch.arange(lifter.frames).view(1, -1, 1, 1)
    return LifterInput(
        keypoints=uniform(1, joints, 2) - 0.5 + drift,
        intrinsics=torch.tensor([2.3, 2.3, 0.02, 0.01, -0.2, 0.2, 0, 0, 0]).repeat(windows, 1),
        root_depth=4.5 + uniform(lifter.frames) if lifter.uses_root_depth else None,
        confidence=uniform(lifter.frames, joints) if lifter.uses_confidence else None,
    )
