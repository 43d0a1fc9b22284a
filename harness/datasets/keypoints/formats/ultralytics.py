"""Ultralytics' pose results (ultralytics/ultralytics, engine/results.py).

save_txt=True writes a file a frame, labels/clip_12.txt, a line a person: class, box (x, y, width,
height), then x, y and confidence of 17 joints, all shares of the picture; after them the box's
confidence with save_conf=True, and the track's number where tracked. A frame without anybody has
no file.

to_json() gives of a frame

    [{"name": "person", "track_id": 1, "keypoints": {"x": [...], "y": [...], "visible": [...]}}]

and of a video, saved by its user, a list of these or a file a frame. Pixels, or shares with
normalize=True.
"""

from typing import Any

import numpy as np

from harness.datasets.keypoints.content import Content
from harness.datasets.keypoints.detections import Detections, DetectionsBuilder, joined, numbers
from harness.datasets.keypoints.layouts import COCO
from harness.foundation.errors import HarnessError

_JOINTS = len(COCO.joints)
_BOX = 5  # class, x, y, width and height
_MOST_SHARE = 1.5


def fits(content: Content) -> bool:
    """Return whether this is a folder of labels, or JSON whose keypoints are x, y and visible."""
    if content.kind == "txt folder":
        return True
    if content.kind not in ("json", "json folder"):
        return False
    people = [person for _, held in _frames(content) if isinstance(held, list) for person in held]
    return bool(people) and _is_person(people[0])


def read(content: Content) -> Detections:
    """Read Ultralytics' labels or results; raises HarnessError for what is none."""
    return _labels(content) if content.kind == "txt folder" else _results(content)


def _labels(content: Content) -> Detections:
    builder = DetectionsBuilder(str(content.path), order=COCO)
    for frame, text in content.value:
        where = f"{content.path}: frame {frame}"
        builder.add_frame(frame)
        for line in filter(str.strip, text.splitlines()):
            values = numbers(line.split(), where, "class, box and keypoints")
            extra = len(values) - _BOX - 3 * _JOINTS
            if not 0 <= extra <= 2:
                raise HarnessError(
                    f"{where}: a line has {len(values)} numbers, expected {_BOX} of class and box, "
                    f"{3 * _JOINTS} of {_JOINTS} joints and at most 2 more; write them with a pose "
                    "model and save_txt=True"
                )
            person = values[_BOX : _BOX + 3 * _JOINTS].reshape(-1, 3)
            # One number more is a track where it is whole and can be no confidence.
            track = values[-1] if extra == 2 or (extra == 1 and values[-1] >= 1) else None
            builder.add(frame, person, None if track is None else float(track))
    return builder.finish(shares=True)


def _results(content: Content) -> Detections:
    builder = DetectionsBuilder(str(content.path), order=COCO)
    largest = 0.0
    for frame, people in _frames(content):
        where = f"{content.path}: frame {frame}"
        builder.add_frame(frame)
        if not isinstance(people, list):
            raise HarnessError(f"{where}: is no list of people, as Ultralytics' to_json() gives it")
        for person in people:
            if not _is_person(person):
                raise HarnessError(f"{where}: a person's 'keypoints' have no x and y")
            told = person["keypoints"]
            x, y = (numbers(told[axis], where, "a list of numbers") for axis in ("x", "y"))
            if x.shape != (_JOINTS,) or y.shape != x.shape:
                raise HarnessError(f"{where}: has {x.size} joints a person, expected {_JOINTS}")
            largest = max(largest, float(np.nanmax([x, y])))
            points = np.column_stack([x, y])
            builder.add(frame, joined(points, told.get("visible"), where), person.get("track_id"))
    return builder.finish(shares=0 < largest <= _MOST_SHARE)


def _frames(content: Content) -> list[tuple[int, Any]]:
    value = content.value
    if content.kind == "json folder":
        return value
    if isinstance(value, list) and value and isinstance(value[0], list):
        return list(enumerate(value))
    return [(0, value)]


def _is_person(value: Any) -> bool:
    told = value.get("keypoints") if isinstance(value, dict) else None
    return isinstance(told, dict) and {"x", "y"} <= told.keys()
