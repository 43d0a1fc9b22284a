"""SemGCN as a whole: published sizes, relabelling, and what a grouped block sees."""

import pytest
import torch

from baselines.semgcn import SemGCN

EDGES_16 = (
    *((0, 1), (1, 2), (2, 3), (0, 4), (4, 5), (5, 6), (0, 7), (7, 8), (8, 9)),
    *((8, 10), (10, 11), (11, 12), (8, 13), (13, 14), (14, 15)),
)
GROUPS_16 = ((2, 3), (5, 6), (1, 4), (0, 7), (8, 9), (14, 15), (11, 12), (10, 13))


@pytest.mark.parametrize(
    ("joints", "non_local", "groups", "count"),
    [
        (16, False, None, 267_343),
        (16, True, None, 434_703),
        (16, True, GROUPS_16, 434_703),
        (17, False, None, 267_373),
    ],
)
def test_has_the_published_number_of_parameters(
    joints: int, non_local: bool, groups: tuple[tuple[int, int], ...] | None, count: int
) -> None:
    edges = (*EDGES_16, (15, 16)) if joints == 17 else EDGES_16
    network = SemGCN(joints, edges, non_local=non_local, groups=groups)
    assert sum(parameter.numel() for parameter in network.parameters()) == count


def test_far_joints_meet_only_through_non_local_blocks() -> None:
    """Without them, 2 + 1 graph convolutions carry a joint's influence three bones far."""
    poses = torch.randn(1, 16, 2, generator=torch.Generator().manual_seed(0))
    moved = poses.clone()
    moved[0, 3] += 1  # a foot: its wrists lie seven bones away
    for non_local, reaches in ((False, False), (True, True)):
        torch.manual_seed(0)
        network = SemGCN(
            16, EDGES_16, channels=16, modules=0, non_local=non_local, groups=GROUPS_16
        )
        for block in network.modules():
            if isinstance(block, torch.nn.BatchNorm1d):
                torch.nn.init.ones_(block.weight)
        network.eval()
        difference = (network(moved) - network(poses))[0, 15].abs().max()
        assert bool(difference > 1e-6) == reaches


def test_joints_may_be_relabelled() -> None:
    order = torch.randperm(16, generator=torch.Generator().manual_seed(1)).tolist()
    new_name = {old: new for new, old in enumerate(order)}
    torch.manual_seed(0)
    network = SemGCN(16, EDGES_16, channels=8, non_local=True, groups=GROUPS_16)
    relabelled = SemGCN(
        16,
        [(new_name[i], new_name[j]) for i, j in EDGES_16],
        channels=8,
        non_local=True,
        groups=[[new_name[joint] for joint in group] for group in GROUPS_16],
    )
    relabelled.load_state_dict(network.state_dict())
    poses = torch.randn(32, 16, 2)
    # Fresh edge logits are all one, so they need no relabelling.
    torch.testing.assert_close(
        relabelled(poses[:, order]), network(poses)[:, order], atol=1e-5, rtol=1e-4
    )
