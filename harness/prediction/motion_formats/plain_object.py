"""One JSON object with everything in it, for programs in other languages."""

import json
from pathlib import Path

from harness.foundation.files import atomic_file
from harness.prediction.motion import Motion


def write(motion: Motion, path: Path) -> None:
    """Write joints, bones, unit, axes, rate, positions (frames, joints, 3) and what was filled."""
    content = {
        "source": motion.source,
        "model": motion.model,
        "unit": motion.unit,
        "axes": "camera: x right, y down, z forward; relative to the root",
        "fps": motion.fps,
        "first_frame": motion.first_frame,
        "joints": motion.skeleton.joints,
        "parents": motion.skeleton.parents,
        "positions_3d": motion.positions.round(6).tolist(),
        "filled": motion.filled.tolist(),
        "joints_2d": motion.layout.joints,
        "keypoints_2d": motion.keypoints.round(3).tolist(),
        "image_size": motion.size,
    }
    with atomic_file(path) as stream:
        json.dump(content, stream, allow_nan=False)
        stream.write("\n")
