"""Drop path: what it leaves out, and what it leaves as it is."""

import torch

from baselines.attention import DropPath, TransformerBlock, drop_path_rates


def test_drop_path_leaves_out_whole_groups_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    path = DropPath(0.25).train()
    dropped = path(torch.ones(200, 50, 3, 4))
    groups = dropped.flatten(2)
    assert torch.equal(groups.amax(dim=2), groups.amin(dim=2))
    values = set(groups.unique().tolist())
    assert values == {0.0, torch.tensor(1 / 0.75).item()}
    assert abs(dropped.mean() - 1) < 0.02


def test_drop_path_keeps_where_uniform_numbers_fall_below_what_is_kept() -> None:
    # Not `bernoulli_`, whose draws depend on who made the CPU.
    branch = torch.ones(500, 3, 4)
    torch.manual_seed(3)
    kept = DropPath(0.25).train()(branch)[:, 0, 0] > 0
    torch.manual_seed(3)
    uniform = torch.rand(500, dtype=torch.float64)
    assert torch.equal(kept, uniform < 0.75)


def test_drop_path_does_nothing_in_evaluation() -> None:
    branch = torch.randn(3, 4, 5)
    assert DropPath(0.9).eval()(branch) is branch


def test_a_block_without_its_branches_is_the_identity() -> None:
    tokens = torch.randn(60, 4, 16)
    torch.manual_seed(0)
    out = TransformerBlock(16, 2, drop_path=0.9).train()(tokens)
    same = (out == tokens).flatten(1).all(dim=1)
    assert same.any()
    assert not same.all()


def test_rates_rise_from_zero_to_the_last() -> None:
    torch.testing.assert_close(torch.tensor(drop_path_rates(0.1, 8)), torch.arange(8) * 0.1 / 7)
    assert drop_path_rates(0.1, 1) == [0.0]
