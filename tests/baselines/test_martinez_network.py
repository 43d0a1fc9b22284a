"""The fully-connected baseline: published size, max-norm, residual stages."""

import pytest
import torch

from baselines.martinez import BoundedLinear, Martinez


@pytest.mark.parametrize(
    ("joints_in", "joints_out", "count"),
    [(16, 16, 4_291_632), (16, 15, 4_288_557), (17, 17, 4_296_755)],
)
def test_has_the_published_number_of_parameters(
    joints_in: int, joints_out: int, count: int
) -> None:
    network = Martinez(joints_in, joints_out)
    assert sum(parameter.numel() for parameter in network.parameters()) == count


def test_equals_the_layers_written_out() -> None:
    torch.manual_seed(0)
    network = Martinez(3, 2, stages=1, width=7).double().eval()
    for norm in (network.input.norm, network.stages[0].first.norm, network.stages[0].second.norm):
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    poses = torch.randn(4, 3, 2, dtype=torch.float64)

    def layer(part: torch.nn.Module, features: list[float]) -> list[float]:
        rows = []
        for unit in range(7):
            total = part.linear.bias[unit].item()
            for weight, feature in zip(part.linear.weight[unit].tolist(), features, strict=True):
                total += weight * feature
            spread = (part.norm.running_var[unit] + part.norm.eps).item() ** 0.5
            rows.append(max(0.0, (total - part.norm.running_mean[unit].item()) / spread))
        return rows

    for pose, actual in zip(poses, network(poses), strict=True):
        hidden = layer(network.input, pose.flatten().tolist())
        stage = layer(network.stages[0].second, layer(network.stages[0].first, hidden))
        summed = torch.tensor([a + b for a, b in zip(hidden, stage, strict=True)]).double()
        expected = network.output.weight @ summed + network.output.bias
        torch.testing.assert_close(actual, expected.view(2, 3))


def test_max_norm_bounds_the_weight_and_leaves_smaller_ones_alone() -> None:
    features = torch.eye(3)
    layer = BoundedLinear(3, 4, max_norm=1.0)
    torch.nn.init.zeros_(layer.bias)
    torch.nn.init.constant_(layer.weight, 5.0)
    torch.testing.assert_close(layer(features).norm(), torch.tensor(1.0))
    torch.nn.init.constant_(layer.weight, 0.1)
    torch.testing.assert_close(layer(features), layer.weight.T)


def test_dropout_acts_in_training_only() -> None:
    network = Martinez(3, 3, width=64, dropout=0.5)
    poses = torch.randn(8, 3, 2)
    assert not torch.equal(network(poses), network(poses))
    network.eval()
    assert torch.equal(network(poses), network(poses))
