"""Lifting one person's keypoints: a clip that lies in memory, not in a prepared set."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.body.camera import Camera
from harness.body.skeleton import Skeleton
from harness.lifting.contract import Lifter
from harness.lifting.lift import lift
from harness.lifting.windows import WindowReader
from harness.prediction.trained_rate import at_rate, back_at_rate
from harness.runs.errors import HarnessError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _InMemory:
    """One clip as a source of windows; it has no 3D."""

    lifter: Lifter
    points: NDArray[np.float32]
    sure: NDArray[np.float32]
    seen_by: Camera

    @property
    def skeleton(self) -> Skeleton:
        return self.lifter.skeleton

    @property
    def positions_3d(self) -> NDArray[np.float32]:
        raise HarnessError("a video has no true 3D")

    def layout(self, source: str) -> Skeleton:
        return self.lifter.layout

    def keypoints_2d(self, source: str) -> NDArray[np.float32]:
        return self.points

    def confidence(self, source: str) -> NDArray[np.float32] | None:
        return self.sure

    def camera(self, key: str) -> Camera:
        return self.seen_by


def camera_of(size: tuple[int, int]) -> Camera:
    """Return a camera for a picture of (width, height) whose lens is not known.

    Its focal length is taken to be the picture's longer side, its centre the picture's.
    """
    width, height = size
    side = float(max(size))
    return Camera(
        name="video",
        width=width,
        height=height,
        focal_length=(side, side),
        center=(width / 2, height / 2),
    )


def lift_person(
    lifter: Lifter,
    points: Floats,
    confidence: Floats,
    camera: Camera,
    *,
    fps: float,
    rate: float,
    flip_test: bool,
    batch_size: int | None = None,
    progress: str | None = None,
) -> Floats:
    """Lift keypoints of consecutive frames.

    Args:
        lifter: on the device to use.
        points: (frames, joints of the lifter's layout, 2) pixels, all finite.
        confidence: (frames, joints of the layout) in [0, 1].
        camera: that saw them.
        fps: frames a second of the video.
        rate: that the lifter gets; keypoints are resampled to it and poses back to `fps`.
        flip_test: average with the prediction on the mirrored input.
        batch_size: windows at a time; by default what suits the lifter.
        progress: what the bar on the terminal is called; none unless given.

    Returns:
        (frames, joints, 3) in the lifter's space, relative to its root; the mean of its hypotheses
        where it predicts several.

    Raises:
        HarnessError: the lifter needs the true depth of the root, or predicts what is no number.
    """
    if lifter.uses_root_depth:
        raise HarnessError(
            "this lifter is given the true depth of the root, which no video has; lift with another"
        )
    frames = len(points)
    source = _InMemory(
        lifter,
        np.ascontiguousarray(at_rate(points, fps, rate), np.float32),
        np.clip(at_rate(confidence, fps, rate), 0.0, 1.0).astype(np.float32),
        camera,
    )
    clips = pd.DataFrame(
        {"first_row": [0], "frames": [len(source.points)], "camera": [""], "subject": [""]}
    )
    reader = WindowReader(source, clips, "", lifter)
    lifted = lift(
        lifter, reader, flip_test=flip_test, batch_size=batch_size, progress=progress
    ).astype(np.float64)
    if lifter.hypotheses > 1:
        lifted = lifted.mean(axis=1)
    if not np.isfinite(lifted).all():
        raise HarnessError("the lifter predicts NaN or infinity; train it again, or take another")
    root = lifted[:, lifter.skeleton.root, None]
    return back_at_rate(lifted - root, rate, fps, frames)
