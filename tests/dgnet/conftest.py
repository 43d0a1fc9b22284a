"""A small body, and the comparison of a layer with a literal loop over its equation."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from dgnet import BodyGraph

Loop = Callable[[Tensor], Tensor]


@pytest.fixture
def body() -> BodyGraph:
    """Seven joints: a root with a spine of two and two limbs of two."""
    edges = ((0, 1), (1, 2), (0, 3), (3, 4), (0, 5), (5, 6))
    return BodyGraph(joints=7, edges=edges, mirror_pairs=((3, 5), (4, 6)))


@pytest.fixture
def features() -> Tensor:
    """(T, B, N, C) features in float64 without ties."""
    return torch.randn(3, 2, 7, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def batch_norm_by_loop(y: Tensor, norm: nn.BatchNorm1d, training: bool) -> Tensor:
    """Normalise each channel by its mean and variance over all joints of all frames, one by one."""
    channels = []
    for channel in range(y.shape[-1]):
        values = y[..., channel]
        mean, variance = norm.running_mean[channel], norm.running_var[channel]
        if training:
            mean = values.sum() / values.numel()
            variance = ((values - mean) ** 2).sum() / values.numel()
        normal = (values - mean) / (variance + norm.eps) ** 0.5
        channels.append(normal * norm.weight[channel] + norm.bias[channel])
    return torch.stack(channels, dim=-1)


@pytest.fixture
def agrees_with_loop() -> Callable[..., None]:
    """Compare a layer with a loop, in training and evaluation mode, in value and every gradient."""

    def check(layer: nn.Module, convolution: Loop, x: Tensor, *arguments: object) -> None:
        layer.double()
        generator = torch.Generator().manual_seed(0)
        for parameter in layer.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        norm = layer.norm
        if norm is not None:
            norm.running_mean.copy_(torch.linspace(-1, 1, len(norm.bias)))
            norm.running_var.copy_(torch.linspace(0.5, 2, len(norm.bias)))
        statistics = {name: value.clone() for name, value in layer.named_buffers()}
        for training in (False, True):
            layer.train(training)
            layer.load_state_dict(statistics, strict=False)
            x = x.detach().requires_grad_()
            expected = convolution(x)
            if norm is not None:
                expected = batch_norm_by_loop(expected, norm, training).clamp_min(0.0)
            got = layer(x, *arguments)
            torch.testing.assert_close(got, expected, rtol=0, atol=1e-10)
            weights = torch.randn(expected.shape, generator=generator, dtype=torch.float64)
            inputs = [x, *layer.parameters()]
            _assert_same_gradients((got * weights).sum(), (expected * weights).sum(), inputs)

    return check


def _assert_same_gradients(got: Tensor, expected: Tensor, inputs: list[Tensor]) -> None:
    pairs = zip(
        torch.autograd.grad(got, inputs, allow_unused=True),
        torch.autograd.grad(expected, inputs, allow_unused=True),
        inputs,
        strict=True,
    )
    for ours, theirs, value in pairs:
        zero = torch.zeros_like(value)
        ours = zero if ours is None else ours
        theirs = zero if theirs is None else theirs
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)
