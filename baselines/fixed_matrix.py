"""Matrices that no training changes, exact in whatever number type a network is brought to."""

from collections.abc import Callable
from math import cos, pi
from typing import Self

import torch
from torch import Tensor, nn


class FixedMatrix(nn.Module):
    """Multiplies by a matrix that is no parameter and no part of the state dict.

    A buffer made in float32 stays rounded when its network is brought to float64; this one is
    rounded from float64 each time instead.

    Args:
        matrix: (rows, columns) float64.
    """

    matrix: Tensor

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self._exact = matrix
        self.register_buffer("matrix", matrix.to(torch.get_default_dtype()), persistent=False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)
        self.matrix = self._exact.to(self.matrix)
        return self

    def forward(self, features: Tensor) -> Tensor:
        """Map (..., columns, channels) to (..., rows, channels)."""
        return self.matrix @ features


class CosineTransform(FixedMatrix):
    """The first coefficients of the unnormalised discrete cosine transform of type II.

    X_k = 2 sum_m x_m cos(pi k (2 m + 1) / (2 M)).

    Args:
        length: M, numbers that are transformed.
        coefficients: how many are kept; all by default.
    """

    def __init__(self, length: int, coefficients: int | None = None) -> None:
        rows = range(length if coefficients is None else coefficients)
        super().__init__(
            torch.tensor(
                [[2 * _cosine(k, m, length) for m in range(length)] for k in rows],
                dtype=torch.float64,
            )
        )


class InverseCosineTransform(FixedMatrix):
    """The inverse of `CosineTransform`: x_m = (X_0 + 2 sum_k X_k cos(...)) / (2 M), k from 1.

    Args:
        length: M, numbers that are transformed.
    """

    def __init__(self, length: int) -> None:
        super().__init__(
            torch.tensor(
                [
                    [(2 - (k == 0)) * _cosine(k, m, length) / (2 * length) for k in range(length)]
                    for m in range(length)
                ],
                dtype=torch.float64,
            )
        )


def _cosine(k: int, m: int, length: int) -> float:
    return cos(pi * k * (2 * m + 1) / (2 * length))
