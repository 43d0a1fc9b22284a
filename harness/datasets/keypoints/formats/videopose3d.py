"""VideoPose3D's data_2d_custom_NAME.npz (facebookresearch/VideoPose3D, INFERENCE.md).

positions_2d: {video: {"custom": [(frames, joints, 2)]}}; metadata: layout_name, num_joints,
keypoints_symmetry and video_metadata {video: {"w": ..., "h": ...}}. Each video holds one person; a
file may hold several videos, which are told apart by name.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from harness.datasets.files.keypoints_npz import recordings_by_subject
from harness.datasets.files.safe_npz import read_npz
from harness.datasets.keypoints.content import Content
from harness.datasets.keypoints.detections import Detections, DetectionsBuilder
from harness.foundation.errors import HarnessError

_JOINTS = (17,)


def fits(content: Content) -> bool:
    """Return whether this is an npz file with positions_2d."""
    return content.kind == "npz" and "positions_2d" in content.value


def read(content: Content) -> Detections:
    """Read the keypoints of all videos; raises HarnessError for what is none."""
    where = str(content.path)
    metadata = read_npz(content.path, "metadata") if "metadata" in content.value else {}
    if not isinstance(metadata, Mapping) or metadata.get("layout_name", "coco") != "coco":
        raise HarnessError(
            f"{where}: its metadata do not name layout 'coco', in which VideoPose3D writes "
            "keypoints of one's own videos; a data set is prepared first (harness data prepare)"
        )
    builder = DetectionsBuilder(where, _JOINTS)
    for video, recordings in recordings_by_subject(content.path, "positions_2d").items():
        for recording, views in recordings.items():
            name = video if recording == "custom" else f"{video} {recording}"
            for number, points in enumerate(views if isinstance(views, list | tuple) else [views]):
                several = isinstance(views, list | tuple) and len(views) > 1
                _add(builder, f"{name} {number}" if several else name, points, where)
    return builder.finish(size=_size(metadata, where))


def _add(builder: DetectionsBuilder, name: str, values: Any, where: str) -> None:
    points = np.asarray(values)
    if points.ndim == 4 and len(points) == 1:  # np.save of a list of one array makes one of it
        points = points[0]
    if points.ndim != 3 or points.shape[2] not in (2, 3) or points.dtype.kind not in "fiu":
        raise HarnessError(
            f"{where}: video '{name}' has shape {points.shape}, expected (frames, joints, 2)"
        )
    sure = np.ones((*points.shape[:2], 1))
    people = np.concatenate([points[..., :2].astype(np.float64), sure], axis=-1)
    for frame, person in enumerate(people):
        builder.add(frame, person, name)


def _size(metadata: Mapping[Any, Any], where: str) -> tuple[int, int] | None:
    told = metadata.get("video_metadata")
    sizes: dict[tuple[int, int], str] = {}
    for name, video in told.items() if isinstance(told, Mapping) else ():
        if isinstance(video, Mapping) and {"w", "h"} <= video.keys():
            try:
                size = int(video["w"]), int(video["h"])
            except (TypeError, ValueError) as error:
                raise HarnessError(f"{where}: w and h of video '{name}' are no numbers") from error
            sizes.setdefault(size, str(name))
    if len(sizes) > 1:
        (one, first), (other, second) = list(sizes.items())[:2]
        raise HarnessError(
            f"{where}: mixes videos of {one[0]} x {one[1]} ({first}) and {other[0]} x {other[1]} "
            f"({second}); lift one size at a time"
        )
    return next(iter(sizes), None)
