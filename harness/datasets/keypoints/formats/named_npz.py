"""Plain arrays with named joints, the npz form of one's own programs.

Entries of the file; the first two must be there:

    keypoints   (frames, joints, 2) pixels, or (frames, joints, 3) with confidence; with several
                people (frames, people, joints, 2 or 3). NaN where nothing was found
    joints      (joints,) text: names (see `joint_names`)
    confidence  as keypoints without their last axis, where they do not hold it
    people      (people,) text, where there are several
    fps         a number
    image_size  width and height
"""

import numpy as np
from numpy.typing import NDArray

from harness.datasets.files.safe_npz import read_npz
from harness.datasets.keypoints.content import Content
from harness.datasets.keypoints.detections import Detections, DetectionsBuilder, Floats
from harness.datasets.keypoints.joint_names import harness_names
from harness.datasets.keypoints.layouts import JointOrder
from harness.foundation.errors import HarnessError


def fits(content: Content) -> bool:
    """Return whether this is an npz file with keypoints and the names of joints."""
    return content.kind == "npz" and {"keypoints", "joints"} <= set(content.value)


def read(content: Content) -> Detections:
    """Read the arrays; raises HarnessError for what are none."""
    where = str(content.path)
    joints = harness_names(_texts(content, "joints"), where)
    values = _values(content, len(joints))
    frames, people = values.shape[:2]
    names: list[str | None] = list(_texts(content, "people")) if "people" in content.value else []
    if names and len(names) != people:
        raise HarnessError(f"{where}: names {len(names)} people, but keypoints are of {people}")
    # An array's second axis says who is who, by number unless they are named.
    names = names or [str(number + 1) for number in range(people)]
    builder = DetectionsBuilder(where, order=JointOrder("named joints", joints))
    for frame in range(frames):
        builder.add_frame(frame)
        for name, person in zip(names, values[frame], strict=True):
            if np.isfinite(person[..., :2]).all(axis=-1).any():
                builder.add(frame, person, name)
    size = _numbers(content, "image_size", (2,)) if "image_size" in content.value else None
    fps = _numbers(content, "fps", ()) if "fps" in content.value else None
    return builder.finish(
        size=None if size is None else (int(size[0]), int(size[1])),
        fps=None if fps is None else float(fps),
    )


def _values(content: Content, joints: int) -> Floats:
    """Return (frames, people, joints, 3) x, y and confidence."""
    where = str(content.path)
    points = np.asarray(read_npz(content.path, "keypoints"))
    if points.ndim == 3:
        points = points[:, None]
    if points.ndim != 4 or points.shape[-1] not in (2, 3) or points.dtype.kind not in "fiu":
        raise HarnessError(
            f"{where}: keypoints have shape {points.shape} ({points.dtype}), expected numbers "
            "(frames, joints, 2 or 3), or (frames, people, joints, 2 or 3)"
        )
    if points.shape[2] != joints:
        raise HarnessError(
            f"{where}: names {joints} joints, but keypoints are of {points.shape[2]}"
        )
    points = points.astype(np.float64)
    if points.shape[-1] == 3:
        return points
    sure = np.ones(points.shape[:3])
    if "confidence" in content.value:
        told = np.asarray(read_npz(content.path, "confidence"))
        if told.dtype.kind not in "fiu" or told.size != sure.size:
            raise HarnessError(
                f"{where}: confidence has shape {told.shape} ({told.dtype}), expected numbers "
                f"{points.shape[:-1]}"
            )
        sure = told.astype(np.float64).reshape(sure.shape)
    return np.concatenate([points, sure[..., None]], axis=-1)


def _texts(content: Content, key: str) -> list[str]:
    held = np.asarray(read_npz(content.path, key))
    if held.dtype.kind != "U" or held.ndim != 1 or not len(held):
        raise HarnessError(f"{content.path}: '{key}' is no list of names (an array of text)")
    return [str(name) for name in held]


def _numbers(content: Content, key: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    held = np.asarray(read_npz(content.path, key))
    if held.dtype.kind not in "fiu" or held.shape != shape or not np.isfinite(held).all():
        raise HarnessError(f"{content.path}: '{key}' is no finite number or pair of numbers")
    return held.astype(np.float64)
