"""What it costs a lifter that its joints were derived from a detector's; accuracy, not speed.

Exact keypoints of a prepared set are lifted twice: as they are, and with the lifter's joints
derived from those that a detector would find on the same body (`seen_joints`), exactly where they
are. The difference is what the derivation costs, without any error of a detector: how much larger
the error becomes, and how far predictions move.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.command import parser_of, run
from benchmarks.record import Line
from harness.body.camera import project
from harness.body.skeleton import H36M_17
from harness.datasets.derived_joints import mean_weights
from harness.datasets.keypoints.layouts import (
    BLAZEPOSE_33,
    BODY_25,
    COCO,
    COCO_18,
    HALPE_26,
    MPII_16,
    JointOrder,
)
from harness.datasets.keypoints.mapping import derivations
from harness.datasets.keypoints.seen_joints import seen_joints
from harness.datasets.prepared import PreparedSet
from harness.lifting.checkpoint import CHECKPOINT, load_checkpoint
from harness.lifting.contract import Lifter
from harness.lifting.lift import lift
from harness.lifting.windows import WindowReader

ORDERS = (COCO, COCO_18, HALPE_26, BODY_25, BLAZEPOSE_33, MPII_16)
MODELS = ("dgnet", "martinez", "videopose3d")
_NOSE = {"Neck/Nose": {"Nose": 1.0}}
_EYES = {"Head": {"LEye": 1 / 2, "REye": 1 / 2}}
OTHERS: tuple[tuple[str, JointOrder, Mapping[str, Mapping[str, float]]], ...] = (
    ("coco_17, Neck/Nose = nose", COCO, _NOSE),
    ("coco_17, Neck/Nose = nose, Head = middle of the eyes", COCO, _NOSE | _EYES),
)
"""Other derivations that public code has: label, joints found, what is derived otherwise."""

Floats = NDArray[np.float64]


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return, by derivation, the mean error in pixels and the MPJPE in mm of each model."""
    prepared = PreparedSet(arguments.data)
    exact = np.asarray(prepared.keypoints_2d("gt"), np.float64)
    lines = []
    models = MODELS[:1] if arguments.smoke else MODELS
    lifters = {
        model: load_checkpoint(arguments.runs / f"{model}-seed0" / CHECKPOINT)[0]
        for model in models
    }
    before = {model: lifted(lifter, prepared, exact) for model, lifter in lifters.items()}
    truth = true_poses(prepared)
    for model, poses in before.items():
        lines.append(Line(f"as they are: {model}", 1000.0 * _apart(poses, truth), "mm"))
    for label, order, otherwise in (*((order.name, order, {}) for order in ORDERS), *OTHERS):
        points = derived_keypoints(prepared, order, otherwise)
        off = np.linalg.norm(points - exact, axis=-1).mean(axis=0)
        for joint in ("Hip", "Spine", "Thorax", "Neck/Nose", "Head"):
            lines.append(Line(f"{label}: {joint} off", float(off[H36M_17.index(joint)]), "px"))
        for model, lifter in lifters.items():
            poses = lifted(lifter, prepared, points)
            lines.append(Line(f"{label}: {model}", 1000.0 * _apart(poses, truth), "mm"))
            moved = 1000.0 * _apart(poses, before[model])
            lines.append(Line(f"{label}: {model} moved", moved, "mm"))
    return lines


def derived_keypoints(
    prepared: PreparedSet, order: JointOrder, otherwise: Mapping[str, Mapping[str, float]]
) -> Floats:
    """Return (rows, 17, 2) exact pixels whose joints were derived from a detector's."""
    points = np.empty((prepared.rows, len(order.joints), 2))
    for clip in prepared.clips.to_dict("records"):
        rows = slice(clip["first_row"], clip["first_row"] + clip["frames"])
        seen = seen_joints(prepared.positions_3d[rows], order)
        points[rows] = project(seen, prepared.camera(clip["camera"]))
    there = np.isfinite(points).all(axis=(0, 2))
    found = [joint for joint, known in zip(order.joints, there, strict=True) if known]
    chosen = derivations(H36M_17.joints, dict.fromkeys(found, 1.0), order.name)
    weights = mean_weights(H36M_17.joints, found, {**chosen, **otherwise})
    return np.einsum("jm,fma->fja", weights, points[:, there])


def lifted(lifter: Lifter, prepared: PreparedSet, points: Floats) -> NDArray[np.float32]:
    """Return the (rows, 17, 3) poses of the test clips, lifted from these pixels."""
    reader = WindowReader(
        prepared, prepared.select("test"), "gt", lifter, keypoints=points.astype(np.float32)
    )
    return lift(lifter, reader, flip_test=True)


def true_poses(prepared: PreparedSet) -> NDArray[np.float32]:
    """Return the (rows, 17, 3) root-relative poses of the test clips."""
    clips = prepared.select("test")
    rows = np.concatenate([clip.first_row + np.arange(clip.frames) for clip in clips.itertuples()])
    poses = prepared.positions_3d[rows]
    return poses - poses[:, H36M_17.root, None]


def _apart(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(one - other, axis=-1).mean(dtype=np.float64))


if __name__ == "__main__":
    parser = parser_of(__doc__)
    parser.add_argument("--data", type=Path, default=Path("data/prepared/quick"))
    parser.add_argument("--runs", type=Path, default=Path("results/quick/runs"))
    run("derivations", measure, parser)
