"""Orders in which detectors list their joints, by the number of them.

Joints go by the harness's names: L and R for the sides, Foot for an ankle, Neck for what lies
between the shoulders, Head for the top of the head, Hip for the middle of the hips.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.body.skeleton import COCO_17
from harness.foundation.errors import HarnessError

_FEET = ("BigToe", "SmallToe", "Heel")


@dataclass(frozen=True)
class JointOrder:
    """Joints in the order of a file.

    Attributes:
        name: what documentation and summaries call it.
        joints: names; a file may hold more joints after them, such as hands.
    """

    name: str
    joints: tuple[str, ...]


COCO = JointOrder("coco_17", COCO_17.joints)
"""COCO keypoints (cocodataset.org, keypoints 2020)."""

COCO_18 = JointOrder(
    "coco_18",
    (
        *("Nose", "Neck", "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist"),
        *("RHip", "RKnee", "RFoot", "LHip", "LKnee", "LFoot", "REye", "LEye", "REar", "LEar"),
    ),
)
"""OpenPose's model COCO (openpose, doc/02_output.md)."""

BODY_25 = JointOrder(
    "body_25",
    (
        *("Nose", "Neck", "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist", "Hip"),
        *("RHip", "RKnee", "RFoot", "LHip", "LKnee", "LFoot", "REye", "LEye", "REar", "LEar"),
        *(f"L{joint}" for joint in _FEET),
        *(f"R{joint}" for joint in _FEET),
    ),
)
"""OpenPose's model BODY_25 (openpose, doc/02_output.md)."""

HALPE_26 = JointOrder(
    "halpe_26",
    (
        *COCO_17.joints,
        *("Head", "Neck", "Hip"),
        *(side + joint for joint in _FEET for side in ("L", "R")),
    ),
)
"""The body of Halpe-FullBody (github.com/Fang-Haoshu/Halpe-FullBody, README)."""

BLAZEPOSE_33 = JointOrder(
    "blazepose_33",
    (
        *("Nose", "LEyeInner", "LEye", "LEyeOuter", "REyeInner", "REye", "REyeOuter"),
        *("LEar", "REar", "LMouth", "RMouth"),
        *(
            side + joint
            for joint in ("Shoulder", "Elbow", "Wrist", "Pinky", "Index", "Thumb")
            for side in ("L", "R")
        ),
        *(
            side + joint
            for joint in ("Hip", "Knee", "Foot", "Heel", "FootIndex")
            for side in ("L", "R")
        ),
    ),
)
"""MediaPipe's pose landmarks (Bazarevsky et al.: BlazePose, CVPRW 2020)."""

MPII_16 = JointOrder(
    "mpii_16",
    (
        *("RFoot", "RKnee", "RHip", "LHip", "LKnee", "LFoot", "Hip", "Thorax", "UpperNeck"),
        *("Head", "RWrist", "RElbow", "RShoulder", "LShoulder", "LElbow", "LWrist"),
    ),
)
"""MPII Human Pose (human-pose.mpi-inf.mpg.de): pelvis, thorax, upper neck and head top included."""

BY_COUNT: Mapping[int, JointOrder] = {
    16: MPII_16,
    17: COCO,
    18: COCO_18,
    25: BODY_25,
    26: HALPE_26,
    33: BLAZEPOSE_33,
    133: COCO,  # COCO-WholeBody: the body first, then feet, face and hands
    136: HALPE_26,  # Halpe-FullBody likewise
}


def order_of(count: int, allowed: tuple[int, ...], where: str) -> JointOrder:
    """Return the order in which a file lists `count` joints.

    Args:
        count: joints that a person has in the file.
        allowed: numbers of joints that the format has.
        where: the file and place in it; errors name it.

    Raises:
        HarnessError: no layout of this format has so many joints.
    """
    if count not in allowed:
        known = ", ".join(f"{number} ({BY_COUNT[number].name})" for number in allowed)
        raise HarnessError(
            f"{where}: has {count} joints a person, expected {known}; give other joints by name, "
            "in a CSV or npz file as docs/lift.md shows"
        )
    return BY_COUNT[count]
