"""The page of a motion that was lifted from a detector's keypoints."""

from pathlib import Path

import numpy as np

from harness.foundation.files import atomic_file
from harness.prediction.motion import Motion as LiftedMotion
from harness.reporting.page.motion import Motion, Picture, Poses, motion_page


def write(motion: LiftedMotion, path: Path) -> None:
    """Write the viewer with a motion in metres, its 2D beside, and where joints were filled in.

    Raises:
        HarnessError: the place cannot be written.
    """
    width, height = motion.size
    shown = Motion(
        name=motion.source,
        joints=motion.skeleton.joints,
        parents=motion.skeleton.parents,
        fps=motion.fps,
        poses=(Poses(motion.model, motion.positions),),
        picture=Picture(
            label="detector",
            parents=motion.layout.parents,
            keypoints=motion.keypoints,
            width=width,
            height=height,
        ),
        filled=np.any(motion.filled, axis=1),
        first_frame=motion.first_frame,
    )
    told = ["Relative to the root, in camera space.", f"Lifted by {motion.model}."]
    with atomic_file(path) as stream:
        stream.write(motion_page([shown], motion.source, told))
