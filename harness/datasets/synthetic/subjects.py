"""Bodies of different people: the lengths of their bones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.body.skeleton import H36M_17

Array = NDArray[np.float64]

SIDES = ("L", "R")
"""The order in which arrays of limbs hold left and right."""

# A bone is called by the joint at its end. Bones at rest, as shares of stature, in a body that
# stands upright with its arms hanging: x forward, y left, z up. The left side; right mirrors it.
_AT_REST = {
    "Hip": (0.0, 0.0, 0.0),
    "LHip": (0.0, 0.075, 0.0),
    "LKnee": (0.0, 0.0, -0.254),
    "LFoot": (0.0, 0.0, -0.254),
    "Spine": (-0.008, 0.0, 0.134),
    "Thorax": (0.004, 0.0, 0.146),
    "Neck/Nose": (0.028, 0.0, 0.063),
    "Head": (-0.014, 0.0, 0.064),
    "LShoulder": (0.0, 0.084, -0.012),
    "LElbow": (0.0, 0.0, -0.160),
    "LWrist": (0.0, 0.0, -0.143),
}
_ANKLE_HEIGHT = 0.047


@dataclass(frozen=True)
class Body:
    """The size of one person.

    Attributes:
        stature: height in metres.
        offsets: (17, 3) from the start to the end of each bone at rest, metres.
        ankle_height: of the ankle joint above the floor in a flat foot, metres.
    """

    stature: float
    offsets: Array
    ankle_height: float

    def length(self, joint: str) -> float:
        """Return the length of the bone that ends at `joint`, in metres."""
        return float(np.linalg.norm(self.offsets[H36M_17.index(joint)]))

    @property
    def leg(self) -> float:
        """Length of the shorter leg from hip to ankle, in metres."""
        return min(self.length(f"{side}Knee") + self.length(f"{side}Foot") for side in SIDES)

    @property
    def hip_height(self) -> float:
        """Height of the hips above the floor with straight legs, in metres."""
        return self.leg + self.ankle_height


def draw_body(seed: int) -> Body:
    """Return a person of 1.55 to 1.90 m whose proportions vary by a few per cent.

    Each length varies by itself (3 %); left and right of one person differ by 0.4 %.
    """
    generator = np.random.default_rng(seed)
    stature = generator.uniform(1.55, 1.90)
    offsets = np.zeros((len(H36M_17), 3))
    for joint, share in _AT_REST.items():
        proportion = stature * (1 + 0.03 * np.clip(generator.standard_normal(), -2, 2))
        unevenness = 1 + 0.002 * np.clip(generator.standard_normal(2), -2, 2)
        sided = joint.startswith("L")
        for side, sign, uneven in zip(SIDES, (1, -1), unevenness, strict=True):
            name = side + joint[1:] if sided else joint
            factor = proportion * uneven if sided else proportion
            offsets[H36M_17.index(name)] = np.multiply(share, (1, sign, 1)) * factor
    return Body(float(stature), offsets, _ANKLE_HEIGHT * float(stature))
