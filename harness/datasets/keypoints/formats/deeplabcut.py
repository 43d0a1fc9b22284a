"""DeepLabCut's table of an analysed video: CSV with three lines of header, or four, or HDF5.

    scorer,net,net,net,...
    individuals,one,one,one,...    only in multi-animal projects
    bodyparts,nose,nose,nose,...
    coords,x,y,likelihood,...
    0,512.3,201.9,0.98,...

The same table as .h5 is pandas' own form (`read_pandas_table`). Joints go by name (see
`joint_names`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.datasets.files.keypoints_hdf5 import read_pandas_table
from harness.datasets.keypoints.content import Content
from harness.datasets.keypoints.detections import Detections, DetectionsBuilder, Floats
from harness.datasets.keypoints.formats.table import table_of
from harness.datasets.keypoints.joint_names import harness_names
from harness.datasets.keypoints.layouts import JointOrder
from harness.foundation.errors import HarnessError

_COORDINATES = ("x", "y", "likelihood")


def fits(content: Content) -> bool:
    """Return whether this is a CSV file that begins with the name of a scorer, or pandas' HDF5."""
    if content.kind == "hdf5":
        return len(content.value) == 1  # the key that the table was written under
    return content.kind == "csv" and content.value[:1] != [] and content.value[0][0] == "scorer"


def read(content: Content) -> Detections:
    """Read the table; raises HarnessError for what is none."""
    table = _from_hdf5(content) if content.kind == "hdf5" else _from_csv(content)
    where = str(content.path)
    columns: dict[str, dict[str, dict[str, int]]] = {}
    names = zip(table.individuals, table.parts, table.coordinates, strict=True)
    for column, (person, part, coordinate) in enumerate(names):
        columns.setdefault(person, {}).setdefault(part, {})[coordinate] = column
    builder = DetectionsBuilder(where)
    for person, joints in columns.items():
        missing = [part for part, held in joints.items() if not {"x", "y"} <= held.keys()]
        if missing:
            raise HarnessError(f"{where}: '{missing[0]}' has no columns x and y")
        order = JointOrder("named joints", harness_names(list(joints), where))
        if builder.order not in (None, order):
            continue  # points that all individuals share, such as the corners of a cage
        builder.order = order
        values = np.full((len(table.frames), len(joints), 3), np.nan)
        for joint, held in enumerate(joints.values()):
            values[:, joint, 2] = 1.0
            for axis, name in enumerate(_COORDINATES):
                if name in held:
                    values[:, joint, axis] = table.values[:, held[name]]
        for frame, found in zip(table.frames, values, strict=True):
            builder.add_frame(frame)
            if np.isfinite(found[..., :2]).all(axis=-1).any():
                builder.add(frame, found, person or "1")
    return builder.finish()


@dataclass(frozen=True)
class _Columns:
    """The table: (frames, columns) values, and what each column is."""

    frames: Sequence[int]
    individuals: Sequence[str]
    parts: Sequence[str]
    coordinates: Sequence[str]
    values: Floats


def _from_csv(content: Content) -> _Columns:
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
    count = len(table.header)
    return _Columns(
        frames=_frame_numbers(table.texts_at(0), where),
        individuals=content.value[1][1:] if several else [""] * (count - 1),
        parts=content.value[headers - 2][1:],
        coordinates=table.header[1:],
        values=np.stack([table.numbers_at(column) for column in range(1, count)], axis=1),
    )


def _from_hdf5(content: Content) -> _Columns:
    held = read_pandas_table(content.path)
    if isinstance(held["frames"], list):
        raise HarnessError(f"{content.path}: {_NO_FRAMES}")
    return _Columns(
        frames=held["frames"].tolist(),
        individuals=held.get("individuals", [""] * len(held["coords"])),
        parts=held["bodyparts"],
        coordinates=held["coords"],
        values=held["values"].astype(np.float64),
    )


_NO_FRAMES = (
    "its first column does not number frames; it seems to be the table of labelled images, not "
    "that of an analysed video"
)


def _frame_numbers(texts: list[str], where: str) -> list[int]:
    """Return the first column, which numbers the frames of a video."""
    if not all(text.isdecimal() and len(text) <= 15 for text in texts):
        raise HarnessError(f"{where}: {_NO_FRAMES}")
    return [int(text) for text in texts]
