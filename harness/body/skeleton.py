"""Skeletons: which joints, how they hang together, which are mirror images of each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.foundation.errors import HarnessError
from harness.foundation.suggest import unknown_name


@dataclass(frozen=True)
class Skeleton:
    """A named, ordered set of joints.

    Attributes:
        name: the identity that files and contracts record.
        joints: joint names in array order.
        parents: index of each joint's parent, -1 for the root.
        left: indices of the joints of the left side.
        right: indices of their mirror images, in the same order.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.joints)

    @cached_property
    def root(self) -> int:
        """Index of the joint that root-relative positions are relative to."""
        return self.parents.index(-1)

    @cached_property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """The bones as (parent, child) index pairs."""
        return tuple((parent, child) for child, parent in enumerate(self.parents) if parent >= 0)

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """The permutation that swaps left and right: `x[..., mirror, :]`."""
        permutation = list(range(len(self)))
        for left, right in zip(self.left, self.right, strict=True):
            permutation[left], permutation[right] = right, left
        return tuple(permutation)

    def index(self, joint: str) -> int:
        """Return the index of the joint called `joint`.

        Raises:
            HarnessError: there is no such joint.
        """
        if joint not in self.joints:
            raise unknown_name(f"joint of skeleton {self.name}", joint, self.joints)
        return self.joints.index(joint)

    def columns_in(self, other: "Skeleton") -> tuple[int, ...]:
        """Return where each joint of this skeleton stands in `other`: `array_of_other[:, columns]`.

        Raises:
            HarnessError: `other` lacks one of the joints.
        """
        missing = [joint for joint in self.joints if joint not in other.joints]
        if missing:
            raise HarnessError(
                f"skeleton {other.name} ({len(other)} joints) lacks {', '.join(missing)}, "
                f"which skeleton {self.name} ({len(self)} joints) needs"
            )
        return tuple(other.joints.index(joint) for joint in self.joints)


H36M_17 = Skeleton(
    name="h36m_17",
    joints=(
        "Hip",
        "RHip",
        "RKnee",
        "RFoot",
        "LHip",
        "LKnee",
        "LFoot",
        "Spine",
        "Thorax",
        "Neck/Nose",
        "Head",
        "LShoulder",
        "LElbow",
        "LWrist",
        "RShoulder",
        "RElbow",
        "RWrist",
    ),
    parents=(-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15),
    left=(4, 5, 6, 11, 12, 13),
    right=(1, 2, 3, 14, 15, 16),
)
"""The 17 of Human3.6M's 32 joints that the field uses (VideoPose3D, h36m_dataset.py)."""

H36M_16 = Skeleton(
    name="h36m_16",
    joints=tuple(joint for joint in H36M_17.joints if joint != "Neck/Nose"),
    parents=(-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 8, 10, 11, 8, 13, 14),
    left=(4, 5, 6, 10, 11, 12),
    right=(1, 2, 3, 13, 14, 15),
)
"""H36M_17 without Neck/Nose, as SemGCN's public code uses it."""

HUMANEVA_15 = Skeleton(
    name="humaneva_15",
    joints=(
        "Hip",
        "Thorax",
        "LShoulder",
        "LElbow",
        "LWrist",
        "RShoulder",
        "RElbow",
        "RWrist",
        "LHip",
        "LKnee",
        "LFoot",
        "RHip",
        "RKnee",
        "RFoot",
        "Head",
    ),
    parents=(-1, 0, 1, 2, 3, 1, 5, 6, 0, 8, 9, 0, 11, 12, 1),
    left=(2, 3, 4, 8, 9, 10),
    right=(5, 6, 7, 11, 12, 13),
)
"""The 15 joints of HumanEva-I that the field uses (VideoPose3D, humaneva_dataset.py)."""

