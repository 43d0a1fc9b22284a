"""Landmarks of MediaPipe's pose (BlazePose): 33 a person, x and y shares of the picture.

MediaPipe has no file format of its own; what its objects become as plain JSON is read:

    [FRAME, ...], or {"frames": [FRAME, ...], "fps": 30, "width": 1920, "height": 1080}

    FRAME  a list of people, or an object with them under pose_landmarks, poseLandmarks or landmarks
           (MediaPipe's names in Python and JavaScript); null or [] where nobody is
    PERSON [{"x": 0.5, "y": 0.4, "z": -0.1, "visibility": 0.99}, ... 33]

and a table, a line a landmark: frame, landmark (0 to 32), x, y and, if there, visibility.
"""

from typing import Any

import numpy as np

from harness.datasets.keypoints.content import Content
from harness.datasets.keypoints.detections import Detections, DetectionsBuilder, numbers, whole
from harness.datasets.keypoints.formats.table import Table, holds, table_of
from harness.datasets.keypoints.layouts import BLAZEPOSE_33
from harness.foundation.errors import HarnessError

_KEYS = ("pose_landmarks", "poseLandmarks", "landmarks")
_JOINTS = len(BLAZEPOSE_33.joints)
_COLUMNS = ("frame", "landmark", "x", "y")


def fits(content: Content) -> bool:
    """Return whether this is JSON with landmarks of people, or a table of landmarks."""
    if content.kind == "csv":
        return holds(content, _COLUMNS)
    if content.kind != "json":
        return False
    frames = _frames(content.value)
    if not isinstance(frames, list):
        return False
    return any(_looks_like_people(frame) for frame in frames)


def read(content: Content) -> Detections:
    """Read landmarks; raises HarnessError for what is none."""
    builder = DetectionsBuilder(str(content.path), order=BLAZEPOSE_33)
    if content.kind == "csv":
        return _from_table(table_of(content), builder)
    told = content.value if isinstance(content.value, dict) else {}
    for number, frame in enumerate(_frames(content.value)):
        where = f"{content.path}: frame {number}"
        builder.add_frame(number)
        for person in _people(frame, where):
            builder.add(number, _landmarks(person, where))
    where = str(content.path)
    size = None
    if "width" in told and "height" in told:
        size = (
            whole(told["width"], where, "width"),
            whole(told["height"], where, "height"),
        )
    return builder.finish(shares=True, size=size, fps=_rate(told.get("fps"), where))


def _rate(told: Any, where: str) -> float | None:
    if told is None:
        return None
    if isinstance(told, bool) or not isinstance(told, int | float):
        raise HarnessError(f"{where}: fps is no number")
    return float(told)


def _from_table(table: Table, builder: DetectionsBuilder) -> Detections:
    frame, landmark = (table.whole_numbers(name) for name in ("frame", "landmark"))
    x, y = table.numbers("x"), table.numbers("y")
    sure = table.numbers("visibility") if "visibility" in table.header else np.ones(len(x))
    odd = landmark[(landmark < 0) | (landmark >= _JOINTS)]
    if odd.size:
        raise HarnessError(f"{table.where}: has landmark {odd[0]}, expected 0 to {_JOINTS - 1}")
    for number in np.unique(frame):
        rows = frame == number
        person = np.full((_JOINTS, 3), np.nan)
        person[landmark[rows]] = np.column_stack([x[rows], y[rows], sure[rows]])
        if len(np.unique(landmark[rows])) < rows.sum():
            raise HarnessError(
                f"{table.where}: frame {number} has a landmark twice; the table holds one person"
            )
        builder.add(int(number), person)
    return builder.finish(shares=True)


def _frames(value: Any) -> Any:
    return value.get("frames") if isinstance(value, dict) else value


def _held(frame: Any) -> Any:
    if isinstance(frame, dict):
        return next((frame[key] for key in _KEYS if key in frame), None)
    return frame


def _people(frame: Any, where: str) -> list[Any]:
    """Return the people of a frame, each a list of landmarks."""
    held = _held(frame)
    if isinstance(held, dict):  # a NormalizedLandmarkList as protobuf's JSON has it
        held = held.get("landmark")
    if not held:
        return []
    if not isinstance(held, list):
        raise HarnessError(f"{where}: is no list of landmarks")
    return held if isinstance(held[0], list) else [held]


def _landmarks(person: Any, where: str) -> Any:
    if len(person) != _JOINTS:
        raise HarnessError(f"{where}: has {len(person)} landmarks a person, expected {_JOINTS}")
    if not all(isinstance(point, dict) and {"x", "y"} <= point.keys() for point in person):
        raise HarnessError(f"{where}: a landmark has no x and y")
    rows = [(point["x"], point["y"], point.get("visibility", 1.0)) for point in person]
    return numbers(rows, where, "x, y and visibility")


def _looks_like_people(frame: Any) -> bool:
    held = _held(frame)
    if isinstance(held, dict):
        held = held.get("landmark")
    while isinstance(held, list) and held and isinstance(held[0], list):
        held = held[0]
    if not isinstance(held, list) or not held or not isinstance(held[0], dict):
        return False
    return {"x", "y"} <= held[0].keys()
