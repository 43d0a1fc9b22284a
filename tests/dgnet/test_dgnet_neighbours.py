"""Who is connected."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dgnet.neighbours import nearest, static_mask


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), joints=st.integers(2, 9), count=st.integers(1, 9))
def test_each_joint_has_k_neighbours_or_all_there_are(seed, joints, count):
    x = torch.randn(2, joints, 3, generator=torch.Generator().manual_seed(seed))
    for include_self in (True, False):
        mask = nearest(x, count, include_self)
        available = joints if include_self else joints - 1
        assert mask.sum(dim=-1).eq(min(count, available)).all()
        assert mask.diagonal(dim1=-2, dim2=-1).eq(include_self).all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 6))
def test_no_joint_left_out_is_nearer_than_one_chosen(seed, count):
    x = torch.randn(7, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    distance = torch.cdist(x, x)
    mask = nearest(x, count, include_self=False)
    own = torch.eye(7, dtype=torch.bool)
    farthest_chosen = distance.masked_fill(~mask, 0).amax(dim=-1)
    nearest_left = distance.masked_fill(mask | own, torch.inf).amin(dim=-1)
    assert (farthest_chosen <= nearest_left + 1e-9).all()


def test_a_joint_is_its_own_first_neighbour_even_beside_a_duplicate():
    x = torch.ones(4, 3) * 1e3
    assert nearest(x, 1, include_self=True).equal(torch.eye(4, dtype=torch.bool))


def test_the_choice_ignores_a_shift_of_all_features():
    x = torch.randn(7, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert nearest(x, 3, True).equal(nearest(x + 5.0, 3, True))


def test_absent_candidates_are_never_chosen():
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    present = torch.tensor([False] * 4 + [True] * 4 + [False] * 4)
    mask = nearest(x, 6, True, torch.cat([x, x, x]), present)
    assert mask.equal(present.expand(4, 12))


def test_fixed_connects_bones(body):
    assert static_mask("fixed", body, 3, include_self=False).equal(body.bones())
    with_self = static_mask("fixed", body, 3, include_self=True)
    assert with_self.equal(body.bones() | torch.eye(7, dtype=torch.bool))


def test_symmetry_connects_mirror_images_and_midline_joints_to_themselves(body):
    mask = static_mask("symmetry", body, 3, include_self=False)
    listens_to = [row.nonzero().flatten().tolist() for row in mask]
    assert listens_to == [[0], [1], [2], [5], [6], [3], [4]]
    mask = static_mask("symmetry", body, 3, include_self=True)
    assert mask[3].nonzero().flatten().tolist() == [3, 5]


def test_full_connects_all(body):
    assert static_mask("full", body, 3, include_self=True).all()
    assert static_mask("full", body, 3, include_self=False).equal(~torch.eye(7, dtype=torch.bool))


def test_random_draws_k_neighbours_from_its_seed(body):
    first = static_mask("random", body, 3, include_self=False, seed=5)
    assert first.sum(dim=1).eq(3).all()
    assert not first.diagonal().any()
    assert first.equal(static_mask("random", body, 3, include_self=False, seed=5))
    assert not first.equal(static_mask("random", body, 3, include_self=False, seed=6))


@pytest.mark.parametrize("style", ["precomputed", "dynamical"])
def test_styles_that_look_at_the_pose_have_no_static_mask(body, style):
    assert static_mask(style, body, 3, include_self=True) is None


@pytest.mark.parametrize("style", ["fixed", "full", "symmetry"])
def test_three_frames_repeat_the_style(body, style):
    one = static_mask(style, body, 3, include_self=True)
    assert static_mask(style, body, 3, include_self=True, frames=3).equal(one.repeat(1, 3))


@pytest.mark.parametrize("others", [False, True])
def test_what_all_joints_have_in_common_does_not_blur_who_is_near(others):
    generator = torch.Generator().manual_seed(0)
    own = torch.randn(50, 7, 16, generator=generator) * 1e-3 + 10
    candidates = torch.cat([own - 1e-4, own, own + 1e-4], dim=1) if others else None
    exact = None if candidates is None else candidates.double()
    chosen = nearest(own.double(), 3, True, exact)
    assert torch.equal(nearest(own, 3, True, candidates), chosen)
