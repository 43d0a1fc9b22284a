"""Plain arrays with names, units and rate; numpy reads them without pickles."""

from pathlib import Path

import numpy as np

from harness.foundation.files import atomic_file
from harness.prediction.motion import Motion


def write(motion: Motion, path: Path) -> None:
    """Write positions_3d (frames, joints, 3), joints, filled, keypoints_2d and what they mean."""
    with atomic_file(path, "wb") as stream:
        np.savez_compressed(
            stream,
            positions_3d=motion.positions.astype(np.float32),
            joints=np.array(motion.skeleton.joints),
            parents=np.array(motion.skeleton.parents),
            unit=np.array(motion.unit),
            axes=np.array("camera: x right, y down, z forward; relative to the root"),
            fps=np.array(motion.fps),
            first_frame=np.array(motion.first_frame),
            filled=motion.filled,
            keypoints_2d=motion.keypoints.astype(np.float32),
            joints_2d=np.array(motion.layout.joints),
            image_size=np.array(motion.size),
            source=np.array(motion.source),
            model=np.array(motion.model),
        )
