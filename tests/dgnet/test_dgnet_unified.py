"""The unified form against loops over its two equations."""

import pytest
import torch

from dgnet.unified import DynamicalSpatioTemporalGraph, FixedSpatioTemporalGraph
from dgnet.weighting import FullyConnected


def frame_at(x, t, outside):
    """Features of frame t of (T, N, C), or None where there is no such frame."""
    if 0 <= t < len(x):
        return x[t]
    return x[min(max(t, 0), len(x) - 1)] if outside == "replicate" and len(x) > 1 else None


@pytest.mark.parametrize("outside", ["zero", "replicate"])
@pytest.mark.parametrize("frames", [1, 3])
def test_fixed_layer_is_fsg_on_three_frames(body, features, agrees_with_loop, outside, frames):
    layer = FixedSpatioTemporalGraph(5, 4, body.bones(), outside)
    bones = body.bones()

    def equation(x):
        score = layer.adjacency.score
        rows = []
        for t in range(len(x)):
            for b in range(x.shape[1]):
                index = 0
                for i in range(body.joints):
                    edges = []
                    for step in (-1, 0, 1):
                        for j in range(body.joints):
                            if i == j or (step == 0 and bones[i, j]):
                                edges.append((step, j, torch.exp(score[index])))
                                index += 1
                    total = sum(weight for _, _, weight in edges)
                    y = layer.bias
                    for step, j, weight in edges:
                        other = frame_at(x[:, b], t + step, outside)
                        if other is not None:
                            matrix = layer.weight[:, 0 if (step, j) == (0, i) else 1]
                            y = y + weight / total * (other[j] @ matrix)
                    rows.append(y)
        return torch.stack(rows).view(*x.shape[:-1], -1)

    agrees_with_loop(layer, equation, features[:frames])


@pytest.mark.parametrize("outside", ["zero", "replicate"])
@pytest.mark.parametrize("frames", [1, 3])
def test_dynamical_layer_is_dsg_on_three_frames(features, agrees_with_loop, outside, frames):
    layer = DynamicalSpatioTemporalGraph(5, 4, 5, True, FullyConnected(5, "sigmoid"), outside)
    x = features[:frames].clone()

    def equation(x):
        rows = []
        for t in range(len(x)):
            for b in range(x.shape[1]):
                nodes = [
                    node
                    for step in (0, -1, 1)
                    if (other := frame_at(x[:, b], t + step, outside)) is not None
                    for node in other
                ]
                for joint in x[t, b]:
                    nearest = sorted(nodes, key=lambda n: (n - joint).square().sum().item())[:5]
                    y = layer.bias
                    for node in nearest:
                        score = layer.weighting.score(torch.cat([joint, node]))
                        y = y + torch.sigmoid(score) * (node @ layer.weight[:, 0])
                    rows.append(y)
        return torch.stack(rows).view(*x.shape[:-1], -1)

    # Replicated frames are duplicates: whichever of two equal neighbours is taken, Y is the same.
    agrees_with_loop(layer, equation, x)
