"""The semantic graph convolution against its equation, joint by joint in float64."""

import torch
from torch import Tensor

from baselines.semantic_graph import (
    GraphConvolutionModule,
    ResidualGraphModule,
    SemanticGraphConvolution,
)

EDGES = ((0, 1), (1, 2), (0, 3), (3, 4))
JOINTS = 5


def literal(layer: SemanticGraphConvolution, pose: Tensor) -> Tensor:
    """Y_i = A_ii W_0^T x_i + sum over neighbours j of A_ij W_1^T x_j + b, for one pose."""
    neighbours = {joint: {joint} for joint in range(JOINTS)}
    for first, second in EDGES:
        neighbours[first].add(second)
        neighbours[second].add(first)
    # Logits stand in row-major order of the adjacency matrix.
    logits = iter(layer.edge_logits)
    logit = {(i, j): next(logits) for i in range(JOINTS) for j in sorted(neighbours[i])}
    rows = []
    for i in range(JOINTS):
        total = sum(torch.exp(logit[i, j]) for j in neighbours[i])
        row = layer.bias
        for j in neighbours[i]:
            share = torch.exp(logit[i, j]) / total
            row = row + share * (layer.weight[0 if i == j else 1].T @ pose[j])
        rows.append(row)
    return torch.stack(rows)


def random_layer(edges: tuple[tuple[int, int], ...] = EDGES) -> SemanticGraphConvolution:
    torch.manual_seed(0)
    layer = SemanticGraphConvolution(JOINTS, edges, 3, 4).double()
    torch.nn.init.normal_(layer.edge_logits)
    return layer


def test_equals_the_equation_in_value_and_gradient() -> None:
    layer = random_layer()
    poses = torch.randn(2, 3, JOINTS, 3, dtype=torch.float64, requires_grad=True)
    expected = torch.stack([literal(layer, pose) for pose in poses.flatten(0, 1)])
    actual = layer(poses)
    torch.testing.assert_close(actual.flatten(0, 1), expected)
    wanted = (poses, *layer.parameters())
    direction = torch.randn_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad((actual.flatten(0, 1) * direction).sum(), wanted),
        torch.autograd.grad((expected * direction).sum(), wanted),
    )


def test_edge_weights_are_a_softmax_over_the_skeleton() -> None:
    weights = random_layer().edge_weights()
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(JOINTS, dtype=torch.float64))
    assert int((weights > 0).sum()) == JOINTS + 2 * len(EDGES)
    assert weights[0, 2] == 0


def test_joints_may_be_relabelled() -> None:
    order = [3, 0, 4, 2, 1]  # new joint k is old joint order[k]
    new_name = {old: new for new, old in enumerate(order)}
    layer = random_layer()
    relabelled = random_layer(tuple((new_name[i], new_name[j]) for i, j in EDGES))
    relabelled.load_state_dict(layer.state_dict())
    logits = torch.zeros(JOINTS, JOINTS, dtype=torch.float64)
    logits[layer.mask] = layer.edge_logits.detach()
    relabelled.edge_logits.data = logits[order][:, order][relabelled.mask]
    poses = torch.randn(6, JOINTS, 3, dtype=torch.float64)
    torch.testing.assert_close(relabelled(poses[:, order]), layer(poses)[:, order])


def test_module_normalises_each_channel_over_poses_and_joints() -> None:
    torch.manual_seed(0)
    module = GraphConvolutionModule(JOINTS, EDGES, 3, 4).double()
    poses = torch.randn(7, JOINTS, 3, dtype=torch.float64)
    mapped = module.convolution(poses)
    expected = torch.empty_like(mapped)
    for channel in range(4):
        values = mapped[..., channel]
        deviation = (values - values.mean()).square().mean().add(1e-5).sqrt()
        expected[..., channel] = ((values - values.mean()) / deviation).clamp(min=0)
    torch.testing.assert_close(module(poses), expected)


def test_residual_module_adds_its_input() -> None:
    module = ResidualGraphModule(JOINTS, EDGES, 4).eval()
    torch.nn.init.zeros_(module.second.norm.weight)
    poses = torch.randn(2, JOINTS, 4)
    torch.testing.assert_close(module(poses), poses)
