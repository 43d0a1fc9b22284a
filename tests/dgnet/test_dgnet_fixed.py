"""FSG and FTG against loops over eq. 1, 2, 8 and 9."""

import math

import pytest
import torch
from torch import Tensor

from dgnet.fixed import FixedSpatialGraph, FixedTemporalGraph


def adjacency_by_loop(scores: Tensor, edges: set[tuple[int, int]], joints: int) -> Tensor:
    """Softmax over each row of the skeleton with self loops, scores in row-major order of edges."""
    rows = []
    index = 0
    for i in range(joints):
        row = [torch.zeros((), dtype=torch.float64) for _ in range(joints)]
        for j in range(joints):
            if i == j or (i, j) in edges:
                row[j] = torch.exp(scores[index])
                index += 1
        rows.append(torch.stack(row) / sum(row))
    return torch.stack(rows)


def both_ways(body):
    return set(body.edges) | {(j, i) for i, j in body.edges}


@pytest.mark.parametrize("activated", [True, False])
def test_fsg_is_equation_2(body, features, agrees_with_loop, activated):
    layer = FixedSpatialGraph(5, 4, body.bones(), activated=activated)

    def equation(x):
        adjacency = adjacency_by_loop(layer.adjacency.score, both_ways(body), body.joints)
        own, other = layer.weight[:, 0], layer.weight[:, 1]
        frames = []
        for t in range(len(x)):
            for b in range(x.shape[1]):
                for i in range(body.joints):
                    y = adjacency[i, i] * (x[t, b, i] @ own) + layer.bias
                    for j in range(body.joints):
                        if j != i:
                            y = y + adjacency[i, j] * (x[t, b, j] @ other)
                    frames.append(y)
        return torch.stack(frames).view(*x.shape[:-1], -1)

    agrees_with_loop(layer, equation, features)


@pytest.mark.parametrize("outside", ["zero", "replicate"])
@pytest.mark.parametrize("frames", [1, 2, 3])
def test_ftg_is_equation_9(features, agrees_with_loop, outside, frames):
    layer = FixedTemporalGraph(5, 4, outside)

    def equation(x):
        rows = []
        for t in range(len(x)):
            y = x[t] @ layer.weight[:, 0] + layer.bias
            for shift, matrix in ((1, layer.weight[:, 1]), (-1, layer.weight[:, 2])):
                other = t + shift
                if outside == "replicate" and len(x) > 1:
                    other = min(max(other, 0), len(x) - 1)
                if 0 <= other < len(x):
                    y = y + x[other] @ matrix
            rows.append(y)
        return torch.stack(rows)

    agrees_with_loop(layer, equation, features[:frames])


def test_adjacency_rows_sum_to_one_on_the_skeleton_only(body):
    adjacency = FixedSpatialGraph(2, 2, body.bones()).adjacency()
    torch.testing.assert_close(adjacency.sum(dim=1), torch.ones(body.joints))
    assert torch.equal(adjacency > 0, body.bones() | torch.eye(body.joints, dtype=torch.bool))


def test_starts_with_equal_weights_for_a_joint_and_its_bones(body):
    adjacency = FixedSpatialGraph(2, 2, body.bones()).adjacency()
    assert math.isclose(adjacency[0, 1].item(), 1 / 4, rel_tol=1e-6)


def test_fsg_does_not_look_beyond_the_neighbours(body, features):
    layer = FixedSpatialGraph(5, 4, body.bones(), activated=False).double()
    moved = features.clone()
    moved[..., 2, :] += 1.0
    changed = (layer(moved) != layer(features)).any(dim=-1).flatten(0, 1).any(dim=0)
    assert changed.tolist() == [False, True, True, False, False, False, False]


def test_fsg_follows_a_relabelling_of_joints(body, features):
    order = torch.tensor([3, 0, 6, 2, 5, 1, 4])
    layer = FixedSpatialGraph(5, 4, body.bones()).double()
    relabelled = FixedSpatialGraph(5, 4, body.bones()[order][:, order]).double()
    relabelled.load_state_dict(layer.state_dict())
    scores = torch.zeros(7, 7, dtype=torch.float64)
    layer.adjacency.score.data.normal_(generator=torch.Generator().manual_seed(1))
    scores.view(-1)[layer.adjacency.places] = layer.adjacency.score.data
    permuted = scores[order][:, order].reshape(-1)
    relabelled.adjacency.score.data = permuted[relabelled.adjacency.places]
    torch.testing.assert_close(relabelled(features[:, :, order]), layer(features)[:, :, order])
