"""A data set of one's own, as docs/data.md tells the layout: a bird before two cameras."""

import json
from pathlib import Path
from typing import Any

import numpy as np

BIRD = {
    "name": "bird_5",
    "joints": ["Body", "Neck", "Head", "LWing", "RWing"],
    "parents": [None, "Body", "Neck", "Neck", "Neck"],
    "left": ["LWing"],
    "right": ["RWing"],
}
CAMERAS: dict[str, Any] = {
    "near": {
        "width": 640,
        "height": 480,
        "focal_length": [600.0, 610.0],
        "center": [320.0, 240.0],
        # A quarter turn about x: the camera's z is the world's -y, its y the world's -z.
        "orientation": [0.5**0.5, 0.5**0.5, 0.0, 0.0],
        "translation": [0.5, 6.0, 1.0],
    },
    "far": {
        "width": 1280,
        "height": 720,
        "focal_length": [900.0, 900.0],
        "center": [640.0, 360.0],
        "radial_distortion": [-0.1, 0.0, 0.0],
        "orientation": [0.5**0.5, 0.5**0.5, 0.0, 0.0],
        "translation": [0.0, 9.0, 1.5],
    },
}
SPLITS = {"robin": "train", "wren": "validation", "tit": "test"}


def description(**changes: Any) -> dict[str, Any]:
    """Return what dataset.json says, with changes."""
    content: dict[str, Any] = {
        "name": "birds",
        "title": "Birds in a cage",
        "licence": "free for all uses",
        "citation": "nobody",
        "fps": 30.0,
        "skeleton": "bird_5",
        "skeletons": [BIRD],
        "space": "world",
        "sources_2d": {"seen": {"layout": "bird_5", "confidence": True}},
        "cameras": CAMERAS,
        "clips": [
            {
                "file": f"clips/{subject}_{camera}.npz",
                "subject": subject,
                "action": "flying",
                "camera": camera,
                "split": split,
            }
            for subject, split in SPLITS.items()
            for camera in CAMERAS
        ],
    }
    return {**content, **changes}


def arrays(number: int, frames: int = 12) -> dict[str, np.ndarray]:
    """Return the arrays of a clip; 3D in world metres, near the origin."""
    rng = np.random.default_rng(number)
    return {
        "positions_3d": rng.uniform(-0.5, 0.5, (1, 5, 3)) + rng.normal(0, 0.05, (frames, 5, 3)),
        "keypoints_2d/seen": rng.uniform(0, 400, (frames, 5, 2)),
        "confidence/seen": rng.uniform(0, 1, (frames, 5)),
    }


def write(raw: Path, content: dict[str, Any], **changes: Any) -> dict[str, dict[str, np.ndarray]]:
    """Write dataset.json and its clips; `changes` replace arrays (None removes) of the first."""
    raw.mkdir(parents=True, exist_ok=True)
    (raw / "dataset.json").write_text(json.dumps(content))
    made = {}
    for number, clip in enumerate(content["clips"]):
        held = arrays(number)
        if number == 0:
            held |= {key.replace("__", "/"): value for key, value in changes.items()}
        path = raw / clip["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        made[clip["file"]] = {key: value for key, value in held.items() if value is not None}
        np.savez(path, **made[clip["file"]])
    return made
