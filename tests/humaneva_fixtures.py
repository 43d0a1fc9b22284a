"""HumanEva-I in the forms that users have it in: the real lengths, made-up motion."""

import json
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from h36m_fixtures import save_objects
from scipy.io import savemat

from harness.body.camera import Camera, rotation_of_quaternion

FOCAL_LENGTH, CENTER = np.array([640.0, 645.0]), np.array([325.0, 235.0])
# (action, frames of Validate, frames of Train), S1 and S3; the table of spec and of VideoPose3D.
LENGTHS = {
    "S1": {
        "Walking": (585, 613),
        "Jog": (362, 373),
        "ThrowCatch": (468, 472),
        "Gestures": (390, 406),
        "Box": (380, 404),
    },
    "S3": {"Walking": (443, 491), "Jog": (396, 441), "Gestures": (528, 569), "Box": (507, 509)},
}
METADATA = {
    "layout_name": "humaneva15",
    "num_joints": 15,
    "keypoints_symmetry": [[2, 3, 4, 8, 9, 10], [5, 6, 7, 11, 12, 13]],
}
COCO_METADATA = {
    "layout_name": "coco",
    "num_joints": 17,
    "keypoints_symmetry": [list(range(1, 17, 2)), list(range(2, 17, 2))],
}

Takes = dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]


def placements() -> dict[str, tuple[Camera, ...]]:
    """Return the three cameras of each subject where they are published to stand."""
    published = resources.files("harness.body").joinpath("humaneva_cameras.json")
    return {
        subject: tuple(
            Camera(
                name=f"C{number}",
                width=640,
                height=480,
                focal_length=tuple(FOCAL_LENGTH),
                center=tuple(CENTER),
                orientation=outer["orientation"],
                translation=tuple(value / 1000 for value in outer["translation"]),
            )
            for number, outer in enumerate(cameras, start=1)
        )
        for subject, cameras in json.loads(published.read_text())["extrinsics"].items()
    }


def takes(placements: dict[str, tuple[Camera, ...]]) -> Takes:
    """Return "Train/S1" -> "Walking" -> millimetres (frames, 15, 3), pixels (3, frames, 15, 2).

    The mocap of S1 Walking fails in frames 0 to 9 and 100 to 104 of both parts (NaN).
    """
    rng = np.random.default_rng(15)
    body = rng.uniform([-0.3, -0.3, 0.0], [0.3, 0.3, 1.8], size=(15, 3))
    made: Takes = {}
    for subject, actions in LENGTHS.items():
        for action, lengths in actions.items():
            for part, frames in zip(("Validate", "Train"), lengths, strict=True):
                time = np.arange(frames)[:, None, None]
                phase = rng.uniform(0, 6, size=(1, 15, 3))
                world = body + 0.3 * np.sin(0.05 * time) + 0.1 * np.sin(0.2 * time + phase)
                pixels = np.stack([pinhole(world, camera) for camera in placements[subject]])
                if (subject, action) == ("S1", "Walking"):
                    for failed in (slice(0, 10), slice(100, 105)):
                        world[failed] = np.nan
                        pixels[:, failed] = np.nan
                made.setdefault(f"{part}/{subject}", {})[action] = (world * 1000, pixels)
    return made


def pinhole(world: np.ndarray, camera: Camera) -> np.ndarray:
    """Project world metres with the fixtures' focal length and centre."""
    rotation = rotation_of_quaternion(camera.orientation)
    space = (world - np.array(camera.translation)) @ rotation
    return space[..., :2] / space[..., 2:] * FOCAL_LENGTH + CENTER


def write_mat_files(raw: Path, made: Takes) -> None:
    """Write Train/S1/Walking_1.mat and so on, as ConvertHumanEva.m does."""
    for key, actions in made.items():
        folder = raw / key
        folder.mkdir(parents=True)
        for action, (positions, pixels) in actions.items():
            savemat(folder / f"{action}_1.mat", {"poses_3d": positions, "poses_2d": pixels})


def in_chunks(made: Takes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return 3D and 2D by subject and chunk, cut frame by frame as VideoPose3D does."""
    chunks_3d: dict[str, Any] = {}
    chunks_2d: dict[str, Any] = {}
    for key, actions in made.items():
        chunks_3d[key], chunks_2d[key] = {}, {}
        for action, (positions, pixels) in actions.items():
            first = 0
            groups = groupby(positions, lambda pose: bool(np.isfinite(pose).all()))
            for number, (sound, poses) in enumerate(groups):
                chunk = np.array(list(poses), dtype=np.float32)
                last = first + len(chunk)
                if sound:
                    name = f"{action} 1 chunk{number}"
                    chunks_3d[key][name] = chunk / 1000
                    chunks_2d[key][name] = list(pixels[:, first:last].astype(np.float32))
                first = last
    return chunks_3d, chunks_2d


def write_npz_files(raw: Path, made: Takes) -> None:
    """Write VideoPose3D's 3D file and its ground-truth 2D file."""
    chunks_3d, chunks_2d = in_chunks(made)
    save_objects(raw / "data_3d_humaneva15.npz", 1, positions_3d=chunks_3d)
    write_keypoints(raw, "gt", chunks_2d, METADATA)


def coco_detections(chunks_2d: dict[str, Any]) -> dict[str, Any]:
    """Return 17 keypoints by chunk and camera, and unlabelled recordings beside them."""
    rng = np.random.default_rng(17)
    found: dict[str, Any] = {
        key: {
            name: [rng.uniform(0, 480, (len(view), 17, 2)).astype(np.float32) for view in views]
            for name, views in chunks.items()
        }
        for key, chunks in chunks_2d.items()
    }
    found["Unlabeled/S4"] = {"Walking 1": [None, None, None]}
    found["Unlabeled/Train/S1"] = {"Walking 1 chunk0": [None, None, None]}
    return found


def write_keypoints(
    raw: Path, source: str, keypoints: dict[str, Any], metadata: dict[str, Any]
) -> Path:
    """Write data_2d_humaneva15_<source>.npz."""
    path = raw / f"data_2d_humaneva15_{source}.npz"
    save_objects(path, 2, positions_2d=keypoints, metadata=metadata)
    return path
