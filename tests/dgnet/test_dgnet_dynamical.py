"""DSG and DTG against loops over eq. 3 to 7 and 10 to 14."""

import pytest
import torch

from dgnet.dynamical import DynamicalSpatialGraph, DynamicalTemporalGraph
from dgnet.weighting import FullyConnected, make_weighting

BOUNDS = ["raw", "sigmoid", "softmax", "tanh"]


def neighbours_by_loop(rows, count, include_self):
    """For each row, the `count` rows at the smallest Euclidean distance."""
    found = []
    for i in range(len(rows)):
        distance = {
            j: (rows[i] - rows[j]).square().sum().sqrt().item()
            for j in range(len(rows))
            if include_self or j != i
        }
        found.append(sorted(distance, key=lambda j: distance[j])[:count])
    return found


def weights_by_loop(weighting, receiver, senders, chosen):
    """gamma of each concatenated pair, bounded; {joint: weight} for one listening joint."""
    scores = {}
    for j in chosen:
        pair = torch.cat([receiver, senders[j]])
        scores[j] = (weighting.score.weight[0] * pair).sum() + weighting.score.bias[0]
    if weighting.bound == "softmax":
        total = sum(torch.exp(score) for score in scores.values())
        return {j: torch.exp(score) / total for j, score in scores.items()}
    bound = {"raw": lambda s: s, "sigmoid": torch.sigmoid, "tanh": torch.tanh}[weighting.bound]
    return {j: bound(score) for j, score in scores.items()}


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("include_self", [True, False])
def test_dsg_is_equation_7(features, agrees_with_loop, bound, include_self):
    layer = DynamicalSpatialGraph(5, 4, 3, include_self, FullyConnected(5, bound))

    def equation(x):
        rows = []
        for t in range(len(x)):
            for b in range(x.shape[1]):
                frame = x[t, b]
                for i, chosen in enumerate(neighbours_by_loop(frame, 3, include_self)):
                    weights = weights_by_loop(layer.weighting, frame[i], frame, chosen)
                    y = layer.bias
                    for j, weight in weights.items():
                        y = y + weight * (frame[j] @ layer.weight[:, 0])
                    rows.append(y)
        return torch.stack(rows).view(*x.shape[:-1], -1)

    agrees_with_loop(layer, equation, features)


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("outside", ["zero", "replicate"])
@pytest.mark.parametrize("include_self", [True, False])
def test_dtg_is_equation_14(features, agrees_with_loop, bound, outside, include_self):
    check_dtg(features, agrees_with_loop, bound, outside, include_self)


@pytest.mark.parametrize("outside", ["zero", "replicate"])
@pytest.mark.parametrize("frames", [1, 2])
def test_dtg_in_short_windows(features, agrees_with_loop, outside, frames):
    check_dtg(features[:frames], agrees_with_loop, "softmax", outside, True)


def check_dtg(features, agrees_with_loop, bound, outside, include_self):
    layer = DynamicalTemporalGraph(
        5, 4, 4, include_self, FullyConnected(5, bound), FullyConnected(5, bound), outside
    )

    def equation(x):
        frames = len(x)
        rows = []
        for t in range(frames):
            for b in range(x.shape[1]):
                y = x[t, b] @ layer.weight[:, 0] + layer.bias
                for step, weighting, matrix in (
                    (1, layer.forward_weighting, layer.weight[:, 1]),
                    (-1, layer.backward_weighting, layer.weight[:, 2]),
                ):
                    y = y + messages(x[:, b], t, step, weighting, matrix)
                rows.append(y)
        return torch.stack(rows).view(*x.shape[:-1], -1)

    def messages(x, t, step, weighting, matrix):
        frames = len(x)
        other = t + step
        inside = 0 <= other < frames
        if frames == 1 or (not inside and outside == "zero"):
            return torch.zeros(x.shape[1], matrix.shape[1], dtype=x.dtype)
        other = min(max(other, 0), frames - 1)
        # Outside the window frames and motions repeat: the motion is the last one inside.
        start = min(max(min(t, t + step), 0), frames - 2)
        motion = x[start + 1] - x[start]
        result = []
        for i, chosen in enumerate(neighbours_by_loop(motion, 4, include_self)):
            weights = weights_by_loop(weighting, x[t, i], x[other], chosen)
            result.append(sum(weight * (x[other, j] @ matrix) for j, weight in weights.items()))
        return torch.stack(result)

    agrees_with_loop(layer, equation, features)


def test_without_bounds_and_weights_dsg_sums_its_neighbours(features):
    layer = DynamicalSpatialGraph(5, 5, 3, True, make_weighting("none", 5, "softmax")).double()
    affinity = layer.affinity(features, None)
    assert affinity.dtype == torch.float64
    assert affinity.sum(dim=-1).eq(3).all()


@pytest.mark.parametrize("weighting", ["none", "fully_connected", "embedded_gaussian"])
def test_dynamical_layers_follow_a_relabelling_of_joints(features, weighting):
    order = torch.tensor([3, 0, 6, 2, 5, 1, 4])

    def make():
        return make_weighting(weighting, 5, "sigmoid")

    for layer in (
        DynamicalSpatialGraph(5, 4, 3, True, make()),
        DynamicalTemporalGraph(5, 4, 4, False, make(), make(), "replicate"),
    ):
        layer.double()
        torch.testing.assert_close(layer(features[:, :, order]), layer(features)[:, :, order])


def test_a_given_mask_replaces_the_search(features):
    layer = DynamicalSpatialGraph(5, 4, 3, True, FullyConnected(5, "softmax")).double()
    mask = torch.eye(7, dtype=torch.bool)
    torch.testing.assert_close(
        layer.affinity(features, mask), torch.eye(7, dtype=torch.float64).expand(3, 2, 7, 7)
    )


def test_no_gradient_flows_through_the_choice_of_neighbours(features):
    layer = DynamicalSpatialGraph(5, 4, 3, True, make_weighting("none", 5, "softmax")).double()
    x = features.requires_grad_()
    assert not layer.affinity(x, None).requires_grad
