"""ST-GCN: published sizes, its graph node by node, its layers against their equations."""

import math

import pytest
import torch
from torch import Tensor

from baselines.spatial_temporal_graph import BodyParts, PoseGraph, relation_matrices
from baselines.stgcn import (
    STGCN,
    AttentionBlock,
    PoseRefinement,
    RelationConvolution,
    pose_on_rays,
)

H36M = BodyParts(
    joints=17,
    edges=(
        *((0, 1), (1, 2), (2, 3), (0, 4), (4, 5), (5, 6), (0, 7), (7, 8), (8, 9), (9, 10)),
        *((8, 11), (11, 12), (12, 13), (8, 14), (14, 15), (15, 16)),
    ),
    mirror_pairs=((4, 1), (5, 2), (6, 3), (11, 14), (12, 15), (13, 16)),
    centre=7,
    limbs=(((11, 12, 13), (14, 15, 16)), ((4, 5, 6), (1, 2, 3))),
    torso=(0, 7, 8, 9, 10),
)
SMALL = BodyParts(
    joints=6,
    edges=((0, 1), (1, 2), (0, 3), (3, 4), (5, 0)),
    mirror_pairs=((1, 3), (2, 4)),
    centre=5,
    limbs=(((1, 2), (3, 4)),),
    torso=(0, 5),
)


@pytest.mark.parametrize(("frames", "count"), [(1, 3_627_847), (3, 5_040_455), (7, 5_040_455)])
def test_has_the_published_number_of_parameters(frames: int, count: int) -> None:
    with torch.device("meta"):
        weights = list(PoseRefinement(17).parameters())
    assert sum(weight.numel() for weight in weights) == 140_322
    network = STGCN(H36M, frames=frames)
    assert sum(parameter.numel() for parameter in network.parameters()) == count


def test_distances_are_the_published_ones() -> None:
    """As listed in the public code's graph_frames.py, which counts from the spine."""
    assert H36M.joint_graph().distances() == [
        *(1, 2, 3, 4, 2, 3, 4),
        *(0, 1, 2, 3),
        *(2, 3, 4, 2, 3, 4),
    ]


@pytest.mark.parametrize("frames", [1, 2, 4])
@pytest.mark.parametrize("graph", [SMALL.joint_graph(), SMALL.part_graph()])
def test_relations_node_by_node(graph: PoseGraph, frames: int) -> None:
    matrices = relation_matrices(graph, frames)
    distance = graph.distances()
    bones = {*graph.edges, *((second, first) for first, second in graph.edges)}
    mirrors = {
        *graph.mirror_pairs,
        *((second, first) for first, second in graph.mirror_pairs),
    }
    nodes = graph.nodes
    kinds: dict[tuple[int, int], int] = {}
    for source in range(nodes * frames):
        for to in range(nodes * frames):
            (t, v), (s, w) = divmod(source, nodes), divmod(to, nodes)
            if source == to:
                kinds[source, to] = 0
            elif t == s and (v, w) in mirrors:
                kinds[source, to] = 3
            elif t == s and (v, w) in bones:
                kinds[source, to] = 1 if distance[v] > distance[w] else 2
            elif v == w and s == t + 1:
                kinds[source, to] = 4
            elif v == w and t == s + 1:
                kinds[source, to] = 5
    expected = torch.zeros(4 if frames == 1 else 6, nodes * frames, nodes * frames)
    for (source, to), kind in kinds.items():
        expected[kind, source, to] = 1 / sum(1 for pair in kinds if pair[1] == to)
    torch.testing.assert_close(matrices, expected)


def test_relation_convolution_equals_its_equation_in_value_and_gradient() -> None:
    torch.manual_seed(0)
    relations = relation_matrices(SMALL.joint_graph(), 2).double()
    layer = RelationConvolution(relations, 3, 4).double()
    features = torch.randn(2, 12, 3, dtype=torch.float64, requires_grad=True)
    rows = []
    for pose in features:
        for to in range(12):
            row = torch.zeros(4, dtype=torch.float64)
            for kind in range(6):
                for source in range(12):
                    mapped = pose[source] @ layer.weight[kind] + layer.bias[kind]
                    row = row + relations[kind, source, to] * mapped
            rows.append(row)
    expected = torch.stack(rows).view(2, 12, 4)
    actual = layer(features)
    torch.testing.assert_close(actual, expected)
    wanted = (features, *layer.parameters())
    direction = torch.randn_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad((actual * direction).sum(), wanted),
        torch.autograd.grad((expected * direction).sum(), wanted),
    )


