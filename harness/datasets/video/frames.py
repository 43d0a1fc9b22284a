"""The frames of a video, decoded by OpenCV, upright as its file says."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.foundation.errors import HarnessError
from harness.foundation.quiet import quiet_libraries

_LEAST_SHARE = 0.9
"""Of the frames announced; some containers only estimate their number."""


@dataclass(frozen=True)
class Video:
    """What a video says of itself.

    Attributes:
        path: the file.
        size: width and height in pixels, as it is shown.
        fps: frames a second; None where it does not say.
        frames: how many it announces; 0 where it does not say.
    """

    path: Path
    size: tuple[int, int]
    fps: float | None
    frames: int


def open_video(path: Path) -> Video:
    """Return what a video says of itself.

    Raises:
        HarnessError: it is missing, or cannot be decoded.
    """
    import cv2

    if not path.is_file():
        raise HarnessError(f"{path}: no such file or folder")
    with quiet_libraries():
        capture = cv2.VideoCapture(str(path))
        decoded, picture = capture.read()
        fps, frames = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        capture.release()
    if not decoded:
        raise HarnessError(
            f"{path}: cannot be decoded; it is damaged, cut off or no video, so play it to see, or "
            "write it anew (ffmpeg -i IN -pix_fmt yuv420p OUT.mp4)"
        )
    height, width = picture.shape[:2]
    return Video(path, (width, height), fps if 1 <= fps <= 1000 else None, max(0, int(frames)))


def pictures(video: Video) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames, (height, width, 3) red, green, blue.

    Raises:
        HarnessError: it ends long before its last frame, or changes its size on the way.
    """
    import cv2

    capture = cv2.VideoCapture(str(video.path))
    number = 0
    try:
        while (read := capture.read())[0]:
            picture = read[1]
            if picture.shape[1::-1] != video.size:
                raise HarnessError(
                    f"{video.path}: frame {number} has another size than the first; a video must "
                    "keep its size"
                )
            yield np.ascontiguousarray(picture[..., ::-1])
            number += 1
    finally:
        capture.release()
    if number < _LEAST_SHARE * video.frames:
        raise HarnessError(
            f"{video.path}: can be decoded up to frame {number} of {video.frames} only; it is "
            "damaged or cut off"
        )
