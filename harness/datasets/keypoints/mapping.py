"""From the joints that a detector finds to those that a lifter takes, by weighted means.

A joint that both have by one name is taken as it is. For each other one there are ways to derive
it, the best first; docs/lift.md says what each costs, measured on exact 2D.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.datasets.derived_joints import mean_weights
from harness.datasets.keypoints.detections import Floats
from harness.datasets.keypoints.filling import filled
from harness.datasets.keypoints.people import Person
from harness.foundation.errors import HarnessError

Weights = Mapping[str, float]

_HIPS: Weights = {"LHip": 1 / 2, "RHip": 1 / 2}
_SHOULDERS: Weights = {"LShoulder": 1 / 2, "RShoulder": 1 / 2}
_BEYOND_EARS: Weights = {"LEar": 3 / 4, "REar": 3 / 4, "LShoulder": -1 / 4, "RShoulder": -1 / 4}
_BEYOND_EYES: Weights = {
    "LEye": 2 / 3,
    "REye": 2 / 3,
    "LShoulder": -1 / 6,
    "RShoulder": -1 / 6,
}
_BEYOND_NOSE: Weights = {"Nose": 8 / 5, "LShoulder": -3 / 10, "RShoulder": -3 / 10}

DERIVATIONS: Mapping[str, tuple[Weights, ...]] = {
    "Hip": (_HIPS,),
    "Thorax": (_SHOULDERS, {"Neck": 1.0}),
    "Neck": (_SHOULDERS, {"Thorax": 1.0}),
    "Spine": ({"LHip": 1 / 4, "RHip": 1 / 4, "LShoulder": 1 / 4, "RShoulder": 1 / 4},),
    # It lies within the head, behind the nose.
    "Neck/Nose": ({"Nose": 1 / 2, "LEar": 1 / 4, "REar": 1 / 4}, {"Nose": 1.0}, {"UpperNeck": 1.0}),
    # Beyond the ears by half of the way from the shoulders to them; beyond the eyes by a third, or
    # the nose by three fifths.
    "Head": ({"HeadTop": 1.0}, _BEYOND_EARS, _BEYOND_EYES, _BEYOND_NOSE),
    "HeadTop": ({"Head": 1.0}, _BEYOND_EARS, _BEYOND_EYES, _BEYOND_NOSE),
    "Nose": ({"Neck/Nose": 1.0},),
    "Pelvis": (_HIPS,),
    **{
        f"{side}{joint}": ({f"{side}{other}": 1.0},)
        for side in ("L", "R")
        for joint, other in (("Foot", "Ankle"), ("Ankle", "Foot"))
    },
}
"""By joint, ways to derive it: joint found -> weight. Weights of a way sum to 1."""

_WITHIN_HEAD: tuple[Weights, ...] = (
    {"LEar": 1 / 2, "REar": 1 / 2},
    {"Head": 1 / 2, "UpperNeck": 1 / 2},
    {"LEye": 1 / 2, "REye": 1 / 2},
    {"Nose": 1.0},
)
"""Ways to MPI-INF-3DHP's Head, which lies within the head, below its HeadTop."""

_TRUNK = (*_HIPS, *_SHOULDERS)

_OFTEN = 0.5
"""A way is good if each of its joints is seen in so many frames; the first good one is taken."""


def derivations(
    wanted: Sequence[str], given: Mapping[str, float], where: str
) -> dict[str, Weights]:
    """Return how each joint of a lifter that is not found as it is can be derived.

    Args:
        wanted: the lifter's joints.
        given: joints found -> share of the frames in which they are seen.
        where: the file and person; errors name it.

    Returns:
        Joint -> weight of joints found, for joints that are not taken as they are.

    Raises:
        HarnessError: a joint can be derived in no way, for joints that are not there or never seen.
    """
    chosen: dict[str, Weights] = {}
    for joint in wanted:
        ways = _ways(joint, wanted, given)
        there = [way for way in ways if way.keys() <= given.keys()]
        if not there:
            raise HarnessError(
                f"{where}: has no {joint} and nothing that it can be derived from (it has "
                f"{', '.join(given)}); docs/lift.md lists the ways"
            )
        seen = [min(given[source] for source in way) for way in there]
        best = next((way for way, share in zip(there, seen, strict=True) if share >= _OFTEN), None)
        if best is None:
            best = there[int(np.argmax(seen))]
        if not max(seen):
            never = next(source for source in there[0] if not given[source])
            raise HarnessError(
                f"{where}: {never} is never seen, and {joint} needs it; lower --confidence, or "
                "take a video that shows the whole body"
            )
        if dict(best) != {joint: 1.0}:
            chosen[joint] = best
    return chosen


def _ways(joint: str, wanted: Sequence[str], given: Mapping[str, float]) -> tuple[Weights, ...]:
    if joint == "Head" and "HeadTop" in wanted and "HeadTop" not in given:
        return _WITHIN_HEAD  # what detectors call Head is the top of it
    return ({joint: 1.0}, *DERIVATIONS.get(joint, ()))


def lifter_keypoints(
    person: Person, wanted: Sequence[str], where: str
) -> tuple[Floats, Floats, NDArray[np.bool_], dict[str, Weights]]:
    """Return a person's keypoints in the joints of a lifter, gaps filled.

    Args:
        person: as found.
        wanted: the lifter's joints.
        where: the file; errors name it.

    Returns:
        Points (frames, wanted, 2); confidence (frames, wanted), the least of the joints that one is
        derived from; which of them were filled (frames, wanted), for a joint derived if any of its
        joints was; and how joints were derived.

    Raises:
        HarnessError: a joint cannot be derived.
    """
    joints = person.order.joints
    seen = np.isfinite(person.points).all(axis=-1).mean(axis=0)
    given = dict(zip(joints, map(float, seen), strict=True))
    derived = derivations(wanted, given, f"{where}: person '{person.name}'")
    weights = mean_weights(wanted, joints, derived)
    used = np.flatnonzero((weights != 0).any(axis=0))
    trunk = [place for place, joint in enumerate(used) if joints[joint] in _TRUNK]
    points, missing = filled(person.points[:, used], trunk)
    weights = weights[:, used]
    needed = weights != 0
    lifted = np.einsum("jm,fma->fja", weights, points)
    sure = np.where(needed, person.confidence[:, None, used], np.inf).min(axis=-1)
    gaps = (missing[:, None] & needed).any(axis=-1)
    return lifted, np.clip(sure, 0.0, 1.0), gaps, derived
