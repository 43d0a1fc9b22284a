"""Writes Acclaim files with the bones of the CMU database: a made-up body and made-up motions."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

# Child, parent, direction at rest, length in the file's unit, axis in degrees, channels.
BONES = [
    ("lhipjoint", "root", (0.6, -0.75, 0.28), 2.4, (0, 0, 0), ""),
    ("lfemur", "lhipjoint", (0.34, -0.94, 0), 7.2, (0, 0, 20), "rx ry rz"),
    ("ltibia", "lfemur", (0.34, -0.94, 0), 7.4, (0, 0, 20), "rx"),
    ("lfoot", "ltibia", (0.07, -0.2, 0.97), 2.3, (-90, 0, 20), "rx rz"),
    ("ltoes", "lfoot", (0, 0, 1), 1.2, (-90, 0, 20), "rx"),
    ("rhipjoint", "root", (-0.6, -0.75, 0.28), 2.4, (0, 0, 0), ""),
    ("rfemur", "rhipjoint", (-0.34, -0.94, 0), 7.3, (0, 0, -20), "rx ry rz"),
    ("rtibia", "rfemur", (-0.34, -0.94, 0), 7.4, (0, 0, -20), "rx"),
    ("rfoot", "rtibia", (-0.07, -0.2, 0.97), 2.3, (-90, 0, -20), "rx rz"),
    ("rtoes", "rfoot", (0, 0, 1), 1.2, (-90, 0, -20), "rx"),
    ("lowerback", "root", (0, 1, -0.08), 2.0, (0, 0, 0), "rx ry rz"),
    ("upperback", "lowerback", (0, 1, -0.02), 2.0, (0, 0, 0), "rx ry rz"),
    ("thorax", "upperback", (0, 1, 0.02), 2.0, (0, 0, 0), "rx ry rz"),
    ("lowerneck", "thorax", (0, 1, 0.09), 1.6, (0, 0, 0), "rx ry rz"),
    ("upperneck", "lowerneck", (0, 1, -0.06), 1.6, (0, 0, 0), "rx ry rz"),
    ("head", "upperneck", (0, 1, -0.03), 1.7, (0, 0, 0), "rx ry rz"),
    ("lclavicle", "thorax", (0.93, 0.35, -0.09), 3.5, (0, 0, 0), "ry rz"),
    ("lhumerus", "lclavicle", (1, 0, 0), 5.0, (180, -30, -90), "rx ry rz"),
    ("lradius", "lhumerus", (1, 0, 0), 3.4, (180, -30, -90), "rx"),
    ("lwrist", "lradius", (1, 0, 0), 1.7, (0, 90, 90), "ry"),
    ("lhand", "lwrist", (1, 0, 0), 0.7, (0, 90, 90), "rx rz"),
    ("lfingers", "lhand", (1, 0, 0), 0.5, (0, 90, 90), "rx"),
    ("lthumb", "lwrist", (0.7, 0, 0.7), 0.8, (-90, 45, 0), "rx rz"),
    ("rclavicle", "thorax", (-0.93, 0.35, -0.09), 3.5, (0, 0, 0), "ry rz"),
    ("rhumerus", "rclavicle", (-1, 0, 0), 5.1, (180, 30, 90), "rx ry rz"),
    ("rradius", "rhumerus", (-1, 0, 0), 3.4, (180, 30, 90), "rx"),
    ("rwrist", "rradius", (-1, 0, 0), 1.7, (0, -90, -90), "ry"),
    ("rhand", "rwrist", (-1, 0, 0), 0.7, (0, -90, -90), "rx rz"),
    ("rfingers", "rhand", (-1, 0, 0), 0.5, (0, -90, -90), "rx"),
    ("rthumb", "rwrist", (-0.7, 0, 0.7), 0.8, (-90, -45, 0), "rx rz"),
]
LENGTH_UNIT = 0.45
METRES = 0.0254 / LENGTH_UNIT
STANDING = 16.5
"""Height of the root of a standing person in the file's unit."""


def asf_text(scale: float = 1.0) -> str:
    """Return a skeleton file; `scale` makes another person."""
    lines = [
        "# made for tests",
        ":version 1.10",
        ":name TEST",
        ":units",
        "  mass 1.0",
        f"  length {LENGTH_UNIT}",
        "  angle deg",
        ":documentation",
        "   a made-up body",
        ":root",
        "   order TX TY TZ RX RY RZ",
        "   axis XYZ",
        "   position 0 0 0",
        "   orientation 0 0 0",
        ":bonedata",
    ]
    for number, (name, _, direction, length, axis, channels) in enumerate(BONES, start=1):
        unit = np.array(direction) / np.linalg.norm(direction)
        lines += [
            "  begin",
            f"     id {number}",
            f"     name {name}",
            f"     direction {' '.join(f'{value:.9g}' for value in unit)}",
            f"     length {length * scale:.6g}",
            f"     axis {' '.join(map(str, axis))}  XYZ",
        ]
        if channels:
            limits = ["(-160.0 20.0)"] * len(channels.split())
            lines += [f"    dof {channels}", "    limits " + "\n           ".join(limits)]
        lines.append("  end")
    lines += [":hierarchy", "  begin"]
    for parent in ["root", *(name for name, *_ in BONES)]:
        children = [name for name, above, *_ in BONES if above == parent]
        if children:
            lines.append(f"    {parent} {' '.join(children)}")
    lines.append("  end")
    return "\r\n".join(lines) + "\r\n"


def channels() -> list[tuple[str, int]]:
    """Return the bones that move, with their number of values, in a motion file's order."""
    return [("root", 6), *((name, len(dof.split())) for name, *_, dof in BONES if dof)]


def walking(frames: int, seed: int = 0) -> np.ndarray:
    """Return (frames, values): someone who swings all limbs and moves on at 6 cm a second."""
    random = np.random.default_rng(seed)
    time = np.arange(frames)[:, None] / 120
    widths = [count for _, count in channels()]
    values = np.zeros((frames, sum(widths)))
    values[:, 6:] = random.uniform(3, 15, sum(widths) - 6) * np.sin(
        2 * np.pi * 0.8 * time + random.uniform(0, 6, sum(widths) - 6)
    )
    values[:, 0] = random.uniform(-40, 40)
    values[:, 1] = STANDING + 0.3 * np.sin(2 * np.pi * 1.6 * time[:, 0])
    values[:, 2] = random.uniform(-40, 40) + time[:, 0]
    values[:, 4] = random.uniform(-180, 180)
    return values


def amc_text(values: np.ndarray, first_frame: int = 1) -> str:
    """Return a motion file of (frames, values)."""
    lines = ["#!OML:ASF made for tests", ":FULLY-SPECIFIED", ":DEGREES"]
    for number, frame in enumerate(values, start=first_frame):
        lines.append(str(number))
        rest: Sequence[float] = frame.tolist()
        for name, count in channels():
            lines.append(" ".join([name, *(f"{value:.5g}" for value in rest[:count])]))
            rest = rest[count:]
    return "\r\n".join(lines) + "\r\n"


def write_cmu(folder: Path, trials: dict[str, np.ndarray]) -> Path:
    """Write motions by trial ("02_04") and their subjects' skeletons; return `folder`."""
    for trial, values in trials.items():
        subject = trial.partition("_")[0]
        place = folder / "subjects" / subject
        place.mkdir(parents=True, exist_ok=True)
        skeleton = asf_text(scale=0.95 + 0.03 * int(subject))
        (place / f"{subject}.asf").write_bytes(skeleton.encode())
        (place / f"{trial}.amc").write_bytes(amc_text(values).encode())
    return folder
