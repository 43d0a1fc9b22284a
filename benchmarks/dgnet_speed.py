"""Time DG-Net against the literal reading of its equations, in one process, on the same weights.

The literal form builds all N x N pairs of concatenated features, loops over the frames and runs one
neighbour search for each direction of motion. Absolute times move with the machine; the ratios are
what counts. Run it on an idle machine:

    python benchmarks/dgnet_speed.py --threads 2 --compile
"""

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from dgnet import BodyGraph, DGNet, DGNetConfig, Levels, total_loss
from dgnet.dynamical import DynamicalSpatialGraph, DynamicalTemporalGraph
from dgnet.fixed import FixedSpatialGraph, FixedTemporalGraph
from dgnet.layer import GraphLayer
from dgnet.nonlocal_block import NonLocalBlock

PARENTS = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)
HUMAN = BodyGraph(17, [(parent, child) for child, parent in enumerate(PARENTS) if parent >= 0])


def literal_levels(network: DGNet, keypoints: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Return what `DGNet.levels` does, equation by equation; for the default switches."""
    x = literal_layer(network.input, keypoints)
    features, heads = [], []
    for block in network.blocks:
        for unit, non_local in (
            (block.spatial_unit, block.after_spatial),
            (block.temporal_unit, block.after_temporal),
        ):
            for module in unit:
                x = x + literal_layer(module.second, literal_layer(module.first, x))
            x = literal_non_local(non_local, x)
        features.append(x)
    for head, feature in zip(network.block_heads, features, strict=False):
        module = head.module
        feature = feature + literal_layer(module.second, literal_layer(module.first, feature))
        heads.append(literal_layer(head.out, feature))
    return literal_layer(network.head, torch.cat(features, dim=-1)), heads


def literal_layer(layer: GraphLayer, x: Tensor) -> Tensor:
    """Convolve frame by frame, then BatchNorm and ReLU; x is (B, T, N, C)."""
    frames = [_CONVOLUTIONS[type(layer)](layer, x, t) for t in range(x.shape[1])]
    y = torch.stack(frames, dim=1) + layer.bias
    if layer.norm is None:
        return y
    return (
        layer.norm(y.permute(0, 3, 1, 2).flatten(2))
        .unflatten(2, y.shape[1:3])
        .permute(0, 2, 3, 1)
        .relu()
    )


def literal_fsg(layer: FixedSpatialGraph, x: Tensor, t: int) -> Tensor:
    """Eq. 2 for one frame."""
    adjacency = layer.adjacency()
    own = torch.eye(x.shape[2], dtype=x.dtype)
    neighbours = torch.matmul(adjacency * (1 - own), torch.matmul(x[:, t], layer.weight[:, 1]))
    return torch.matmul(adjacency * own, torch.matmul(x[:, t], layer.weight[:, 0])) + neighbours


def literal_ftg(layer: FixedTemporalGraph, x: Tensor, t: int) -> Tensor:
    """Eq. 9 for one frame, zero outside the window."""
    y = x[:, t] @ layer.weight[:, 0]
    if t + 1 < x.shape[1]:
        y = y + x[:, t + 1] @ layer.weight[:, 1]
    if t > 0:
        y = y + x[:, t - 1] @ layer.weight[:, 2]
    return y


def literal_knn(rows: Tensor, count: int) -> Tensor:
    """Eq. 3: the 0/1 mask of the `count` nearest rows of (B, N, C)."""
    distance = (rows.unsqueeze(2) - rows.unsqueeze(1)).square().sum(dim=-1).sqrt()
    chosen = distance.topk(count, dim=-1, largest=False).indices
    return torch.zeros_like(distance).scatter(-1, chosen, 1.0)


def literal_affinity(score: nn.Linear, receiver: Tensor, sender: Tensor, mask: Tensor) -> Tensor:
    """Eq. 5 and 6 on all concatenated pairs, with the softmax bound."""
    joints = receiver.shape[1]
    pairs = torch.cat(
        [
            receiver.unsqueeze(2).expand(-1, -1, joints, -1),
            sender.unsqueeze(1).expand(-1, joints, -1, -1),
        ],
        dim=-1,
    )
    return score(pairs).squeeze(-1).masked_fill(mask == 0, -torch.inf).softmax(dim=-1)


def literal_dsg(layer: DynamicalSpatialGraph, x: Tensor, t: int) -> Tensor:
    """Eq. 7 for one frame."""
    mask = literal_knn(x[:, t], layer.neighbours)
    affinity = literal_affinity(layer.weighting.score, x[:, t], x[:, t], mask)
    return affinity @ x[:, t] @ layer.weight[:, 0]


def literal_dtg(layer: DynamicalTemporalGraph, x: Tensor, t: int) -> Tensor:
    """Eq. 14 for one frame, zero outside the window."""
    y = x[:, t] @ layer.weight[:, 0]
    if t + 1 < x.shape[1]:
        mask = literal_knn(x[:, t + 1] - x[:, t], layer.neighbours)
        score = layer.forward_weighting.score
        y = (
            y
            + literal_affinity(score, x[:, t], x[:, t + 1], mask) @ x[:, t + 1] @ layer.weight[:, 1]
        )
    if t > 0:
        mask = literal_knn(x[:, t] - x[:, t - 1], layer.neighbours)
        score = layer.backward_weighting.score
        y = (
            y
            + literal_affinity(score, x[:, t], x[:, t - 1], mask) @ x[:, t - 1] @ layer.weight[:, 2]
        )
    return y


def literal_non_local(block: NonLocalBlock, x: Tensor) -> Tensor:
    """The concatenation form on all pairs, frame by frame."""
    joints = x.shape[2]
    frames = []
    for t in range(x.shape[1]):
        theta, phi, g = block.theta(x[:, t]), block.phi(x[:, t]), block.g(x[:, t])
        pairs = torch.cat(
            [
                theta.unsqueeze(2).expand(-1, -1, joints, -1),
                phi.unsqueeze(1).expand(-1, joints, -1, -1),
            ],
            dim=-1,
        )
        frames.append(block.out(block.pair(pairs).squeeze(-1).relu() / joints @ g))
    y = torch.stack(frames, dim=1)
    return x + block.norm(y.flatten(0, 2)).view_as(y)


_CONVOLUTIONS: dict[type, Callable[..., Tensor]] = {
    FixedSpatialGraph: literal_fsg,
    FixedTemporalGraph: literal_ftg,
    DynamicalSpatialGraph: literal_dsg,
    DynamicalTemporalGraph: literal_dtg,
}


def weight_products(network: DGNet, windows: int) -> Callable[[], None]:
    """Return a function that does the network's products of features and weights, nothing else."""
    frames, joints = network.config.frames, HUMAN.joints
    operands = []
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
        (count, weight.shape[0]): torch.randn(count * windows * joints, weight.shape[0])
        for count, weight in operands
    }

    def run() -> None:
        for count, weight in operands:
            inputs[count, weight.shape[0]] @ weight

    return run


