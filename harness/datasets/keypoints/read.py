"""Reading what a detector wrote, whatever its format: told by name, or found by its content."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.datasets.keypoints.content import Content, open_content
from harness.datasets.keypoints.detections import Detections
from harness.datasets.keypoints.formats import (
    alphapose,
    coco,
    deeplabcut,
    mediapipe,
    mmpose,
    named_csv,
    named_npz,
    openpose,
    sleap,
    ultralytics,
    videopose3d,
)
from harness.foundation.errors import HarnessError
from harness.foundation.suggest import unknown_name


@dataclass(frozen=True)
class KeypointFormat:
    """A format of keypoint files.

    Attributes:
        title: how summaries call it.
        fits: says of opened content whether it is of this format, by its shape alone.
        read: reads it, or raises HarnessError.
    """

    title: str
    fits: Callable[[Content], bool]
    read: Callable[[Content], Detections]


FORMATS: Mapping[str, KeypointFormat] = {
    "coco": KeypointFormat("COCO results", coco.fits, coco.read),
    "alphapose": KeypointFormat("AlphaPose results", alphapose.fits, alphapose.read),
    "openpose": KeypointFormat("OpenPose's JSON", openpose.fits, openpose.read),
    "mmpose": KeypointFormat("MMPose predictions", mmpose.fits, mmpose.read),
    "ultralytics": KeypointFormat("Ultralytics results", ultralytics.fits, ultralytics.read),
    "mediapipe": KeypointFormat("MediaPipe landmarks", mediapipe.fits, mediapipe.read),
    "videopose3d": KeypointFormat("VideoPose3D's npz", videopose3d.fits, videopose3d.read),
    "deeplabcut": KeypointFormat("DeepLabCut's table", deeplabcut.fits, deeplabcut.read),
    "sleap": KeypointFormat("SLEAP's analysis", sleap.fits, sleap.read),
    "csv": KeypointFormat("CSV with named joints", named_csv.fits, named_csv.read),
    "npz": KeypointFormat("npz with named joints", named_npz.fits, named_npz.read),
}
"""By the name that commands take; the first that fits is taken."""


def read_keypoints(path: Path, name: str | None = None) -> tuple[str, Detections]:
    """Read a detector's file or folder and return the name of its format with what it holds.

    Args:
        path: the file or folder.
        name: of its format; found by its content unless given.

    Raises:
        HarnessError: it is missing, damaged or of no known format, or nobody was detected.
    """
    if name is not None and name not in FORMATS:
        raise unknown_name("format of keypoints", name, FORMATS)
    content = open_content(path)
    if content.value in ([], {}):
        raise HarnessError(f"{path}: is empty: nobody was detected, there is nothing to lift")
    fitting = [known for known, form in FORMATS.items() if form.fits(content)]
    if name is None and not fitting:
        raise HarnessError(
            f"{path}: is of no format that can be read ({', '.join(FORMATS)}); docs/lift.md shows "
            "what each looks like"
        )
    if name is not None and name not in fitting:
        looks = f"it looks like {fitting[0]}" if fitting else "it looks like no other one either"
        raise HarnessError(f"{path}: is not of format {name}; {looks}, see docs/lift.md")
    chosen = name or fitting[0]
    return chosen, FORMATS[chosen].read(content)
