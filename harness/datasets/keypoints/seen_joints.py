"""Where detectors' joints lie on a body that is known in Human3.6M's joints.

Data sets hold no eyes, ears or noses. To measure what a derivation costs they are put on the head:
ears 13 cm below its top and 15 cm apart, the nose 11 cm before them, as is usual of adults, in a
head that faces as the shoulders do. Human3.6M's joint Head is taken to lie 5 cm below the top, for
its head and neck are shorter than people's by about that. All this is a guess; what is derived from
hips and shoulders alone does not depend on it.
"""

import numpy as np
from numpy.typing import NDArray

from harness.body.skeleton import H36M_17
from harness.datasets.keypoints.layouts import JointOrder

Floats = NDArray[np.float64]

# Metres from the joint Head: to the left, up along neck and head, forward.
_FACE = {
    "Nose": (0.0, -0.09, 0.105),
    "LEye": (0.032, -0.06, 0.085),
    "REye": (-0.032, -0.06, 0.085),
    "LEar": (0.075, -0.08, -0.005),
    "REar": (-0.075, -0.08, -0.005),
}
_MEANS = {
    "Neck": ("LShoulder", "RShoulder"),  # as OpenPose and Halpe mark it
    "UpperNeck": ("Thorax", "Neck/Nose"),
}


def seen_joints(positions: NDArray[np.floating], order: JointOrder) -> Floats:
    """Return the joints that a detector of this order would find.

    Args:
        positions: (frames, 17, 3) camera space, metres, in the joints of H36M_17.
        order: the detector's joints.

    Returns:
        (frames, joints of the order, 3); NaN where a joint is neither Human3.6M's nor of the face,
        such as toes.
    """
    body = {
        name: np.asarray(positions[:, joint], np.float64)
        for joint, name in enumerate(H36M_17.joints)
    }
    left, up, forward = _head_axes(body)
    for name, (beside, above, ahead) in _FACE.items():
        body[name] = body["Head"] + beside * left + above * up + ahead * forward
    for name, joints in _MEANS.items():
        body[name] = np.mean([body[joint] for joint in joints], axis=0)
    nowhere = np.full((len(positions), 3), np.nan)
    return np.stack([body.get(joint, nowhere) for joint in order.joints], axis=1)


def _head_axes(body: dict[str, Floats]) -> tuple[Floats, Floats, Floats]:
    """Return unit vectors (frames, 3) to the head's left, to its top and forward."""
    up = _unit(body["Head"] - body["Thorax"])
    across = body["LShoulder"] - body["RShoulder"]
    left = _unit(across - (across * up).sum(axis=-1, keepdims=True) * up)
    return left, up, np.cross(left, up)


def _unit(vectors: Floats) -> Floats:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
