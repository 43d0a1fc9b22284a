"""Batch norm over the whole batch where processes share it, on any device.

torch's SyncBatchNorm runs on GPUs only and forgets what a subclass of BatchNorm does. Here a batch
norm keeps its class, parameters and buffers, and its statistics come from all processes.
"""

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm


def synchronise_batch_norms(module: nn.Module) -> None:
    """Let every batch norm in `module` normalise by the statistics of all processes' shares.

    Outputs, gradients and running statistics are those of one process that has the whole batch, up
    to rounding. Shares must be equally large. The module is changed in place.
    """
    for norm in module.modules():
        if isinstance(norm, _BatchNorm) and not isinstance(norm, nn.SyncBatchNorm):
            kind = type(norm)
            # Behind the norm's own class and before torch's, so that what a subclass does around
            # `super().forward` still happens.
            norm.__class__ = type(f"Synchronised{kind.__name__}", (kind, _SynchronisedNorm), {})


class _SynchronisedNorm(_BatchNorm):
    """The training-mode forward pass of a batch norm whose batch is spread over processes."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input, (batch, channels, ...)."""
        if not self.training:
            return super().forward(input)
        self._check_input_dim(input)
        values = input.to(torch.promote_types(input.dtype, torch.float32))
        others = [axis for axis in range(input.dim()) if axis != 1]
        shape = [-1 if axis == 1 else 1 for axis in range(input.dim())]
        mean = _mean_over_processes(values.mean(others))
        centred = values - mean.view(shape)
        # Two passes, as one process computes it: E[x^2] - E[x]^2 would lose digits.
        variance = _mean_over_processes(centred.square().mean(others))
        self._follow(mean.detach(), variance.detach(), input.numel() // input.shape[1])
        scale = torch.rsqrt(variance + self.eps)
        if self.weight is not None:
            scale = scale * self.weight
        output = centred * scale.view(shape)
        if self.bias is not None:
            output = output + self.bias.view(shape)
        return output.to(input.dtype)

    def _follow(self, mean: Tensor, variance: Tensor, share: int) -> None:
        """Update the running statistics with those of a batch, `share` values of it here."""
        if self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        momentum = self.momentum
        if momentum is None:
            momentum = 1.0 / float(self.num_batches_tracked)
        count = share * distributed.get_world_size()
        unbiased = variance * (count / (count - 1))
        for average, value in ((self.running_mean, mean), (self.running_var, unbiased)):
            if average is not None:
                average.lerp_(value.to(average.dtype), momentum)


def _mean_over_processes(value: Tensor) -> Tensor:
    return _SumOverProcesses.apply(value) / distributed.get_world_size()


class _SumOverProcesses(torch.autograd.Function):
    """The sum of a tensor over all processes; its gradient is the sum of theirs."""

    @staticmethod
    def forward(context: Any, value: Tensor) -> Tensor:
        """Return the sum."""
        total = value.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        """Return the sum of the gradients of all processes' losses."""
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total
