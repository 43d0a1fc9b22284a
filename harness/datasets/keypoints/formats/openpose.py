"""OpenPose's folders of --write_json (openpose, doc/02_output.md): a JSON file a frame.

    clip_000000000012_keypoints.json:
    {"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": [x, y, confidence, ...]}]}

25 joints are BODY_25, 18 are COCO. A joint that was not found is 0, 0, 0.
"""

from typing import Any

from harness.datasets.keypoints.content import Content
from harness.datasets.keypoints.detections import Detections, DetectionsBuilder, triples
from harness.foundation.errors import HarnessError

_JOINTS = (25, 18)


def fits(content: Content) -> bool:
    """Return whether this is a file, or a folder of files, with OpenPose's people."""
    if content.kind not in ("json", "json folder"):
        return False
    return all(_is_frame(value) for _, value in _frames(content)[:1])


def read(content: Content) -> Detections:
    """Read OpenPose's files; raises HarnessError for what is none."""
    folder = content.path
    builder = DetectionsBuilder(str(folder), _JOINTS)
    for frame, value in _frames(content):
        where = f"{folder}: frame {frame}"
        if not _is_frame(value):
            raise HarnessError(f"{where}: has no list 'people', as OpenPose writes it")
        builder.add_frame(frame)
        for person in value["people"]:
            if not isinstance(person, dict) or "pose_keypoints_2d" not in person:
                raise HarnessError(f"{where}: a person has no 'pose_keypoints_2d'")
            builder.add(frame, triples(person["pose_keypoints_2d"], where), person.get("person_id"))
    return builder.finish()


def _frames(content: Content) -> list[tuple[int, Any]]:
    return [(0, content.value)] if content.kind == "json" else content.value


def _is_frame(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("people"), list)
