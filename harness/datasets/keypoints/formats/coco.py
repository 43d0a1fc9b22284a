"""COCO results (cocodataset.org, format-results), as Detectron2, MMPose and RTMPose write them.

    [{"image_id": 12, "category_id": 1, "keypoints": [x, y, score, ...], "score": 0.9}, ...]

`image_id` is the number of the frame. The annotation format, {"images": ..., "annotations": ...},
is read too; its images say how large they are and, in `frame_id` or their file's name, which frame.
"""

from collections.abc import Mapping
from typing import Any

from harness.datasets.keypoints.content import Content, frame_number
from harness.datasets.keypoints.detections import Detections, DetectionsBuilder, triples, whole
from harness.foundation.errors import HarnessError

_JOINTS = (17, 16, 26, 133, 136)


def fits(content: Content) -> bool:
    """Return whether this is a list of results with numbered images, or a file of annotations."""
    value = content.value
    if content.kind != "json":
        return False
    if isinstance(value, dict):
        return isinstance(value.get("images"), list) and isinstance(value.get("annotations"), list)
    return _is_result(value) and isinstance(value[0]["image_id"], int)


def read(content: Content) -> Detections:
    """Read COCO results; raises HarnessError for what is none."""
    if isinstance(content.value, dict):
        return _annotations(content)
    builder = DetectionsBuilder(str(content.path), _JOINTS)
    for number, item in enumerate(content.value):
        where = f"{content.path}: entry {number}"
        _add(builder, item, whole(_held(item, "image_id", where), where, "image_id"), where)
    return builder.finish()


def _annotations(content: Content) -> Detections:
    builder = DetectionsBuilder(str(content.path), _JOINTS)
    frames: dict[int, int] = {}
    sizes: dict[tuple[int, int], str] = {}
    for number, image in enumerate(content.value["images"]):
        where = f"{content.path}: image {number}"
        key = whole(_held(image, "id", where), where, "id")
        told = image.get("frame_id", frame_number(str(image.get("file_name", ""))))
        frames[key] = key if told is None else whole(told, where, "frame_id")
        builder.add_frame(frames[key])
        if "width" in image and "height" in image:
            size = tuple(whole(image[side], where, side) for side in ("width", "height"))
            sizes.setdefault((size[0], size[1]), str(image.get("file_name", key)))
    if len(sizes) > 1:
        (one, name), (other, odd) = list(sizes.items())[:2]
        raise HarnessError(
            f"{content.path}: mixes images of {one[0]} x {one[1]} ({name}) and {other[0]} x "
            f"{other[1]} ({odd}); lift one video at a time"
        )
    for number, item in enumerate(content.value["annotations"]):
        where = f"{content.path}: annotation {number}"
        key = whole(_held(item, "image_id", where), where, "image_id")
        if key not in frames:
            raise HarnessError(f"{where}: is of image {key}, which 'images' does not list")
        if item.get("keypoints"):
            _add(builder, item, frames[key], where)
    return builder.finish(size=next(iter(sizes), None))


def _add(builder: DetectionsBuilder, item: Any, frame: int, where: str) -> None:
    person = triples(_held(item, "keypoints", where), where)
    builder.add(frame, person, item.get("track_id"))


def _held(item: Any, key: str, where: str) -> Any:
    if not isinstance(item, Mapping) or key not in item:
        raise HarnessError(f"{where}: has no '{key}', expected a result in COCO's form")
    return item[key]


def _is_result(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and isinstance(value[0], dict)
        and {"image_id", "keypoints"} <= value[0].keys()
    )
