"""Names that people give to joints, as the harness's: left_ankle and ankle_l are both LFoot."""

import re
from collections.abc import Sequence

from harness.body.skeleton import H36M_17, HUMANEVA_15, MPI_INF_3DHP_17
from harness.datasets.keypoints.layouts import BLAZEPOSE_33, BODY_25, COCO, HALPE_26, MPII_16
from harness.foundation.errors import HarnessError

_KNOWN = frozenset(
    joint
    for joints in (
        *(order.joints for order in (COCO, BODY_25, HALPE_26, BLAZEPOSE_33, MPII_16)),
        *(skeleton.joints for skeleton in (H36M_17, HUMANEVA_15, MPI_INF_3DHP_17)),
    )
    for joint in joints
)
_SIDES = {"l": "L", "left": "L", "r": "R", "right": "R"}
_OTHER_WORDS = {
    "ankle": "Foot",
    "hips": "Hip",
    "pelvis": "Hip",
    "midhip": "Hip",
    "hipcenter": "Hip",
    "root": "Hip",
    "chest": "Thorax",
    "midshoulder": "Neck",
    "headtop": "Head",
    "tophead": "Head",
    "topofhead": "Head",
    "forehead": "Head",
    "toe": "BigToe",
}


def _without_side(joint: str) -> str:
    return joint[1:] if joint[0] in "LR" and joint[1:2].isupper() else joint


_WORDS = {_without_side(joint).lower(): _without_side(joint) for joint in _KNOWN}


def harness_names(names: Sequence[str], where: str) -> tuple[str, ...]:
    """Return joints by the harness's names; one that has none keeps the name that it has.

    Args:
        names: the file's names.
        where: the file; errors name it.

    Raises:
        HarnessError: two joints have one name.
    """
    known = tuple(_harness_name(name) for name in names)
    for number, name in enumerate(known):
        if name in known[:number]:
            first = names[known.index(name)]
            raise HarnessError(
                f"{where}: joints '{first}' and '{names[number]}' are both {name}; rename one"
            )
    return known


def _harness_name(name: str) -> str:
    if name in _KNOWN:
        return name
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    sides = [word for word in words if word.lower() in _SIDES]
    rest = "".join(word.lower() for word in words if word.lower() not in _SIDES)
    base = _OTHER_WORDS.get(rest, _WORDS.get(rest))
    if base is None or len(sides) > 1:
        return name
    found = _SIDES[sides[0].lower()] + base if sides else base
    return found if found in _KNOWN else name
