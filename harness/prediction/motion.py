"""A person's motion in 3D, as lifted from a video."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.body.skeleton import Skeleton

Floats = NDArray[np.float64]

Unit = Literal["m", "screen"]
"""Metres, or units of the normalised screen, in which networks of MotionBERT's family predict."""


@dataclass(frozen=True)
class Motion:
    """One person through a video; all arrays have a row for each frame of the video.

    Attributes:
        source: the file that was lifted, and the person in it.
        model: method and run of the lifter.
        skeleton: joints in 3D.
        positions: (frames, joints, 3) camera space (x right, y down, z forward), relative to the
            root.
        unit: of the positions.
        fps: frames a second.
        first_frame: number of the first frame in the video, as the detector counts.
        filled: (frames, joints) whether the 2D of a joint was not found but filled in; where the
            lifter takes no such joint, whether that of any joint was.
        layout: joints in 2D.
        keypoints: (frames, joints of the layout, 2) pixels, as the lifter was given them.
        size: width and height of the picture in pixels.
    """

    source: str
    model: str
    skeleton: Skeleton
    positions: Floats
    unit: Unit
    fps: float
    first_frame: int
    filled: NDArray[np.bool_]
    layout: Skeleton
    keypoints: Floats
    size: tuple[int, int]

    @property
    def seconds(self) -> Floats:
        """(frames,) time of each frame in the video."""
        return (self.first_frame + np.arange(len(self.positions))) / self.fps

    @property
    def upright(self) -> Floats:
        """Positions with y up: x right, y up, z towards the camera; a half turn about x."""
        return self.positions * np.array([1.0, -1.0, -1.0])
