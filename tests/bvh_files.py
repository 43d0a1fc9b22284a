"""Writes BVH files: LAFAN1's hierarchy with a made-up body, and a person who moves on the spot."""

from pathlib import Path

import numpy as np

# Joint, parent, offset in centimetres; a joint without children ends in an End Site of no length.
LAFAN1 = [
    ("Hips", "", (0, 0, 0)),
    ("LeftUpLeg", "Hips", (9, -2, 0)),
    ("LeftLeg", "LeftUpLeg", (0, -43, 0)),
    ("LeftFoot", "LeftLeg", (0, -42, 0)),
    ("LeftToe", "LeftFoot", (0, -6, 13)),
    ("RightUpLeg", "Hips", (-9, -2, 0)),
    ("RightLeg", "RightUpLeg", (0, -43, 0)),
    ("RightFoot", "RightLeg", (0, -42, 0)),
    ("RightToe", "RightFoot", (0, -6, 13)),
    ("Spine", "Hips", (0, 8, -1)),
    ("Spine1", "Spine", (0, 12, -1)),
    ("Spine2", "Spine1", (0, 12, 0)),
    ("Neck", "Spine2", (0, 25, 2)),
    ("Head", "Neck", (0, 11, 2)),
    ("LeftShoulder", "Spine2", (4, 19, 5)),
    ("LeftArm", "LeftShoulder", (12, 0, 0)),
    ("LeftForeArm", "LeftArm", (30, 0, 0)),
    ("LeftHand", "LeftForeArm", (24, 0, 0)),
    ("RightShoulder", "Spine2", (-4, 19, 5)),
    ("RightArm", "RightShoulder", (-12, 0, 0)),
    ("RightForeArm", "RightArm", (-30, 0, 0)),
    ("RightHand", "RightForeArm", (-24, 0, 0)),
]
CHANNELS = 6 + 3 * (len(LAFAN1) - 1)


def moving(frames: int, seed: int = 0, rate: float = 30.0) -> np.ndarray:
    """Return (frames, channels): someone who swings all limbs, in centimetres and degrees."""
    random = np.random.default_rng(seed)
    time = np.arange(frames)[:, None] / rate
    values = random.uniform(3, 15, CHANNELS) * np.sin(
        2 * np.pi * 0.6 * time + random.uniform(0, 6, CHANNELS)
    )
    values[:, :6] = [random.uniform(-90, 90), 93, random.uniform(-90, 90), 0, 0, 0]
    values[:, 4] = random.uniform(-180, 180)
    return values


def bvh_text(values: np.ndarray, frame_time: str = "0.033333", scale: float = 1.0) -> str:
    """Return a file of (frames, channels); `scale` multiplies offsets and places, for a unit."""
    lines = ["HIERARCHY", *_joint("Hips", 0, scale), "MOTION", f"Frames: {len(values)}"]
    lines.append(f"Frame Time: {frame_time}")
    scaled = values * np.array([scale] * 3 + [1.0] * (CHANNELS - 3))
    lines += [" ".join(f"{value:.6f}" for value in frame) for frame in scaled]
    return "\n".join(lines) + "\n"


def _joint(name: str, depth: int, scale: float) -> list[str]:
    indent = "\t" * depth
    offset = next(offset for joint, _, offset in LAFAN1 if joint == name)
    turns = "Zrotation Yrotation Xrotation"
    lines = [
        f"{indent}{'JOINT' if depth else 'ROOT'} {name}",
        f"{indent}{{",
        f"{indent}\tOFFSET {' '.join(f'{scale * value:.6f}' for value in offset)}",
        f"{indent}\tCHANNELS "
        + (f"3 {turns}" if depth else f"6 Xposition Yposition Zposition {turns}"),
    ]
    children = [joint for joint, parent, _ in LAFAN1 if parent == name]
    for child in children:
        lines += _joint(child, depth + 1, scale)
    if not children:
        lines += [f"{indent}\tEnd Site", f"{indent}\t{{", f"{indent}\t\tOFFSET 0 0 0"]
        lines.append(f"{indent}\t}}")
    return [*lines, f"{indent}}}"]


def write_raw(folder: Path, trials: dict[str, str]) -> Path:
    """Write files by their names without .bvh; return `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in trials.items():
        (folder / f"{name}.bvh").write_text(text)
    return folder


def write_split(path: Path, lines: str) -> str:
    """Write a split file with a line a trial below its head; return its path."""
    path.write_text(f"subject,trial,action,split\n{lines}")
    return str(path)
