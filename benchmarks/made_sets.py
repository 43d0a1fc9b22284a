"""Prepared sets of random motion, of any size and number of joints."""

from pathlib import Path

import numpy as np

from harness.body.camera import h36m_cameras
from harness.body.skeleton import H36M_17, Skeleton, register_skeleton
from harness.datasets.prepared import PreparedSet, Source2D, Split
from harness.datasets.prepared_writer import write_prepared_set

ACTIONS = 15
_ROWS_DRAWN = 4096


def made_set(
    folder: Path, clips: int, frames: int, split: Split = "train", skeleton: Skeleton = H36M_17
) -> PreparedSet:
    """Write `clips` clips with `frames` frames in all: takes of 15 actions before four cameras.

    Positions are random numbers about a point 5 m before the camera, keypoints random pixels; both
    repeat, so that drawing them takes no time.
    """
    rng = np.random.default_rng(0)
    joints = len(skeleton)
    drawn = rng.normal(0.0, 0.2, (_ROWS_DRAWN, joints, 3)).astype(np.float32)
    drawn[..., 2] += 5.0
    pixels = rng.uniform(0.0, 1000.0, (_ROWS_DRAWN, joints, 2)).astype(np.float32)
    lengths = np.full(clips, frames // clips) + (np.arange(clips) < frames % clips)
    layouts = {"gt": Source2D(layout=skeleton.name, exact=True, confidence=False)}
    with write_prepared_set(folder, skeleton) as writer:
        for number, length in enumerate(lengths):
            camera = h36m_cameras()["S9"][number % 4]
            rows = np.arange(number, number + length) % _ROWS_DRAWN
            writer.add_clip(
                origin=f"clip {number}",
                subject="S9",
                action=f"Action{number // 4 % ACTIONS}",
                subaction=str(number // (4 * ACTIONS)),
                split=split,
                fps=50.0,
                camera=camera,
                camera_key=camera.name,
                positions_3d=drawn[rows],
                keypoints_2d={"gt": pixels[rows]},
                layouts=layouts,
            )
        writer.finish(
            name="made", title="Made", licence="", citation="", importer_version=1, settings={}
        )
    return PreparedSet(folder)


def chain(joints: int) -> Skeleton:
    """Return a registered skeleton of any number of joints, each hanging on the one before."""
    if joints == len(H36M_17):
        return H36M_17
    names = ("Hip", *(f"Joint{number}" for number in range(1, joints)))
    skeleton = Skeleton(f"chain_{joints}", names, tuple(range(-1, joints - 1)), (), ())
    register_skeleton(skeleton)
    return skeleton
