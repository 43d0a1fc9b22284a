import pytest
import torch

from baselines.dropout import Dropout


def test_it_zeroes_where_uniform_numbers_fall_below_p_and_scales_the_rest() -> None:
    features = torch.randn(200, 50, dtype=torch.float64)
    torch.manual_seed(3)
    dropped = Dropout(0.25)(features)
    torch.manual_seed(3)
    uniform = torch.rand(200, 50, dtype=torch.float64)
    expected = torch.where(uniform < 0.25, 0.0, features / 0.75)
    torch.testing.assert_close(dropped, expected)
    assert (dropped == 0).double().mean() == pytest.approx(0.25, abs=0.02)


def test_gradients_pass_where_features_do() -> None:
    features = torch.ones(100, requires_grad=True)
    dropped = Dropout(0.5)(features)
    dropped.sum().backward()
    torch.testing.assert_close(features.grad, dropped.detach())


def test_nothing_is_dropped_in_evaluation_or_with_p_0_and_all_with_p_1() -> None:
    features = torch.randn(10)
    assert Dropout(0.5).eval()(features) is features
    assert Dropout(0.0)(features) is features
    assert not Dropout(1.0)(features).any()
