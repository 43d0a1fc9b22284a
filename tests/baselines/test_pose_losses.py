"""Losses of today's lifters against their formulas, term by term."""

import pytest
import torch
from torch import Tensor

from baselines.pose_losses import (
    MIXSTE_WEIGHTS,
    half_square,
    mixste_loss,
    motionbert_loss,
)


@pytest.fixture
def poses() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    prediction, target = torch.randn(2, 3, 4, 17, 3, generator=generator, dtype=torch.float64)
    return prediction, target


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def distance(a: Tensor, b: Tensor) -> float:
    return float(((a - b) ** 2).sum() ** 0.5)


def velocity(p: Tensor, g: Tensor) -> float:
    return mean(
        [
            distance(p[b, t + 1, j] - p[b, t, j], g[b, t + 1, j] - g[b, t, j])
            for b in range(3)
            for t in range(3)
            for j in range(17)
        ]
    )


def test_mixstes_loss_is_its_formula(poses: tuple[Tensor, Tensor]) -> None:
    p, g = poses
    w = [1, 1, 2.5, 2.5, 1, 2.5, 2.5, 1, 1, 1, 1.5, 1.5, 4, 4, 1.5, 4, 4]
    every = [(b, t, j) for b in range(3) for t in range(4) for j in range(17)]
    position = mean([w[j] * distance(p[b, t, j], g[b, t, j]) for b, t, j in every])
    smooth = mean(
        [
            w[j] * float(p[b, t + 1, j, c] - p[b, t, j, c]) ** 2
            for b, t, j in every
            if t < 3
            for c in range(3)
        ]
    )
    expected = position + 0.5 * smooth + 2 * velocity(p, g)
    assert float(mixste_loss(p, g)) == pytest.approx(expected, rel=1e-12)


def test_motionberts_loss_is_its_formula(poses: tuple[Tensor, Tensor]) -> None:
    p, g = poses
    position, scaled = [], []
    for b in range(3):
        for t in range(4):
            s = float((g[b, t] * p[b, t]).sum() / (p[b, t] ** 2).sum())
            position += [distance(p[b, t, j], g[b, t, j]) for j in range(17)]
            scaled += [distance(s * p[b, t, j], g[b, t, j]) for j in range(17)]
    expected = mean(position) + 0.5 * mean(scaled) + 20 * velocity(p, g)
    assert float(motionbert_loss(p, g)) == pytest.approx(expected, rel=1e-12)


def test_the_scale_is_learnt_through(poses: tuple[Tensor, Tensor]) -> None:
    """A prediction that is the target at another size has no scaled error and no pull from it."""
    _, g = poses
    p = (2 * g).requires_grad_()
    only_scale = motionbert_loss(p, g, velocity_weight=0) - (p - g).norm(dim=-1).mean()
    (gradient,) = torch.autograd.grad(only_scale, p)
    assert float(only_scale.detach()) == pytest.approx(0, abs=1e-12)
    along_the_scale = float((gradient * p).sum().detach())
    assert along_the_scale == pytest.approx(0, abs=1e-12)


def test_one_frame_has_no_velocity(poses: tuple[Tensor, Tensor]) -> None:
    p, g = (pose[:, :1] for pose in poses)
    weighted = (torch.tensor(MIXSTE_WEIGHTS) * (p - g).norm(dim=-1)).mean()
    torch.testing.assert_close(mixste_loss(p, g), weighted.double())
    assert bool(torch.isfinite(motionbert_loss(p, g)))


def test_half_the_square_pulls_by_the_loss_itself(poses: tuple[Tensor, Tensor]) -> None:
    p, g = poses
    p = p.clone().requires_grad_()
    (plain,) = torch.autograd.grad(mixste_loss(p, g), p)
    (squared,) = torch.autograd.grad(half_square(mixste_loss(p, g)), p)
    torch.testing.assert_close(squared, plain * mixste_loss(p, g).detach())