def test_attention_equals_its_equation_in_value_and_gradient() -> None:
    torch.manual_seed(0)
    block = AttentionBlock(4).double().eval()
    torch.nn.init.normal_(block.norm.weight)
    torch.nn.init.normal_(block.norm.bias)
    features = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)

    def literal(pose: Tensor) -> Tensor:
        rows = []
        for i in range(3):
            scores = [torch.exp(block.theta(pose[i]) @ block.phi(pose[j])) for j in range(3)]
            heard = sum(scores[j] / sum(scores) * block.g(pose[j]) for j in range(3))
            scale = block.norm.weight / math.sqrt(1 + block.norm.eps)
            rows.append(pose[i] + block.out(heard) * scale + block.norm.bias)
        return torch.stack(rows)

    expected = torch.stack([literal(pose) for pose in features])
    actual = block(features)
    torch.testing.assert_close(actual, expected)
    wanted = (features, *block.parameters())
    direction = torch.randn_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad((actual * direction).sum(), wanted),
        torch.autograd.grad((expected * direction).sum(), wanted),
    )


def small_network(body: BodyParts, frames: int) -> STGCN:
    torch.manual_seed(0)
    network = STGCN(body, frames=frames, joint_channels=(8, 8, 12), part_channels=10)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            torch.nn.init.normal_(module.weight)
    return network.double().eval()


@pytest.mark.parametrize("frames", [1, 3])
def test_joints_may_be_relabelled(frames: int) -> None:
    order = [3, 0, 5, 2, 1, 4]
    new_name = {old: new for new, old in enumerate(order)}

    def renamed(joints: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(new_name[joint] for joint in joints)

    body = BodyParts(
        joints=6,
        edges=[renamed(pair) for pair in SMALL.edges],
        mirror_pairs=[renamed(pair) for pair in SMALL.mirror_pairs],
        centre=new_name[SMALL.centre],
        limbs=[(renamed(left), renamed(right)) for left, right in SMALL.limbs],
        torso=renamed(SMALL.torso),
    )
    network, relabelled = small_network(SMALL, frames), small_network(body, frames)
    weights = network.state_dict()
    for name in ("weight", "bias", "running_mean", "running_var"):
        key = f"input_norm.{name}"
        weights[key] = weights[key].view(6, 2)[order].flatten()
    relabelled.load_state_dict(weights)
    keypoints = torch.randn(2, frames, 6, 2, dtype=torch.float64)
    torch.testing.assert_close(relabelled(keypoints[:, :, order]), network(keypoints)[:, :, order])


def test_every_frame_reaches_every_other() -> None:
    network = small_network(SMALL, 5)
    keypoints = torch.randn(1, 5, 6, 2, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(keypoints)[0, 0].sum(), keypoints)
    assert gradient[0].flatten(1).any(dim=1).all()


def test_refinement_stays_between_its_two_poses_and_keeps_depth() -> None:
    torch.manual_seed(0)
    refinement = PoseRefinement(5, width=16).double().eval()
    regressed = torch.randn(3, 5, 3, dtype=torch.float64)
    on_ray = torch.randn(3, 5, 3, dtype=torch.float64)
    refined = refinement(regressed, on_ray)
    for b in range(3):
        seen = torch.cat([torch.cat([regressed[b, j], on_ray[b, j]]) for j in range(5)])
        hidden = torch.relu(refinement.layers[0](seen))
        share = torch.sigmoid(refinement.layers[3](hidden))
        for j in range(5):
            for axis in range(2):
                weight = share[2 * j + axis]
                expected = weight * regressed[b, j, axis] + (1 - weight) * on_ray[b, j, axis]
                torch.testing.assert_close(refined[b, j, axis], expected)
    assert torch.equal(refined[..., 2], regressed[..., 2])


def test_a_true_pose_lies_on_its_rays() -> None:
    torch.manual_seed(0)
    root_at = torch.tensor([0.3, -0.2, 4.0])
    pose = torch.randn(5, 3) * 0.3
    pose -= pose[2].clone()
    focal, centre = torch.tensor([2.3, 2.2]), torch.tensor([0.02, -0.01])
    keypoints = torch.empty(5, 2)
    for joint in range(5):
        x, y, z = pose[joint] + root_at
        keypoints[joint] = torch.stack([x, y]) / z * focal + centre
    wrong = torch.cat([torch.randn(5, 2), pose[:, 2:]], dim=1)
    wrong[2, 2] = 9.0  # the regressed depth of the root is not used
    found = pose_on_rays(
        wrong[None], keypoints[None], torch.cat([focal, centre])[None], root_at[None, 2], root=2
    )
    torch.testing.assert_close(found[0], pose, atol=1e-5, rtol=1e-5)


def test_refuses_parts_that_leave_out_a_joint() -> None:
    with pytest.raises(ValueError, match="each of 6 joints once"):
        BodyParts(6, SMALL.edges, SMALL.mirror_pairs, 5, SMALL.limbs, torso=(0,))
