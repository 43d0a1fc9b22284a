"""A BVH file as motion of Human3.6M's joints: unit, bones, damage, rate."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.body.size import bone_without_length, judged_leg, leg_length
from harness.body.skeleton import H36M_17
from harness.datasets.bvh.mapping import SkeletonMapping
from harness.datasets.bvh.reader import BvhMotion
from harness.datasets.damage import sound_motion
from harness.datasets.plausible_3d import check_body
from harness.datasets.resample import resample
from harness.foundation.errors import HarnessError

UNITS = {
    1.0: "metres",
    0.01: "centimetres",
    0.001: "millimetres",
    0.0254: "inches",
    0.0254 / 0.45: "the CMU database's units, inches divided by 0.45",
}
"""By length in metres, the units that files are in where nobody says it."""
_SMALLEST_LEG, _USUAL_LEG, _LARGEST_LEG = 0.6, 0.85, 1.2
_FARTHEST = 1e9
_UPRIGHT_METRES = 0.3

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Pieces:
    """What is left of a motion file.

    Attributes:
        sound: pieces of (frames, 17, 3) world metres, z up, at the rate that was asked for.
        metres_per_unit: the length of the file's unit.
        notes: what was left out or mended, with frames counted from 1, and what is odd.
    """

    sound: list[Array]
    metres_per_unit: float
    notes: list[str]


def motion_pieces(
    trial: str,
    motion: BvhMotion,
    mapping: SkeletonMapping,
    fps: float,
    metres_per_unit: float | None = None,
) -> Pieces:
    """Return the sound pieces of a motion file.

    Args:
        trial: its name, for the notes.
        motion: what the file holds.
        mapping: which of its joints is which.
        fps: frames a second of the pieces.
        metres_per_unit: length of the file's unit; else that of the mapping, else inferred.

    Raises:
        HarnessError: a joint is missing, a bone has no length, the unit makes it no person.
    """
    joints = mapping.mapped(motion)
    _check_bones(motion, mapping, joints)
    unit = metres_per_unit or mapping.metres_per_unit or _unit_of(motion, joints)
    positions = joints * unit
    _check_unit(motion, joints, unit)
    check_body(str(motion.path), positions, H36M_17)
    moving = motion.moving(mapping.needed)
    sound, notes = sound_motion(trial, motion.values, positions, moving, motion.rate)
    notes += _posture(trial, positions)
    return Pieces([resample(piece, motion.rate, fps) for piece in sound], unit, notes)


def _check_bones(motion: BvhMotion, mapping: SkeletonMapping, joints: Array) -> None:
    if not (np.abs(joints) < _FARTHEST).all():
        raise HarnessError(
            f"{motion.path}: a joint is {_FARTHEST:g} units or more away; the file is damaged, so "
            "export it again"
        )
    found = bone_without_length(joints, H36M_17)
    if found is not None:
        frame, *names = found
        made = " and ".join(" + ".join(mapping.weights[name]) for name in names)
        raise HarnessError(
            f"{motion.path}, frame {frame + 1}: the bone from {names[0]} to {names[1]} has no "
            f"length ({made}); correct the mapping '{mapping.title}' or the file's offsets"
        )


def _unit_of(motion: BvhMotion, joints: Array) -> float:
    """Return the length in metres of the unit that makes legs a person's."""
    leg = leg_length(joints, H36M_17) or 0.0
    unit = min(UNITS, key=lambda metres: abs(np.log(leg * metres / _USUAL_LEG)))
    if not _SMALLEST_LEG <= leg * unit <= _LARGEST_LEG:
        raise HarnessError(
            f"{motion.path}: legs, hip over knee to ankle, are {leg:.3g} long, which no unit makes "
            f"{_SMALLEST_LEG:g} to {_LARGEST_LEG:g} m; say its length (option metres_per_unit)"
        )
    return unit


def _check_unit(motion: BvhMotion, joints: Array, unit: float) -> None:
    """Refuse a unit that makes it no person where another one would."""
    leg = leg_length(joints, H36M_17) or 0.0
    if judged_leg(leg * unit) != "no":
        return
    likely = _unit_of(motion, joints)
    raise HarnessError(
        f"{motion.path}: in units of {unit:g} m, as was told, legs are {leg * unit:.3g} m long; by "
        f"them the file is in {UNITS[likely]} (--set metres_per_unit={likely:.4g}), and files of "
        "other units are prepared apart"
    )


def _posture(trial: str, positions: Array) -> list[str]:
    """Return a note where the body mostly does not stand, which a wrong axis would do as well."""
    head = positions[:, H36M_17.index("Head"), 2]
    feet = positions[:, [H36M_17.index("LFoot"), H36M_17.index("RFoot")], 2].mean(axis=1)
    above = float(np.median(head - feet))
    if above >= _UPRIGHT_METRES:
        return []
    return [
        f"{trial}: the head is {above:.2f} m above the feet, the median: people lie, or another "
        "axis points up (up in the mapping)"
    ]
