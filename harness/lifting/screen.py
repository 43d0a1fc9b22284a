"""2D keypoints as lifters take them: the joints they know, in normalised screen coordinates."""

from collections.abc import Sequence

import numpy as np

from harness.body.camera import Camera
from harness.lifting.clip_rows import Buffers, ClipRows, Floats, Integers

AT_HAND = 2**28
"""Bytes of keypoints that are made ready at once; those of Human3.6M to train on are 212 MB."""


class ScreenKeypoints:
    """The keypoints of some clips on the normalised screen (`normalize_screen`), joints wanted.

    Keypoints that take little memory are made ready once and kept; of others nothing is held but
    what was asked for. The numbers are the same, to the last bit.

    Args:
        pixels: (rows, joints, 2), mapped from a file or in memory; never written to.
        cameras: of each clip.
        columns: which joints, in which order; None for all as they are.
    """

    def __init__(
        self, pixels: ClipRows, cameras: Sequence[Camera], columns: list[int] | None
    ) -> None:
        self._columns = columns
        self._scale = np.array([2.0 / camera.screen_side for camera in cameras], np.float32)
        self._origin = np.array(
            [(c.width + 1j * c.height) / c.screen_side for c in cameras], np.complex64
        )
        self._buffers = Buffers()
        rows = int(pixels.length.sum())
        self._ready = rows * pixels.array[0].nbytes <= AT_HAND
        self._rows = self._all_ready(pixels, rows) if self._ready else pixels

    def runs(self, clip: Integers, start: Integers, frames: int) -> Floats:
        """Return (runs, frames, joints, 2), which the caller may write to; see `ClipRows.runs`."""
        if self._ready:
            return self._rows.runs(clip, start, frames, self._buffers)
        return self._on_screen(self._rows.runs(clip, start, frames), clip)

    def clip(self, number: int) -> Floats:
        """Return the (frames, joints, 2) of a whole clip, which the caller may write to."""
        points = self._rows.clip(number).copy()
        if self._ready:
            return points
        return self._on_screen(points[None], np.array([number]))[0]

    def _all_ready(self, pixels: ClipRows, rows: int) -> ClipRows:
        """Return the clips' keypoints, ready, end to end in one array."""
        joints = pixels.array.shape[1] if self._columns is None else len(self._columns)
        ready = np.empty((rows, joints, 2), np.float32)
        first = np.cumsum(pixels.length) - pixels.length
        for number, (begin, length) in enumerate(zip(first, pixels.length, strict=True)):
            points = pixels.clip(number)[None].copy()
            ready[begin : begin + length] = self._on_screen(points, np.array([number]))[0]
        return ClipRows(ready, first, pixels.length)

    def _on_screen(self, pixels: Floats, clip: Integers) -> Floats:
        """Turn (runs, frames, joints, 2) into screen coordinates, in place with all joints."""
        chosen = pixels if self._columns is None else np.take(pixels, self._columns, axis=2)
        # As one row a run, and x, y as one complex number: numpy runs along unbroken memory.
        flat = chosen.reshape(len(chosen), -1)
        flat *= self._scale[clip, None]
        points = flat.view(np.complex64)
        points -= self._origin[clip, None]
        return chosen
