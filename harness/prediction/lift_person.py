"""Lifting one person's keypoints: a clip that lies in memory, not in a prepared set's files."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.body.camera import Camera
from harness.body.skeleton import Skeleton
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.foundation.progress import track
from harness.lifting.contract import Lifter
from harness.lifting.lift import lift
from harness.lifting.windows import WindowReader, covering_windows
from harness.prediction.trained_rate import at_rate, back_at_rate

Floats = NDArray[np.float64]


class _ClipInMemory(PreparedSet):
    """A prepared set of one clip without 3D, made of arrays instead of files.

    It is what windows are read from; whatever else a prepared set has, this one has not.
    """

    def __init__(self, lifter: Lifter, points: Floats, confidence: Floats, camera: Camera) -> None:
        self.path = Path("video")
        self.skeleton = lifter.skeleton
        self._layout = lifter.layout
        self._points = np.ascontiguousarray(points, np.float32)
        self._confidence = np.ascontiguousarray(confidence, np.float32)
        self._camera = camera
        self.clips = pd.DataFrame(
            {"first_row": [0], "frames": [len(points)], "camera": [""], "subject": [""]}
        )

    def layout(self, source: str) -> Skeleton:
        return self._layout

    def keypoints_2d(self, source: str) -> NDArray[np.float32]:
        return self._points

    def confidence(self, source: str) -> NDArray[np.float32] | None:
        return self._confidence

    def camera(self, key: str) -> Camera:
        return self._camera


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
    progress: str = "lifting",
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
        progress: what the bar on the terminal is called.

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
    clip = _ClipInMemory(
        lifter,
        at_rate(points, fps, rate),
        np.clip(at_rate(confidence, fps, rate), 0.0, 1.0),
        camera,
    )
    reader = WindowReader(clip, clip.clips, "", lifter)
    size = batch_size or lifter.windows_at_a_time
    with _progress(lifter, reader, size, flip_test, progress):
        lifted = lift(lifter, reader, flip_test=flip_test, batch_size=size).astype(np.float64)
    if lifter.hypotheses > 1:
        lifted = lifted.mean(axis=1)
    if not np.isfinite(lifted).all():
        raise HarnessError("the lifter predicts NaN or infinity; train it again, or take another")
    root = lifted[:, lifter.skeleton.root, None]
    return back_at_rate(lifted - root, rate, fps, len(points))


@contextlib.contextmanager
def _progress(
    lifter: Lifter, reader: WindowReader, size: int, flip_test: bool, description: str
) -> Iterator[None]:
    """Show a bar that moves with every batch that the lifter predicts."""
    windows = len(covering_windows(reader.clips, lifter.frames, lifter.predicts))
    batches = -(-windows // size) * (2 if flip_test else 1)
    bar = track(range(batches), description)

    def moved(*_: object) -> None:
        next(bar, None)

    hook = lifter.register_forward_hook(moved)
    try:
        yield
    finally:
        hook.remove()
        bar.close()