MPI_INF_3DHP_17 = Skeleton(
    name="mpi_inf_3dhp_17",
    joints=(
        "HeadTop",
        "Neck",
        "RShoulder",
        "RElbow",
        "RWrist",
        "LShoulder",
        "LElbow",
        "LWrist",
        "RHip",
        "RKnee",
        "RAnkle",
        "LHip",
        "LKnee",
        "LAnkle",
        "Pelvis",
        "Spine",
        "Head",
    ),
    parents=(16, 15, 1, 2, 3, 1, 5, 6, 14, 8, 9, 14, 11, 12, -1, 14, 1),
    left=(5, 6, 7, 11, 12, 13),
    right=(2, 3, 4, 8, 9, 10),
)
"""The 17 of MPI-INF-3DHP's 28 joints that the field uses (P-STMO); the root is joint 14."""

COCO_17 = Skeleton(
    name="coco_17",
    joints=(
        "Nose",
        "LEye",
        "REye",
        "LEar",
        "REar",
        "LShoulder",
        "RShoulder",
        "LElbow",
        "RElbow",
        "LWrist",
        "RWrist",
        "LHip",
        "RHip",
        "LKnee",
        "RKnee",
        "LFoot",
        "RFoot",
    ),
    parents=(-1, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8, 5, 6, 11, 12, 13, 14),
    left=(1, 3, 5, 7, 9, 11, 13, 15),
    right=(2, 4, 6, 8, 10, 12, 14, 16),
)
"""The keypoints of COCO, a layout of 2D detections only; the order is COCO's, the tree ours."""

_BUILT_IN = (H36M_17, H36M_16, HUMANEVA_15, MPI_INF_3DHP_17, COCO_17)
_SKELETONS: dict[str, Skeleton] = {skeleton.name: skeleton for skeleton in _BUILT_IN}


def skeleton_called(name: str) -> Skeleton:
    """Return the skeleton with this name.

    Raises:
        HarnessError: there is none; one that a data set defines is known once the set is open.
    """
    if name not in _SKELETONS:
        raise unknown_name("skeleton", name, skeleton_names())
    return _SKELETONS[name]


def skeleton_names() -> Sequence[str]:
    """Return the names of all known skeletons."""
    return sorted(_SKELETONS)


def register_skeleton(skeleton: Skeleton) -> None:
    """Make a skeleton that a data set defines known by its name, so that contracts can name it.

    Raises:
        HarnessError: its parents, left or right make no skeleton, or another one has its name.
    """
    _check(skeleton)
    if _SKELETONS.setdefault(skeleton.name, skeleton) != skeleton:
        raise HarnessError(
            f"skeleton {skeleton.name}: another skeleton already has this name; give it its own"
        )


def is_built_in(skeleton: Skeleton) -> bool:
    """Return whether the skeleton is known without any data set that defines it."""
    return skeleton in _BUILT_IN


def _check(skeleton: Skeleton) -> None:
    count, left, right = len(skeleton), skeleton.left, skeleton.right
    sides = {*left, *right}
    faults = {
        "is without a name or a joint": not skeleton.name or not count,
        "names a joint twice": len(set(skeleton.joints)) < count,
        f"has {len(skeleton.parents)} parents for {count} joints": len(skeleton.parents) != count,
        "must have exactly one root (parent -1)": skeleton.parents.count(-1) != 1,
        "has a joint that does not hang on the root": not _all_hang_on_root(skeleton.parents),
        f"pairs {len(left)} left with {len(right)} right joints": len(left) != len(right),
        "names a left or right joint twice or one that does not exist": (
            len(sides) < len(left) + len(right) or not sides <= set(range(count))
        ),
    }
    for fault, found in faults.items():
        if found:
            raise HarnessError(f"skeleton {skeleton.name}: {fault}; correct its definition")


def _all_hang_on_root(parents: tuple[int, ...]) -> bool:
    reached = {-1}
    for _ in parents:
        reached |= {joint for joint, parent in enumerate(parents) if parent in reached}
    return len(reached) == len(parents) + 1
