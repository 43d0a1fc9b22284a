"""MPI-INF-3DHP in the forms that users have it in: made-up motion, the real test frames that count.

Training sequences are shorter than the real ones: `LENGTHS` stands in for the published table.
"""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy.io import savemat

LENGTHS = {
    ("S1", "Seq1"): (6, 25),
    ("S1", "Seq2"): (8, 50),
    ("S8", "Seq1"): (5, 25),
    ("S8", "Seq2"): (4, 25),
}
NOT_VALID = 12  # frames of a test sequence that are not scored
SURPLUS = 3  # frames of a training file beyond those that are used
VALID = {"TS1": 603, "TS2": 540, "TS3": 505, "TS4": 553, "TS5": 276, "TS6": 452}
# The 28 joints of training files, and where the 17 of test files stand among them.
PICKED = [7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6]
CAMERAS = (0, 1, 2, 4, 5, 6, 7, 8)
ROOT = 14

Sequence = dict[str, np.ndarray]


def _motion(rng: np.random.Generator, frames: int, joints: int, neck: int, pelvis: int) -> Any:
    body = rng.uniform(-0.35, 0.35, size=(joints, 3))
    body[pelvis], body[neck] = 0.0, (0.0, -0.5, 0.05)
    wave = 0.02 * rng.normal(size=(frames, joints, 3)).cumsum(axis=0) / np.sqrt(frames)
    return _held(1000 * (body + wave + (0.2, 0.1, 4.0)))


def _held(millimetres: np.ndarray) -> np.ndarray:
    """Round to metres that float32 holds exactly, so that nothing is lost on the way."""
    return (millimetres / 1000).astype(np.float32).astype(np.float64) * 1000


def _pixels(space: np.ndarray, focal: float, center: tuple[float, float]) -> np.ndarray:
    return focal * space[..., :2] / space[..., 2:] + np.array(center)


def training() -> dict[tuple[str, str], dict[str, list[np.ndarray]]]:
    """Return (subject, sequence) -> variable -> 14 arrays (frames, 28, 2 or 3)."""
    rng = np.random.default_rng(28)
    made = {}
    for key, (frames, _) in LENGTHS.items():
        metric = [_motion(rng, frames + SURPLUS, 28, 5, 4) for _ in range(14)]
        made[key] = {
            "annot2": [
                _pixels(space, 1490.0 + view, (1030, 1040)) for view, space in enumerate(metric)
            ],
            "annot3": metric,
            "univ_annot3": [_held(1.125 * space) for space in metric],
        }
    return made


def testing() -> dict[str, Sequence]:
    """Return "TS1" ... -> variables: (frames, 17, 2 or 3) arrays, valid frames, activities."""
    rng = np.random.default_rng(17)
    made = {}
    for name, count in VALID.items():
        frames = count + NOT_VALID
        space = _motion(rng, frames, 17, 1, ROOT)
        center = (960, 540) if name in ("TS5", "TS6") else (1024, 1024)
        valid = np.ones(frames)
        valid[rng.choice(frames, NOT_VALID, replace=False)] = 0
        made[name] = {
            "annot2": _pixels(space, 1500.0, center),
            "annot3": space,
            "univ_annot3": _held(1.125 * space),
            "valid_frame": valid,
            # Every class somewhere, none for as long as its sequence.
            "activity_annotation": 1.0 + np.arange(frames) // 40 % 7,
        }
    return made


def write_training_mat(raw: Path, made: dict[Any, Any], *, hdf5: bool = False) -> None:
    """Write S1/Seq1/annot.mat and so on: 14 x 1 cells of (frames, 56) or (frames, 84)."""
    for (subject, sequence), variables in made.items():
        path = raw / subject / sequence / "annot.mat"
        path.parent.mkdir(parents=True, exist_ok=True)
        flat = {
            name: [values.reshape(len(values), -1) for values in cells]
            for name, cells in variables.items()
        }
        if hdf5:
            with version_73(path) as file:
                for name, cells in flat.items():
                    write_cells(file, name, cells)
            continue
        content: dict[str, Any] = {"cameras": np.arange(14, dtype=np.uint8)[None]}
        for name, cells in flat.items():
            content[name] = np.empty((len(cells), 1), dtype=object)
            for index, cell in enumerate(cells):
                content[name][index, 0] = cell
        savemat(path, content)


def write_testing_mat(raw: Path, made: dict[str, Sequence]) -> None:
    """Write TS1/annot_data.mat and so on, of version 7.3."""
    for name, variables in made.items():
        path = raw / name / "annot_data.mat"
        path.parent.mkdir(parents=True, exist_ok=True)
        with version_73(path) as file:
            for variable, values in variables.items():
                # MATLAB's dimensions reversed: (2 or 3, 17, 1, frames), or (1, frames).
                file[variable] = values[:, None]


def version_73(path: Path) -> h5py.File:
    """Open a new file as MATLAB 7.3 begins one: a block of text, then HDF5."""
    with h5py.File(path, "w", userblock_size=512):
        pass
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return h5py.File(path, "r+")


def write_cells(file: h5py.File, name: str, cells: list[np.ndarray]) -> None:
    """Write a column of cells: references, in MATLAB's dimensions reversed."""
    references = np.empty((1, len(cells)), dtype=h5py.ref_dtype)
    for index, cell in enumerate(cells):
        place = f"#refs#/{name}{index}"
        file[place] = cell.T
        references[0, index] = file[place].ref
    file.create_dataset(name, data=references, dtype=h5py.ref_dtype)


def npz_training(made: dict[Any, Any], annotation: str) -> dict[str, Any]:
    """Return the content of data_train_3dhp.npz: "S1 Seq1" -> [camera -> arrays, fps]."""
    return {
        f"{subject} {sequence}": [
            {
                str(camera): {
                    "data_2d": variables["annot2"][camera][: LENGTHS[subject, sequence][0], PICKED],
                    "data_3d": variables[annotation][camera][
                        : LENGTHS[subject, sequence][0], PICKED
                    ],
                }
                for camera in CAMERAS
            },
            LENGTHS[subject, sequence][1],
        ]
        for (subject, sequence), variables in made.items()
    }


def npz_testing(made: dict[str, Sequence], annotation: str) -> dict[str, Any]:
    """Return the content of data_test_3dhp.npz: "TS1" -> arrays."""
    return {
        name: {
            "data_2d": variables["annot2"],
            "data_3d": variables[annotation],
            "valid": variables["valid_frame"],
        }
        for name, variables in made.items()
    }


def write_npz(raw: Path, part: str, content: dict[str, Any], ending: str = "") -> Path:
    """Write data_<part>_3dhp<ending>.npz."""
    path = raw / f"data_{part}_3dhp{ending}.npz"
    np.savez_compressed(path, data=np.array(content, dtype=object))
    return path
