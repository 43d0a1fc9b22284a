"""Training steps of SemGCN and Martinez et al. against the form of their public code."""

import argparse
from collections.abc import Callable

import torch
from torch import nn

from baselines.martinez import Martinez
from baselines.semgcn import SemGCN
from benchmarks.command import parser_of, run
from benchmarks.public_networks import GROUPS, PARENTS, public_martinez, public_semgcn
from benchmarks.record import Line, at_least
from benchmarks.timing import Turns

JOINTS = len(PARENTS)
EDGES = [(parent, child) for child, parent in enumerate(PARENTS) if parent >= 0]


def training_step(network: nn.Module, batch: int, fused: bool) -> Callable[[], None]:
    """Return a step of Adam on the mean squared error of random poses."""
    optimizer = torch.optim.Adam(network.train().parameters(), 1e-3, fused=fused)
    keypoints, target = torch.randn(batch, JOINTS, 2), torch.randn(batch, JOINTS, 3)

    def step() -> None:
        loss = nn.functional.mse_loss(network(keypoints), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return how our steps, with the optimiser our training uses, compare with theirs."""
    batch, rounds = (4, 1) if arguments.smoke else (64, 9)
    pairs = {
        "SemGCN": (SemGCN(JOINTS, EDGES), public_semgcn(), 1.0),
        "SemGCN with non-local blocks": (
            SemGCN(JOINTS, EDGES, non_local=True, groups=GROUPS),
            public_semgcn(non_local=True),
            1.5,
        ),
        "Martinez": (Martinez(JOINTS, JOINTS), public_martinez(), 1.0),
    }
    lines = []
    for name, (ours, public, target) in pairs.items():
        turns = Turns(
            {
                "ours": training_step(ours, batch, fused=True),
                "public": training_step(public, batch, fused=False),
            },
            rounds,
        )
        what = f"{name}, training step of {batch} poses"
        lines += [
            Line(what, 1000 * turns["ours"], "ms"),
            at_least(
                f"{what}, speed against public code", turns.ratio("public", "ours"), "x", target
            ),
        ]
    return lines


if __name__ == "__main__":
    run("baselines", measure, parser_of(__doc__))
