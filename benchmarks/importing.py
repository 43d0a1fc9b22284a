"""Importing files of Human3.6M's size, in VideoPose3D's npz form, of synthetic motion."""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.command import parser_of, run
from benchmarks.memory import usage_of
from benchmarks.record import Line, at_most
from harness.body.camera import h36m_cameras, project, world_to_camera
from harness.datasets.h36m.contents import ACTIONS, SUBJECTS
from harness.datasets.importers import prepare_set
from harness.datasets.prepared import PreparedSet
from harness.datasets.synthetic.importer import SyntheticSettings, perform

KEPT = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
"""Where the 17 joints stand among the 32 recorded ones."""
SECONDS_A_TAKE = 52.0
"""At 50 Hz, 2 takes of 15 actions, 4 cameras: 1.56 million frames of the 5 subjects to train on."""
METADATA = {
    "layout_name": "h36m",
    "num_joints": 17,
    "keypoints_symmetry": [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]],
}


def write_files(raw: Path, seconds: float) -> int:
    """Write 3D motion and one detector's 2D of all subjects; return the bytes written.

    Each take is performed once; the other subjects repeat it a few centimetres away.
    """
    settings = SyntheticSettings(seconds=seconds)
    takes = {
        f"{action} {take}": perform(SUBJECTS[0], action, take, settings)
        for action in ACTIONS
        for take in (1, 2)
    }
    rng = np.random.default_rng(0)
    motion: dict[str, dict[str, NDArray[np.float32]]] = {}
    detected: dict[str, dict[str, list[NDArray[np.float32]]]] = {}
    for number, subject in enumerate(SUBJECTS):
        motion[subject], detected[subject] = {}, {}
        for name, performed in takes.items():
            seen = performed + 0.05 * number
            recorded = np.zeros((len(seen), 32, 3), np.float32)
            recorded[:, KEPT] = seen
            motion[subject][name] = recorded
            detected[subject][name] = [
                _with_errors(project(world_to_camera(seen, camera), camera), rng)
                for camera in h36m_cameras()[subject]
            ]
    raw.mkdir()
    files: dict[str, dict[str, Any]] = {
        "data_3d_h36m.npz": {"positions_3d": motion},
        "data_2d_h36m_cpn_ft_h36m_dbb.npz": {"positions_2d": detected, "metadata": METADATA},
    }
    for name, entries in files.items():
        arrays: dict[str, Any] = {
            key: np.array(value, dtype=object) for key, value in entries.items()
        }
        np.savez_compressed(raw / name, **arrays)
    return sum((raw / name).stat().st_size for name in files)


def _with_errors(exact: NDArray[Any], rng: np.random.Generator) -> NDArray[np.float32]:
    pixels: NDArray[np.float32] = exact.astype(np.float32)
    pixels += 3.0 * rng.standard_normal(pixels.shape, dtype=np.float32)
    return pixels


def import_files(raw: Path, out: Path) -> None:
    """Import with the default settings."""
    prepare_set("h36m", raw, out, {})


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return seconds and memory of an import."""
    seconds = 0.1 if arguments.smoke else SECONDS_A_TAKE
    with tempfile.TemporaryDirectory() as temporary:
        raw, out = Path(temporary, "raw"), Path(temporary, "set")
        size = write_files(raw, seconds)
        used = usage_of(import_files, raw, out)
        prepared = PreparedSet(out)
        training = prepared.clips["split"].isin(["train", "validation"])
        frames = int(prepared.clips["frames"][training].sum())
    what = f"import of {frames:,} frames to train on and {prepared.rows - frames:,} to test on"
    return [
        at_most(what, used.seconds, "s", 120),
        Line(f"{what}, processor time", used.processor, "s"),
        at_most(f"{what}, peak memory", used.peak / 2**30, "GiB", 4),
        Line(f"{what}, files", size / 1e6, "MB"),
    ]


if __name__ == "__main__":
    run("importing", measure, parser_of(__doc__))
