"""How large a body is, and which unit would make it a person's."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.body.skeleton import Skeleton

SMALLEST_LEG, LARGEST_LEG = 0.25, 1.8
"""Metres from hip over knee to ankle that nobody leaves: a toddler's, and twice a tall man's."""
SMALL_LEG, LARGE_LEG = 0.5, 1.2
"""Metres beyond which a leg is rare."""
_USUAL_LEG = 0.85
_SHORTEST_BONE = 1e-3
"""Share of a leg below which a bone has no length."""

_FACTORS = {
    "millimetres": 0.001,
    "centimetres": 0.01,
    "decimetres": 0.1,
    "inches": 0.0254,
    "feet": 0.3048,
    "centimetres taken for inches": 1 / 2.54,
    "inches taken for centimetres": 2.54,
    "the CMU database's units taken for inches": 1 / 0.45,
    "metres taken for decimetres": 10.0,
    "metres taken for centimetres": 100.0,
    "metres taken for millimetres": 1000.0,
}


def leg_length(positions: NDArray[np.floating], skeleton: Skeleton) -> float | None:
    """Return the length of a leg, hip over knee to ankle: the median over frames and sides.

    Args:
        positions: (frames, joints, 3) in any unit.
        skeleton: of the positions; legs are told by the names LHip, LKnee, LFoot or LAnkle.

    Returns:
        The length in the unit of `positions`; None where the skeleton has no such legs.
    """
    lengths = []
    for side in ("L", "R"):
        ankle = next((side + end for end in ("Foot", "Ankle") if side + end in skeleton.joints), "")
        leg = (f"{side}Hip", f"{side}Knee", ankle)
        if not set(leg) <= set(skeleton.joints):
            return None
        hip, knee, foot = (positions[:, skeleton.joints.index(joint)] for joint in leg)
        lengths.append(np.linalg.norm(hip - knee, axis=-1) + np.linalg.norm(knee - foot, axis=-1))
    return float(np.median(lengths))


def bone_without_length(
    positions: NDArray[np.floating], skeleton: Skeleton
) -> tuple[int, str, str] | None:
    """Return the first frame in which two neighbouring joints coincide, and which; else None.

    Args:
        positions: (frames, joints, 3) in any unit.
        skeleton: of the positions.
    """
    shortest = _SHORTEST_BONE * (leg_length(positions, skeleton) or 0.0)
    for parent, child in skeleton.edges:
        short = np.linalg.norm(positions[:, child] - positions[:, parent], axis=-1) <= shortest
        if short.any():
            return int(short.argmax()), skeleton.joints[parent], skeleton.joints[child]
    return None


def fitting_factor(leg: float) -> tuple[float, str] | None:
    """Return the factor that turns a leg of this length into a person's, and what unit that is.

    Of the units that people mix up, the one is taken that comes nearest to 0.85 m; None where none
    gives a leg between 0.6 and 1.2 m.
    """
    if not leg > 0:
        return None
    off = {name: abs(np.log(leg * factor / _USUAL_LEG)) for name, factor in _FACTORS.items()}
    name = min(off, key=off.__getitem__)
    if not 0.6 <= leg * _FACTORS[name] <= LARGE_LEG:
        return None
    return _FACTORS[name], name


def judged_leg(leg: float) -> Literal["no", "rare", "usual"]:
    """Say whether a leg of this length in metres is a person's: "no", "rare" or "usual"."""
    if not SMALLEST_LEG <= leg <= LARGEST_LEG:
        return "no"
    return "usual" if SMALL_LEG <= leg <= LARGE_LEG else "rare"
