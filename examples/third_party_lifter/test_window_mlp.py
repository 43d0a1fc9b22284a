"""What the harness asks of a lifter, tried on this one in a second: python -m pytest FOLDER."""

import torch
from window_mlp import METHOD, WindowMLP

from harness.body.skeleton import H36M_17
from harness.lifting.build import build_lifter
from harness.lifting.contract import Batch, Lifter, LifterInput


def built(seed: int = 0) -> Lifter:
    return build_lifter(METHOD, {}, H36M_17, H36M_17, seed)


def windows(lifter: Lifter, count: int = 8) -> LifterInput:
    generator = torch.Generator().manual_seed(0)
    keypoints = torch.rand((count, lifter.frames, 17, 2), generator=generator) - 0.5
    return LifterInput(keypoints, torch.ones(count, 9))


def test_it_returns_what_it_declares_and_the_root_is_the_origin() -> None:
    lifter = built().eval()
    pose = lifter(windows(lifter))
    frames = 1 if lifter.predicts != "all" else lifter.frames
    assert pose.shape == (8, frames, 17, 3)
    assert isinstance(lifter, WindowMLP)
    assert torch.isfinite(pose).all()


def test_the_same_seed_gives_the_same_weights() -> None:
    one, again, other = (built(seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_a_few_steps_make_the_loss_smaller() -> None:
    torch.manual_seed(0)
    lifter = built()
    inputs = windows(lifter)
    target = 0.2 * torch.randn(lifter(inputs).shape)
    batch = Batch(inputs, target, torch.zeros((*target.shape[:2], 3)))
    optimizer = torch.optim.Adam(lifter.parameters(), lr=1e-3)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = lifter.loss(batch)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
