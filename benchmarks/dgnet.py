"""DG-Net: forward passes and training steps against its matrix products and its literal form."""

import argparse
from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.command import parser_of, run
from benchmarks.literal_dgnet import literal_levels
from benchmarks.record import Line, at_least, at_most
from benchmarks.timing import Turns
from dgnet import BodyGraph, DGNet, DGNetConfig, Levels, total_loss
from dgnet.dynamical import DynamicalTemporalGraph
from dgnet.fixed import FixedTemporalGraph
from dgnet.folded import folded
from dgnet.layer import GraphLayer
from dgnet.nonlocal_block import NonLocalBlock
from harness.foundation.memory import keep_freed_memory

PARENTS = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)
HUMAN = BodyGraph(17, [(parent, child) for child, parent in enumerate(PARENTS) if parent >= 0])

NAME, PUBLISHED = "DG-Net, 2 of 5 blocks", DGNetConfig(blocks=2)
"""Published size, of its equal blocks a few, for compiling all takes minutes."""


def make_network(config: DGNetConfig, graph: BodyGraph = HUMAN) -> DGNet:
    """Return a network whose BatchNorm has seen a batch."""
    torch.manual_seed(0)
    network = DGNet(config, graph)
    network(random_keypoints(64, config.frames, graph.joints))
    return network


def random_keypoints(windows: int, frames: int, joints: int = HUMAN.joints) -> Tensor:
    """Return (windows, frames, joints, 2)."""
    return torch.randn(windows, frames, joints, 2)


def weight_products(network: DGNet, windows: int) -> Callable[[], None]:
    """Return a function that does the network's products of features and weights, nothing else."""
    frames, operands = network.config.frames, list[tuple[int, Tensor]]()
    for layer in network.modules():
        if isinstance(layer, GraphLayer) and layer is not network.head:
            matrices = layer.weight.shape[1]
            operands += [(frames, layer.weight[:, k]) for k in range(min(matrices, 2))]
            # The frames before the first and after the last are zero: two products of T - 1 frames.
            if isinstance(layer, FixedTemporalGraph | DynamicalTemporalGraph):
                operands[-1:] = [(frames - 1, layer.weight[:, k]) for k in (1, 2)]
        elif isinstance(layer, NonLocalBlock):
            operands += [(frames, layer.g.weight.t()), (frames, layer.out.weight.t())]
    operands += [(frames, network.head.weight.flatten(1))]
    inputs = {
        (count, weight.shape[0]): torch.randn(count * windows * HUMAN.joints, weight.shape[0])
        for count, weight in operands
    }

    def products() -> None:
        for count, weight in operands:
            inputs[count, weight.shape[0]] @ weight

    return products


def training_step(
    network: DGNet,
    levels: Callable[[Tensor], Levels],
    windows: int,
    joints: int = HUMAN.joints,
) -> Callable[[], None]:
    """Return one step of Adam on a batch of random windows."""
    frames = network.config.frames
    optimizer = torch.optim.Adam(network.parameters(), 1e-3, fused=True)
    keypoints = random_keypoints(windows, frames, joints)
    target = torch.randn(windows, frames, joints, 3)

    def step() -> None:
        loss = total_loss(levels(keypoints), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def largest_difference(network: DGNet) -> float:
    """Return how far the fast forms are from the literal one in float64, relative to its size."""
    network.double()
    with torch.no_grad():
        x = random_keypoints(8, network.config.frames).double()
        literal = literal_levels(network, x).network
        others = (network(x), folded(network)(x))
        worst = max(float((other - literal).abs().max()) for other in others)
    network.float()
    return worst / float(literal.abs().max())


def forward_turns(network: DGNet, windows: int, rounds: int, backend: str) -> Turns:
    """Time forward passes in every form, and the products alone."""
    x, fast = random_keypoints(windows, network.config.frames), folded(network)
    compiled = torch.compile(fast, backend=backend, dynamic=False)
    works: dict[str, Callable[[], object]] = {
        "literal": lambda: literal_levels(network, x),
        "as it is": lambda: network(x),
        "folded": lambda: fast(x),
        "folded, compiled": lambda: compiled(x),
        "products": weight_products(network, windows),
    }
    with torch.inference_mode():
        return Turns(works, rounds)


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return what DG-Net costs."""
    if arguments.smoke:
        config, many, batch, rounds = DGNetConfig(channels=8, blocks=1), 2, 2, 1
        backend = "eager"  # compiles nothing
    else:
        config, many, batch, rounds, backend = PUBLISHED, 64, 64, 2, "inductor"
    keep_freed_memory()  # as predicting and training do
    network = make_network(config).eval()
    lines = [
        at_most(
            f"{NAME}, fast forms against the literal one in float64, largest relative difference",
            largest_difference(network),
            "",
            1e-10,
        )
    ]
    turns = forward_turns(network, many, rounds, backend)
    what = f"{NAME} forward, {many} windows"
    lines += [
        Line(f"{what}, literal", 1000 * turns["literal"], "ms"),
        Line(f"{what}, products of features and weights alone", 1000 * turns["products"], "ms"),
        *(
            Line(f"{what}, {name}, time against its products", turns.ratio(name, "products"), "x")
            for name in ("as it is", "folded")
        ),
        at_most(
            f"{what}, folded and compiled, time against its products",
            turns.ratio("folded, compiled", "products"),
            "x",
            1.6,
        ),
        *(
            Line(f"{what}, {name}, speed against literal", turns.ratio("literal", name), "x")
            for name in ("as it is", "folded", "folded, compiled")
        ),
    ]
    turns = forward_turns(network, 1, 3 * rounds, backend)
    what = f"{NAME} forward, 1 window"
    lines += [
        Line(f"{what}, literal", 1000 * turns["literal"], "ms"),
        Line(f"{what}, products of features and weights alone", 1000 * turns["products"], "ms"),
        *(
            Line(f"{what}, {name}, speed against literal", turns.ratio("literal", name), "x")
            for name in ("as it is", "folded")
        ),
        at_least(
            f"{what}, folded and compiled, speed against literal",
            turns.ratio("literal", "folded, compiled"),
            "x",
            6,
        ),
    ]
    network.train()
    steps = Turns(
        {
            "literal": training_step(network, lambda x: literal_levels(network, x), batch),
            "as it is": training_step(network, network.levels, batch),
            "compiled": training_step(
                network, torch.compile(network.levels, backend=backend, dynamic=False), batch
            ),
        },
        rounds,
    )
    what = f"{NAME} training step, {batch} windows"
    lines += [
        Line(f"{what}, literal", 1000 * steps["literal"], "ms"),
        Line(f"{what}, as it is, speed against literal", steps.ratio("literal", "as it is"), "x"),
        at_least(
            f"{what}, compiled, speed against literal", steps.ratio("literal", "compiled"), "x", 4
        ),
    ]
    return lines


if __name__ == "__main__":
    run("dgnet", measure, parser_of(__doc__))