def check_equal(network: DGNet) -> None:
    """Refuse to time two functions that differ; in float64, where no two neighbours nearly tie."""
    x = torch.randn(8, network.config.frames, HUMAN.joints, 2, dtype=torch.float64)
    network.double()
    torch.testing.assert_close(network(x), literal_levels(network, x)[0])
    network.float()


def milliseconds(function: Callable[[], object], repetitions: int) -> float:
    """Return the shortest time of a call, after one to warm up: others only add to it."""
    function()
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def training_step(
    network: DGNet, levels: Callable[[Tensor], tuple], windows: int
) -> Callable[[], None]:
    """Return one step of Adam on a batch."""
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    keypoints = torch.randn(windows, network.config.frames, HUMAN.joints, 2)
    target = torch.randn(windows, network.config.frames, HUMAN.joints, 3)

    def step() -> None:
        prediction, heads = levels(keypoints)
        loss = total_loss(Levels(prediction, tuple(heads)), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--channels", type=int, default=128)
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument(
        "--precision",
        choices=("highest", "high", "medium"),
        default="highest",
        help="torch.set_float32_matmul_precision; on a CPU without AMX all give float32 results, "
        "but may come from libraries of different speed",
    )
    parser.add_argument("--compile", action="store_true", help="also torch.compile the network")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_float32_matmul_precision(arguments.precision)
    torch.manual_seed(0)
    network = DGNet(DGNetConfig(channels=arguments.channels, blocks=arguments.blocks), HUMAN)
    frames, times = network.config.frames, arguments.repetitions
    network(torch.randn(64, frames, HUMAN.joints, 2))
    network.eval()
    print("| what | literal ms | ours ms | ratio | compiled ms | ratio | products ms |")
    print("| --- | --- | --- | --- | --- | --- | --- |")

    def row(what: str, literal: float, ours: float, fast: float | None, products: str) -> None:
        compiled = "| |" if fast is None else f"{fast:.1f} | {literal / fast:.1f} |"
        eager = f"{literal:.1f} | {ours:.1f} | {literal / ours:.1f}"
        print(f"| {what} | {eager} | {compiled} {products} |")

    compiled = torch.compile(network) if arguments.compile else None
    with torch.no_grad():
        check_equal(network)
        for windows, repetitions in ((256, times), (1, 10 * times)):
            x = torch.randn(windows, frames, HUMAN.joints, 2)
            row(
                f"forward, {windows} windows",
                milliseconds(lambda x=x: literal_levels(network, x), max(1, repetitions // 5)),
                milliseconds(lambda x=x: network(x), repetitions),
                milliseconds(lambda x=x: compiled(x), repetitions)
                if compiled is not None
                else None,
                f"{milliseconds(weight_products(network, windows), repetitions):.1f}",
            )
    network.train()
    compiled_levels = torch.compile(network.levels) if arguments.compile else None
    row(
        "training step, 64 windows",
        milliseconds(training_step(network, lambda x: literal_levels(network, x), 64), 1),
        milliseconds(training_step(network, network.levels, 64), times),
        milliseconds(training_step(network, compiled_levels, 64), times)
        if compiled_levels is not None
        else None,
        "",
    )


if __name__ == "__main__":
    main()
