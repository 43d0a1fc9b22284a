"""Write a tiny .npz file of the form users have, with whatever numpy runs this script.

poses_numpy1.npz and poses_numpy2.npz beside it were made so, with numpy 1.26.4 and 2.4.6:

    python tests/data/make_poses.py tests/data/poses_numpy1.npz

Objects of the two differ in the module names they ask for.
"""

import sys

import numpy as np


def poses() -> dict:
    """Return what both files hold."""
    clip = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    return {
        "S1": {"Directions 1": [clip, np.asfortranarray(clip + 100), clip[:0]]},
        "count": np.int64(3),
        "scale": np.float32(0.5),
        "names": np.array(["Hip", "RKnee"]),
        "big_endian": np.arange(3, dtype=">i4"),
        "flags": np.array([True, False]),
        "mixed": np.array([None, {"a": (1, 2.5, b"raw", "text", True)}], dtype=object),
        "sides": [[4, 5], [1, 2]],
    }


if __name__ == "__main__":
    np.savez_compressed(sys.argv[1], poses=np.array(poses(), dtype=object), plain=np.eye(2))
