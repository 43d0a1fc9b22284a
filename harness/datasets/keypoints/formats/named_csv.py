"""A table with a line a frame (and person), and columns of named joints.

    frame,person,left_hip_x,left_hip_y,left_hip_confidence,right_hip_x,...

`frame` and `person` may be missing, and so may confidences (also called score, likelihood or
visibility). Joints go by name (see `joint_names`). Pixels; shares of the picture where the joints
are MediaPipe's 33 and no number is above 2.
"""

import numpy as np

from harness.datasets.keypoints.content import Content
from harness.datasets.keypoints.detections import Detections, DetectionsBuilder, Floats
from harness.datasets.keypoints.formats.table import Table, table_of
from harness.datasets.keypoints.joint_names import harness_names
from harness.datasets.keypoints.layouts import BLAZEPOSE_33, JointOrder
from harness.foundation.errors import HarnessError

_SURE = ("confidence", "score", "likelihood", "visibility")
_MOST_SHARE = 2.0


def fits(content: Content) -> bool:
    """Return whether this is a table with columns JOINT_x and JOINT_y."""
    return content.kind == "csv" and bool(content.value) and bool(_joints(content.value[0]))


def read(content: Content) -> Detections:
    """Read the table; raises HarnessError for what is none."""
    table = table_of(content)
    joints = _joints(table.header)
    names = harness_names(joints, table.where)
    builder = DetectionsBuilder(table.where, order=JointOrder("named joints", names))
    values = np.stack([_values(table, joint) for joint in joints], axis=1)
    numbered = "frame" in table.header
    frames = table.whole_numbers("frame") if numbered else np.arange(len(values))
    people = table.texts("person") if "person" in table.header else [""] * len(values)
    if "person" not in table.header and len(set(frames)) < len(frames):
        raise HarnessError(
            f"{table.where}: a frame stands there twice; say who is who in a column 'person'"
        )
    for frame, name, person in zip(frames, people, values, strict=True):
        builder.add(int(frame), person, name or None)
    largest = float(np.nanmax(np.abs(values[..., :2]), initial=0.0))
    return builder.finish(shares=set(names) >= set(BLAZEPOSE_33.joints) and largest <= _MOST_SHARE)


def _joints(header: tuple[str, ...] | list[str]) -> list[str]:
    held = {cell.strip() for cell in header}
    stems = [cell.strip()[:-2] for cell in header if cell.strip().endswith("_x")]
    return [stem for stem in stems if stem and f"{stem}_y" in held]


def _values(table: Table, joint: str) -> Floats:
    """Return the (rows, 3) x, y and confidence of a joint."""
    sure = next(
        (table.numbers(f"{joint}_{name}") for name in _SURE if f"{joint}_{name}" in table.header),
        np.ones(len(table.rows)),
    )
    return np.column_stack([table.numbers(f"{joint}_x"), table.numbers(f"{joint}_y"), sure])
