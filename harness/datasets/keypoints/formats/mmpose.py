"""What MMPose writes (open-mmlab/mmpose, user_guides/inference).

Three forms, the first two of its inferencer, the last of its demos with --save-predictions:

    a video    [{"frame_id": 0, "instances": [INSTANCE, ...]}, ...]
    images     a file an image: [INSTANCE, ...]
    demos      {"meta_info": {...}, "instance_info": [{"frame_id": 1, "instances": [...]}, ...]}

    INSTANCE   {"keypoints": [[x, y], ...], "keypoint_scores": [...], "bbox": ..., ...}
"""

from typing import Any

from harness.datasets.keypoints.content import Content
from harness.datasets.keypoints.detections import Detections, DetectionsBuilder, joined, whole
from harness.foundation.errors import HarnessError

_JOINTS = (17, 16, 26, 133, 136)


def fits(content: Content) -> bool:
    """Return whether this is one of the three."""
    if content.kind == "json folder":
        held = [
            instance for _, value in content.value if isinstance(value, list) for instance in value
        ]
        return bool(held) and _is_instance(held[0])
    value = content.value
    if content.kind != "json":
        return False
    if isinstance(value, dict):
        return isinstance(value.get("instance_info"), list)
    first = value[0] if isinstance(value, list) and value else None
    return _is_instance(first) or (isinstance(first, dict) and "instances" in first)


def read(content: Content) -> Detections:
    """Read MMPose's predictions; raises HarnessError for what is none."""
    builder = DetectionsBuilder(str(content.path), _JOINTS)
    for frame, instances in _frames(content):
        where = f"{content.path}: frame {frame}"
        builder.add_frame(frame)
        if not isinstance(instances, list):
            raise HarnessError(f"{where}: has no list of instances, as MMPose writes it")
        for instance in instances:
            if not _is_instance(instance):
                raise HarnessError(f"{where}: an instance has no points in 'keypoints'")
            person = joined(instance["keypoints"], instance.get("keypoint_scores"), where)
            builder.add(frame, person, instance.get("track_id"))
    return builder.finish()


def _frames(content: Content) -> list[tuple[int, Any]]:
    value = content.value
    if content.kind == "json folder":
        return value
    if isinstance(value, dict):
        value = value["instance_info"]
    if value and _is_instance(value[0]):
        return [(0, value)]
    frames = []
    for number, item in enumerate(value):
        where = f"{content.path}: entry {number}"
        if not isinstance(item, dict) or "instances" not in item:
            raise HarnessError(f"{where}: has no 'instances', as MMPose writes a frame")
        frames.append((whole(item.get("frame_id", number), where, "frame_id"), item["instances"]))
    return frames


def _is_instance(value: Any) -> bool:
    """Return whether this is a person whose keypoints are pairs."""
    if not isinstance(value, dict) or not isinstance(value.get("keypoints"), list):
        return False
    return bool(value["keypoints"]) and isinstance(value["keypoints"][0], list)
