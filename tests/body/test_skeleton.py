from dataclasses import replace
from typing import Any

import pytest

from harness.body.skeleton import (
    H36M_16,
    H36M_17,
    Skeleton,
    is_built_in,
    register_skeleton,
    skeleton_called,
    skeleton_names,
)
from harness.foundation.errors import HarnessError

ALL = [skeleton_called(name) for name in skeleton_names()]


def test_the_17_joints_are_those_of_the_field() -> None:
    # VideoPose3D, h36m_dataset.py: 15 of 32 joints removed, shoulders rewired to the thorax.
    assert H36M_17.parents == (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)
    assert H36M_17.left == (4, 5, 6, 11, 12, 13)
    assert H36M_17.right == (1, 2, 3, 14, 15, 16)


def test_the_16_joints_are_the_17_without_the_nose() -> None:
    kept = [joint for joint in range(17) if joint != 9]
    assert H36M_16.joints == tuple(H36M_17.joints[joint] for joint in kept)
    assert H36M_16.columns_in(H36M_17) == tuple(kept)
    # SemGCN: the head and the shoulders hang from the thorax, which is joint 8.
    assert H36M_16.parents == (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 8, 10, 11, 8, 13, 14)


@pytest.mark.parametrize("skeleton", ALL, ids=lambda skeleton: skeleton.name)
def test_every_skeleton_is_a_tree_with_matching_sides(skeleton: Skeleton) -> None:
    assert len(skeleton) == len(skeleton.joints) == len(skeleton.parents)
    assert len(set(skeleton.joints)) == len(skeleton)
    assert skeleton.parents.count(-1) == 1
    for start in range(len(skeleton)):
        joint, seen = start, {start}
        while skeleton.parents[joint] >= 0:
            joint = skeleton.parents[joint]
            assert joint not in seen, "a ring of bones never reaches the root"
            seen.add(joint)
        assert joint == skeleton.root
    assert len(skeleton.edges) == len(skeleton) - 1
    for left, right in zip(skeleton.left, skeleton.right, strict=True):
        assert skeleton.joints[left][0] == "L"
        assert skeleton.joints[right] == "R" + skeleton.joints[left][1:]


@pytest.mark.parametrize("skeleton", ALL, ids=lambda skeleton: skeleton.name)
def test_mirroring_twice_changes_nothing_and_moves_only_sides(skeleton: Skeleton) -> None:
    mirror = skeleton.mirror
    assert [mirror[joint] for joint in mirror] == list(range(len(skeleton)))
    moved = {joint for joint, image in enumerate(mirror) if joint != image}
    assert moved == {*skeleton.left, *skeleton.right}


def test_unknown_names_are_refused_with_the_nearest_known() -> None:
    with pytest.raises(HarnessError, match="unknown skeleton 'h36m17'; did you mean 'h36m_17'"):
        skeleton_called("h36m17")
    with pytest.raises(HarnessError, match=r"joint of skeleton h36m_17 'LKne'.*'LKnee'"):
        H36M_17.index("LKne")
    with pytest.raises(HarnessError, match=r"h36m_16 \(16 joints\) lacks Neck/Nose"):
        H36M_17.columns_in(H36M_16)


FISH = Skeleton("fish", ("Body", "Tail", "LFin", "RFin"), (-1, 0, 0, 0), (2,), (3,))


def test_a_registered_skeleton_is_known_by_its_name() -> None:
    register_skeleton(FISH)
    register_skeleton(replace(FISH))
    assert skeleton_called("fish") is FISH
    assert is_built_in(H36M_17)
    assert not is_built_in(FISH)
    with pytest.raises(HarnessError, match="skeleton fish: another skeleton already has this name"):
        register_skeleton(replace(FISH, parents=(-1, 0, 1, 1)))
    with pytest.raises(HarnessError, match="skeleton h36m_17: another"):
        register_skeleton(replace(FISH, name="h36m_17"))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"joints": ("Body", "Tail", "Tail", "RFin")}, "names a joint twice"),
        ({"joints": ()}, "without a name or a joint"),
        ({"parents": (-1, 0, 0)}, "has 3 parents for 4 joints"),
        ({"parents": (-1, -1, 0, 0)}, "exactly one root"),
        ({"parents": (-1, 2, 1, 0)}, "does not hang on the root"),
        ({"parents": (-1, 0, 7, 0)}, "does not hang on the root"),
        ({"left": (2, 1)}, "pairs 2 left with 1 right joints"),
        ({"left": (3,)}, "left or right joint twice"),
        ({"right": (9,)}, "one that does not exist"),
    ],
)
def test_what_is_no_skeleton_is_refused(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(HarnessError, match=f"skeleton beast: .*{fault}"):
        register_skeleton(replace(FISH, name="beast", **changes))
    with pytest.raises(HarnessError, match="unknown skeleton"):
        skeleton_called("beast")
