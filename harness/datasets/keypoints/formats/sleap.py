"""SLEAP's analysis CSV (talmolab/sleap, File > Export Analysis CSV, or sleap-convert).

    track,frame_idx,instance.score,nose.x,nose.y,nose.score,...

Joints go by name (see `joint_names`). Frames and points that were not found are left out or empty.
"""

import numpy as np

from harness.datasets.keypoints.content import Content
from harness.datasets.keypoints.detections import Detections, DetectionsBuilder
from harness.datasets.keypoints.formats.table import holds, table_of
from harness.datasets.keypoints.joint_names import harness_names
from harness.datasets.keypoints.layouts import JointOrder
from harness.foundation.errors import HarnessError


def fits(content: Content) -> bool:
    """Return whether this is a table with a column frame_idx and points named NODE.x."""
    return holds(content, ("track", "frame_idx"))


def read(content: Content) -> Detections:
    """Read the table; raises HarnessError for what is none."""
    table = table_of(content)
    nodes = [name.removesuffix(".x") for name in table.header if name.endswith(".x")]
    missing = [node for node in nodes if f"{node}.y" not in table.header]
    if not nodes or missing:
        raise HarnessError(
            f"{table.where}: has no columns of points NODE.x and NODE.y"
            f"{f' ({missing[0]}.y is missing)' if missing else ''}, as SLEAP writes them"
        )
    builder = DetectionsBuilder(
        table.where, order=JointOrder("named joints", harness_names(nodes, table.where))
    )
    values = np.ones((len(table.rows), len(nodes), 3))
    for joint, node in enumerate(nodes):
        for axis, name in enumerate(("x", "y", "score")):
            if f"{node}.{name}" in table.header:
                values[:, joint, axis] = table.numbers(f"{node}.{name}")
    frames = table.whole_numbers("frame_idx")
    for frame, track, person in zip(frames, table.texts("track"), values, strict=True):
        builder.add(int(frame), person, track or None)
    return builder.finish()
