"""A file in the form of h36m_sh_conf_cam_source_final.pkl, made from random motion."""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

SIZES = {"54138969": 1002, "60457274": 1002, "55011271": 1000, "58860488": 1000}
CAMERAS = list(SIZES)

# source, action, camera, frames; windows of 8 frames leave some over, and one is shorter than one.
VIDEOS = (
    ("s_09_act_05_subact_01_ca_01", "Greeting", 0, 19),
    ("s_09_act_05_subact_02_ca_01", "Greeting", 0, 16),  # on the block list
    ("s_09_act_14_subact_01_ca_02", "Walking", 1, 24),
    ("s_11_act_14_subact_02_ca_03", "Walking", 2, 5),
    ("s_11_act_02_subact_01_ca_04", "Directions", 3, 8),
    ("s_11_act_05_subact_02_ca_04", "Greeting", 3, 6),  # shorter than a window and the last one
)


def made_part(
    videos: Sequence[tuple[str, str, int, int]] = VIDEOS, seed: int = 0
) -> dict[str, Any]:
    """Return the dict `test` of such a file, in double precision."""
    rng = np.random.default_rng(seed)
    frames = sum(video[3] for video in videos)
    image = np.concatenate(
        [
            500 + 80 * rng.normal(size=(1, 17, 3)) + rng.normal(size=(length, 17, 3)).cumsum(axis=0)
            for *_, length in videos
        ]
    )
    image[..., 2] -= image[:, :1, 2]
    factor = rng.uniform(4, 5, size=frames)
    return {
        "joint_2d": image[..., :2] + rng.normal(scale=3, size=(frames, 17, 2)),
        "confidence": rng.random((frames, 17, 1)),
        "joint3d_image": image,
        "joints_2.5d_image": image * factor[:, None, None],
        "2.5d_factor": factor,
        "camera_name": np.repeat([CAMERAS[video[2]] for video in videos], [v[3] for v in videos]),
        "source": [video[0] for video in videos for _ in range(video[3])],
        "action": [video[1] for video in videos for _ in range(video[3])],
    }


def write_part(raw: Path, part: Any) -> Path:
    """Write a file with that dict as `test` below `raw`."""
    raw.mkdir(parents=True, exist_ok=True)
    path = raw / "h36m_sh_conf_cam_source_final.pkl"
    path.write_bytes(pickle.dumps({"train": {}, "test": part}, protocol=4))
    return path
