"""Tiny copies of Human3.6M in the exact forms that users have it in."""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cdflib.cdfwrite import CDF

from harness.body.camera import h36m_cameras, project, world_to_camera
from harness.body.skeleton import H36M_17
from harness.datasets.importers import prepare_set
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError

CPN = "cpn_ft_h36m_dbb"
SUBJECTS = ("S1", "S5", "S6", "S7", "S8", "S9", "S11")
# The takes of one action are not always "X" and "X 1".
TAKES = (
    *("Directions", "Directions 1", "Discussion", "Discussion 1", "Eating", "Eating 2"),
    *("Greeting", "Greeting 1", "Phoning", "Phoning 1", "Photo", "Photo 1", "Posing", "Posing 1"),
    *("Purchases", "Purchases 1", "Sitting 1", "Sitting 2", "SittingDown", "SittingDown 2"),
    *("Smoking", "Smoking 1", "Waiting", "Waiting 1", "WalkDog", "WalkDog 1"),
    *("WalkTogether", "WalkTogether 1", "Walking", "Walking 1"),
)
KEPT = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
H36M_METADATA = {
    "layout_name": "h36m",
    "num_joints": 17,
    "keypoints_symmetry": [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]],
}
# As prepare_data_2d_h36m_sh.py writes it: no layout_name, sides not paired joint by joint.
MPII_METADATA = {
    "num_joints": 16,
    "keypoints_symmetry": [[3, 4, 5, 13, 14, 15], [0, 1, 2, 10, 11, 12]],
}
MPII_JOINTS = (
    *("RFoot", "RKnee", "RHip", "LHip", "LKnee", "LFoot", "Hip", "Spine", "Thorax", "Head"),
    *("RWrist", "RElbow", "RShoulder", "LShoulder", "LElbow", "LWrist"),
)
# Options that import what `Small` writes.
SMALL = {
    "train_subjects": ["S1"],
    "validation_subjects": [],
    "test_subjects": ["S11"],
    "actions": ["Directions", "Photo"],
}

Recordings = dict[str, dict[str, Any]]


def motion(
    subjects: tuple[str, ...] = SUBJECTS, takes: tuple[str, ...] = TAKES, frames: int = 4
) -> Recordings:
    """Return subject -> take -> (frames + 0..2, 32, 3) float32 world metres.

    A body of 32 joints that stands near the middle of the room and sways; every recording is
    different.
    """
    rng = np.random.default_rng(36)
    body = rng.uniform([-0.3, -0.3, 0.0], [0.3, 0.3, 1.8], size=(32, 3))
    recordings: Recordings = {}
    for subject in subjects:
        recordings[subject] = {}
        for number, take in enumerate(takes):
            if (subject, take) == ("S11", "Directions"):
                continue
            time = np.arange(frames + number % 3)[:, None, None]
            sway = 0.1 * np.sin(0.3 * time + rng.uniform(0, 6, size=(1, 32, 3)))
            place = np.append(rng.uniform(-0.8, 0.8, size=2), 0.0)
            # Recorded in millimetres; in steps of 1/16, which float32 holds exactly.
            recorded = np.round((body + place + sway) * 16000) / 16
            recordings[subject][take] = recorded.astype(np.float32) / 1000
    return recordings


def ground_truth_2d(recordings: Recordings, extra: int = 2) -> Recordings:
    """Return subject -> take -> four (frames + extra, 17, 2) float32 arrays of pixels."""
    return {
        subject: {
            take: [
                np.pad(
                    project(world_to_camera(positions[:, KEPT], camera), camera),
                    ((0, extra), (0, 0), (0, 0)),
                    mode="edge",
                )
                for camera in h36m_cameras()[subject]
            ]
            for take, positions in takes.items()
        }
        for subject, takes in recordings.items()
    }


def detections(exact: Recordings, error: float = 3.0) -> Recordings:
    """Return `exact` with a detector's errors, in pixels."""
    rng = np.random.default_rng(3)
    return {
        subject: {
            take: [
                (view + rng.normal(0, error, size=view.shape)).astype(np.float32) for view in views
            ]
            for take, views in takes.items()
        }
        for subject, takes in exact.items()
    }


def in_mpii_order(keypoints: Recordings) -> Recordings:
    """Return the 16 joints of the stacked hourglass detector out of 17, in its order."""
    columns = [H36M_17.joints.index(joint) for joint in MPII_JOINTS]
    return {
        subject: {take: [view[:, columns] for view in views] for take, views in takes.items()}
        for subject, takes in keypoints.items()
    }


