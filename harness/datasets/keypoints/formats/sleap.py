"""SLEAP's analysis (talmolab/sleap, File > Export Analysis CSV or HDF5, or sleap-convert).

    track,frame_idx,instance.score,nose.x,nose.y,nose.score,...

As HDF5 it holds tracks (tracks, 2, nodes, frames), node_names and, if there, track_names and
point_scores (tracks, nodes, frames).
Joints go by name (see `joint_names`). Frames and points that were not found are left out or empty.
"""

import numpy as np

from harness.datasets.files.keypoints_hdf5 import read_sleap
from harness.datasets.keypoints.content import Content
from harness.datasets.keypoints.detections import Detections, DetectionsBuilder
from harness.datasets.keypoints.formats.table import holds, table_of
from harness.datasets.keypoints.joint_names import harness_names
from harness.datasets.keypoints.layouts import JointOrder
from harness.foundation.errors import HarnessError


def fits(content: Content) -> bool:
    """Return whether this is a table with track and frame_idx, or HDF5 with tracks of nodes."""
    if content.kind == "hdf5":
        return {"tracks", "node_names"} <= set(content.value)
    return holds(content, ("track", "frame_idx"))


def read(content: Content) -> Detections:
    """Read the analysis; raises HarnessError for what is none."""
    return _from_hdf5(content) if content.kind == "hdf5" else _from_csv(content)


def _from_hdf5(content: Content) -> Detections:
    where = str(content.path)
    held = read_sleap(content.path)
    nodes, tracks = held["node_names"], held["tracks"]
    if tracks.ndim != 4 or tracks.shape[1:3] != (2, len(nodes)) or tracks.dtype.kind != "f":
        raise HarnessError(
            f"{where}: its tracks have shape {tracks.shape}, expected (tracks, 2, {len(nodes)} "
            "nodes, frames); export it with the preset matlab, which is SLEAP's own"
        )
    count, _, _, frames = tracks.shape
    scores = held.get("point_scores", np.ones((count, len(nodes), frames)))
    if scores.shape != (count, len(nodes), frames):
        raise HarnessError(
            f"{where}: its point_scores have shape {scores.shape}, unlike its tracks"
        )
    names = held.get("track_names", [])
    people = np.concatenate([tracks, scores[:, None]], axis=1).transpose(3, 0, 2, 1)
    builder = DetectionsBuilder(
        where, order=JointOrder("named joints", harness_names(nodes, where))
    )
    for frame, found in enumerate(people.astype(np.float64)):
        builder.add_frame(frame)
        for track, person in enumerate(found):
            if np.isfinite(person[:, :2]).all(axis=-1).any():
                builder.add(frame, person, names[track] if len(names) == count else None)
    return builder.finish()


def _from_csv(content: Content) -> Detections:
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
