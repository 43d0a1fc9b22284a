"""How much a connection counts."""

import pytest
import torch

from dgnet.weighting import EmbeddedGaussian, FullyConnected, make_weighting


@pytest.fixture
def mask():
    return (
        torch.rand(7, 7, generator=torch.Generator().manual_seed(2)).gt(0.5) | torch.eye(7).bool()
    )


@pytest.mark.parametrize("weighting", ["none", "fully_connected", "embedded_gaussian"])
@pytest.mark.parametrize("bound", ["raw", "sigmoid", "softmax", "tanh"])
def test_only_connections_count(features, mask, weighting, bound):
    module = make_weighting(weighting, 5, bound).double()
    weights = module(features, features, mask)
    assert weights.shape == (3, 2, 7, 7)
    assert weights[..., ~mask].eq(0).all()
    assert weights[..., mask].ne(0).all()


def test_softmax_weights_of_a_joint_sum_to_one(features, mask):
    weights = FullyConnected(5, "softmax").double()(features, features, mask)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(3, 2, 7, dtype=torch.float64))


@pytest.mark.parametrize(("bound", "lowest"), [("sigmoid", 0.0), ("softmax", 0.0), ("tanh", -1.0)])
def test_bounds_hold_however_large_the_features(features, mask, bound, lowest):
    weights = FullyConnected(5, bound).double()(features * 1e6, features * 1e6, mask)
    assert weights.isfinite().all()
    assert weights.min() >= lowest
    assert weights.max() <= 1.0


def test_embedded_gaussian_is_its_formula(features, mask):
    module = EmbeddedGaussian(5).double()
    weights = module(features, features, mask)
    for i in range(7):
        kernel = {
            j: torch.exp(module.theta(features[1, 0, i]) @ module.phi(features[1, 0, j]))
            for j in range(7)
            if mask[i, j]
        }
        for j, value in kernel.items():
            torch.testing.assert_close(weights[1, 0, i, j], value / sum(kernel.values()))
