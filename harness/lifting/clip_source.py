"""What windows are read from; a prepared set is one, and so is a motion that was just detected."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from harness.body.camera import Camera
from harness.body.skeleton import Skeleton


class ClipSource(Protocol):
    """What windows are read from: a prepared set, or anything that gives these of it."""

    @property
    def skeleton(self) -> Skeleton:
        """Joints of the 3D positions."""

    @property
    def positions_3d(self) -> NDArray[np.float32]:
        """(rows, joints, 3) positions in camera space, metres; raises where there are none."""

    def layout(self, source: str) -> Skeleton:
        """Return the joints of a 2D source."""

    def keypoints_2d(self, source: str) -> NDArray[np.float32]:
        """Return the keypoints of a 2D source: (rows, layout joints, 2), pixels."""

    def confidence(self, source: str) -> NDArray[np.float32] | None:
        """Return the confidence of a 2D source, (rows, layout joints), None where it has none."""

    def camera(self, key: str) -> Camera:
        """Return the camera that clips call `key`."""
