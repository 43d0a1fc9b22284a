"""DeepLabCut's CSV of analysed videos: three lines of header, or four with several individuals.

    scorer,net,net,net,...
    individuals,one,one,one,...    only in multi-animal projects
    bodyparts,nose,nose,nose,...
    coords,x,y,likelihood,...
    0,512.3,201.9,0.98,...

Joints go by name (see `joint_names`). The same table as .h5 is pandas' own form, which is not read.
"""

import numpy as np

from harness.datasets.keypoints.content import Content
from harness.datasets.keypoints.detections import Detections, DetectionsBuilder
from harness.datasets.keypoints.formats.table import table_of
from harness.datasets.keypoints.joint_names import harness_names
from harness.datasets.keypoints.layouts import JointOrder
from harness.foundation.errors import HarnessError

_COORDINATES = ("x", "y", "likelihood")


def fits(content: Content) -> bool:
    """Return whether this is a CSV file that begins with the name of a scorer."""
    return content.kind == "csv" and content.value[:1] != [] and content.value[0][0] == "scorer"


def read(content: Content) -> Detections:
    """Read the table; raises HarnessError for what is none."""
    where = str(content.path)
    names = [row[0] for row in content.value[:4]]
    several = names[1:2] == ["individuals"]
    headers = 4 if several else 3
    if names[1:headers] != [*(["individuals"] if several else []), "bodyparts", "coords"]:
        raise HarnessError(
            f"{where}: its header has the lines {', '.join(names[:headers])}, expected scorer, "
            "individuals (where there are several), bodyparts, coords"
        )
    table = table_of(content, headers)
    whom = content.value[1] if several else [""] * len(table.header)
    parts = content.value[headers - 2]
    columns: dict[str, dict[str, dict[str, int]]] = {}
    for column, coordinate in enumerate(table.header[1:], start=1):
        held = columns.setdefault(whom[column], {}).setdefault(parts[column], {})
        held[coordinate] = column
    builder = DetectionsBuilder(where)
    frames = _frame_numbers(table.texts_at(0), where)
    for person, joints in columns.items():
        missing = [part for part, held in joints.items() if not {"x", "y"} <= held.keys()]
        if missing:
            raise HarnessError(f"{where}: '{missing[0]}' has no columns x and y")
        order = JointOrder("named joints", harness_names(list(joints), where))
        if builder.order not in (None, order):
            continue  # points that all individuals share, such as the corners of a cage
        builder.order = order
        values = np.full((len(frames), len(joints), 3), np.nan)
        for joint, held in enumerate(joints.values()):
            values[:, joint, 2] = 1.0
            for axis, name in enumerate(_COORDINATES):
                if name in held:
                    values[:, joint, axis] = table.numbers_at(held[name])
        for frame, found in zip(frames, values, strict=True):
            builder.add_frame(frame)
            if np.isfinite(found[..., :2]).all(axis=-1).any():
                builder.add(frame, found, person or "1")
    return builder.finish()


def _frame_numbers(texts: list[str], where: str) -> list[int]:
    """Return the first column, which numbers the frames of a video."""
    if not all(text.isdecimal() and len(text) <= 15 for text in texts):
        raise HarnessError(
            f"{where}: its first column does not number frames; it seems to be the table of "
            "labelled images, not that of an analysed video"
        )
    return [int(text) for text in texts]