def write_motion(raw: Path, recordings: Recordings, numpy_version: int = 2) -> Path:
    """Write data_3d_h36m.npz."""
    path = raw / "data_3d_h36m.npz"
    save_objects(path, numpy_version, positions_3d=recordings)
    return path


def write_keypoints(
    raw: Path,
    source: str,
    keypoints: Recordings,
    metadata: dict[str, Any] = H36M_METADATA,
    numpy_version: int = 2,
) -> Path:
    """Write data_2d_h36m_<source>.npz."""
    path = raw / f"data_2d_h36m_{source}.npz"
    save_objects(path, numpy_version, positions_2d=keypoints, metadata=metadata)
    return path


def save_objects(path: Path, numpy_version: int, **entries: Any) -> None:
    """Write what numpy 1 or 2 makes of `np.savez_compressed(path, **entries)`.

    Numpy 1 (from 1.17) pickles by protocol 3 and calls its module numpy.core.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {key: np.array(entry, dtype=object) for key, entry in entries.items()}
    if numpy_version == 2:
        np.savez_compressed(path, **arrays)
        return
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, array in arrays.items():
            pickled = pickle.dumps(array, protocol=3)
            with archive.open(f"{key}.npy", "w") as stream:
                header = {"descr": "|O", "fortran_order": False, "shape": ()}
                np.lib.format.write_array_header_1_0(stream, header)
                stream.write(pickled.replace(b"cnumpy._core.", b"cnumpy.core."))


def write_cdf_files(raw: Path, recordings: Recordings) -> None:
    """Write S1/MyPoseFeatures/D3_Positions/Directions 1.cdf and so on, under the original names.

    S11 Directions is among the originals although its video is corrupt.
    """
    recordings = {subject: dict(takes) for subject, takes in recordings.items()}
    if "Directions 1" in recordings.get("S11", {}):
        recordings["S11"]["Directions"] = recordings["S11"]["Directions 1"]
    for subject, takes in recordings.items():
        folder = raw / subject / "MyPoseFeatures" / "D3_Positions"
        folder.mkdir(parents=True)
        for take, metres in takes.items():
            original = take.replace("Photo", "TakingPhoto").replace("WalkDog", "WalkingDog")
            write_cdf(folder / f"{original}.cdf", millimetres(metres))


def write_cdf(path: Path, pose: np.ndarray, variable: str = "Pose") -> None:
    """Write `pose`, (frames, 96) float32, as the one record of a CDF file."""
    path.unlink(missing_ok=True)
    cdf = CDF(path, {"Majority": "row_major"})
    cdf.write_var(
        {
            "Variable": variable,
            "Data_Type": CDF.CDF_FLOAT,
            "Num_Elements": 1,
            "Rec_Vary": True,
            "Dim_Sizes": list(pose.shape),
        },
        var_data=pose[None],
    )
    cdf.close()


def millimetres(metres: np.ndarray) -> np.ndarray:
    """Return the (frames, 96) float32 millimetres that `motion` divided."""
    recorded = np.round(metres.astype(np.float64) * 16000) / 16
    return recorded.astype(np.float32).reshape(len(metres), -1)


def prepared(raw: Path, out: Path, options: dict[str, Any] | None = None) -> PreparedSet:
    """Import the files in `raw` and return the set."""
    prepare_set("h36m", raw, out, options or {})
    return PreparedSet(out)


class Small:
    """Two subjects and two actions, to be spoilt and imported."""

    def __init__(self, folder: Path) -> None:
        self.raw, self.out = folder / "raw", folder / "out"
        takes = ("Directions", "Directions 1", "Photo", "Photo 1")
        self.motion = motion(("S1", "S11"), takes, frames=3)
        self.keypoints = detections(ground_truth_2d(self.motion))

    def prepare(self, metadata: dict[str, Any] = H36M_METADATA, **options: Any) -> None:
        write_motion(self.raw, self.motion)
        write_keypoints(self.raw, CPN, self.keypoints, metadata)
        self.data = prepared(self.raw, self.out, {**SMALL, **options})

    def error(self, metadata: dict[str, Any] = H36M_METADATA, **options: Any) -> str:
        """Return the one plain error of the import, which must leave nothing behind."""
        with pytest.raises(HarnessError) as caught:
            self.prepare(metadata, **options)
        assert not self.out.exists()
        assert "\n" not in str(caught.value)
        return str(caught.value)
