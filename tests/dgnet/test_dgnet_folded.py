"""The fast forms of the network are the equations' literal reading, to ten digits."""

import pytest
import torch
from torch import nn

from benchmarks.literal_dgnet import literal_levels
from dgnet import BodyGraph, DGNet, DGNetConfig
from dgnet.folded import folded


def trained(body: BodyGraph, **switches: object) -> DGNet:
    """Return a network in evaluation mode whose every parameter and running average counts."""
    torch.manual_seed(0)
    network = DGNet(DGNetConfig(channels=8, blocks=2, **switches), body).double()
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.5)
    network(torch.randn(16, network.config.frames, body.joints, 2, dtype=torch.float64))
    return network.eval()


def agree(first: torch.Tensor, second: torch.Tensor) -> None:
    torch.testing.assert_close(first, second, rtol=1e-10, atol=1e-10)


def keypoints(network: DGNet, body: BodyGraph) -> torch.Tensor:
    shape = (3, network.config.frames, body.joints, 2)
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_both_fast_forms_equal_the_literal_equations(body: BodyGraph) -> None:
    network = trained(body)
    x = keypoints(network, body)
    literal = literal_levels(network, x)
    ours = network.levels(x)
    agree(ours.network, literal.network)
    for head, literally in zip(ours.blocks, literal.blocks, strict=True):
        agree(head, literally)
    agree(folded(network)(x), literal.network)


@pytest.mark.parametrize(
    "switches",
    [
        {"outside_window": "replicate"},
        {"spatial_self_neighbour": False, "temporal_self_neighbour": False},
        {"spatial_neighbours": 30, "temporal_neighbours": 30, "temporal_self_neighbour": False},
        {"frames": 1},
        {"frames": 1, "outside_window": "replicate"},
        {"temporal_unit": (), "non_local": False},
        {"form": "unified"},
        {"weight_bound": "tanh"},
        {"weighting": "embedded_gaussian"},
        {"connection": "precomputed"},
        {"connection": "symmetry"},
        {"knn": False},
    ],
    ids=str,
)
def test_folding_changes_no_prediction(body: BodyGraph, switches: dict[str, object]) -> None:
    network = trained(body, **switches)
    x = keypoints(network, body)
    agree(folded(network)(x), network(x))


def test_folding_leaves_the_network_as_it_was(body: BodyGraph) -> None:
    network = trained(body)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    fast = folded(network.train())
    assert network.training
    assert not fast.training
    assert not any(parameter.requires_grad for parameter in fast.parameters())
    assert network.state_dict().keys() == before.keys()
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
