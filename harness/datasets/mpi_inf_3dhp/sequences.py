"""The sequences of MPI-INF-3DHP, from the original MATLAB files or from npz files that circulate.

The forms: P-STMO, common/data_to_npz_3dhp.py and data_to_npz_3dhp_test.py.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.datasets.files.keypoints_npz import check_finite
from harness.datasets.files.matlab import read_matlab
from harness.datasets.files.safe_npz import read_npz
from harness.datasets.mpi_inf_3dhp.contents import (
    ACTIVITIES,
    CAMERAS,
    KEPT_JOINTS,
    SIZES,
    TEST_FPS,
    TRAINING_SEQUENCES,
    USUAL_SIZE,
)
from harness.foundation.errors import HarnessError

_NECK, _PELVIS = 1, 14
_TORSO_METRES = (0.2, 1.0)

_Points = NDArray[Any]
_ReadCamera = Callable[[int], tuple[_Points, _Points]]
"""Of a camera's number returns (frames, 17, 3) millimetres and (frames, 17, 2) pixels."""


@dataclass(frozen=True)
class View:
    """A sequence as one camera saw it.

    Attributes:
        origin: the file and entry that it comes from.
        subject: "S1" ... "S8", or the name of a test sequence.
        sequence: "Seq1", "Seq2", or "" of a test sequence.
        camera: number of the camera, or "" of a test sequence.
        size: width and height of the image in pixels.
        fps: frames a second.
        positions: (frames, 17, 3) camera space, metres.
        keypoints: (frames, 17, 2) pixels.
        valid: (frames,) frames that are scored.
        activity: (frames,) indices into ACTIVITIES, None where the file does not say.
    """

    origin: str
    subject: str
    sequence: str
    camera: str
    size: tuple[int, int]
    fps: float
    positions: NDArray[np.float32]
    keypoints: NDArray[np.float32]
    valid: NDArray[np.bool_]
    activity: NDArray[np.integer] | None

    @property
    def name(self) -> str:
        """How the camera of this view is called, such as "S1/Seq1/0" or "TS1"."""
        return "/".join(filter(None, (self.subject, self.sequence, self.camera)))


@dataclass(frozen=True)
class Files:
    """Where the two parts of a raw folder are: an npz file, or a folder of MATLAB files."""

    train: Path
    test: Path

    def read(self, subjects: Sequence[str], tests: Sequence[str]) -> list[Path]:
        """Return the files that are read for these subjects and test sequences."""
        train = [
            self.train / subject / sequence / "annot.mat"
            for subject, sequence in TRAINING_SEQUENCES
            if subject in subjects
        ]
        test = [self.test / name / "annot_data.mat" for name in tests]
        found = [self.train] if self.train.suffix == ".npz" and train else train
        return found + ([self.test] if self.test.suffix == ".npz" and test else test)


def find_files(raw: Path, annotation: str) -> Files:
    """Return where training and test files are; npz files are preferred.

    npz files do not say which annotation they hold: those named _ori are the metric one.

    Raises:
        HarnessError: one part is named as the metric annotation and the other is not.
    """
    endings = ("_ori", "") if annotation == "annot3" else ("",)
    places = []
    for part, folder in (("train", raw), ("test", raw / "mpi_inf_3dhp_test_set")):
        usual = folder if folder.is_dir() else raw
        npz = (raw / f"data_{part}_3dhp{ending}.npz" for ending in endings)
        places.append(next(filter(Path.exists, npz), usual))
    named = [place.stem.endswith("_ori") for place in places if place.suffix == ".npz"]
    if len(set(named)) > 1:
        told = " and ".join(place.name for place in places)
        raise HarnessError(
            f"{raw}: {told} are of two annotations; files named _ori are the metric one, so take "
            "both of one annotation"
        )
    return Files(*places)


def views_to_train(place: Path, subjects: Sequence[str], annotation: str) -> Iterator[View]:
    """Yield the training sequences of some subjects as each of the eight cameras saw them.

    Args:
        place: the npz file, or the folder with S1/Seq1/annot.mat and so on.
        subjects: the subjects.
        annotation: "univ_annot3" or "annot3"; of an npz file it is only taken to be.

    Raises:
        HarnessError: a sequence or camera is missing, or unusable.
    """
    content = _npz_sequences(place) if place.suffix == ".npz" else None
    for (subject, sequence), (frames, fps) in TRAINING_SEQUENCES.items():
        if subject not in subjects:
            continue
        if content is None:
            path = place / subject / sequence / "annot.mat"
            origin, cameras = str(path), _cameras_of_mat(path, annotation)
        else:
            origin = f"{place}: '{subject} {sequence}'"
            cameras = _cameras_of_npz(origin, content.get(f"{subject} {sequence}"), fps)
        for camera in CAMERAS:
            where = f"{origin} camera {camera}"
            positions, keypoints = cameras(camera)
            if min(len(positions), len(keypoints)) < frames:
                raise HarnessError(
                    f"{where}: has {len(positions)} frames of 3D and {len(keypoints)} of 2D, "
                    f"expected at least the {frames} of {subject} {sequence}; download it again"
                )
            yield View(
                where,
                subject,
                sequence,
                str(camera),
                USUAL_SIZE,
                fps,
                _metres(where, positions[:frames]),
                _pixels(where, keypoints[:frames]),
                np.ones(frames, dtype=bool),
                np.zeros(frames, dtype=np.uint8),
            )


def views_to_test(place: Path, names: Sequence[str], annotation: str) -> Iterator[View]:
    """Yield the test sequences of these names; arguments and errors as for `views_to_train`."""
    content = _npz_sequences(place) if place.suffix == ".npz" else None
    for name in names:
        if content is None:
            path = place / name / "annot_data.mat"
            origin = str(path)
            positions, keypoints, valid, activity = _test_mat(path, annotation)
        else:
            origin = f"{place}: '{name}'"
            entry = _entries(origin, content.get(name), ("data_2d", "data_3d", "valid"))
            positions = _points(origin, entry["data_3d"], 3)
            keypoints = _points(origin, entry["data_2d"], 2)
            valid, activity = np.asarray(entry["valid"]).ravel(), None
        lengths = {"3D": len(positions), "2D": len(keypoints), "valid_frame": len(valid)}
        if activity is not None:
            lengths["activity_annotation"] = len(activity)
        if len(set(lengths.values())) > 1:
            found = ", ".join(f"{what} {frames}" for what, frames in lengths.items())
            raise HarnessError(
                f"{origin}: has frames: {found}; expected as many of each, so download it again"
            )
        wrong = valid[~np.isin(valid, (0, 1))]
        if len(wrong) or not valid.any():
            found = f"a frame marked {wrong[0]}" if len(wrong) else "no valid frame"
            raise HarnessError(
                f"{origin}: has {found}; frames must be marked 0 or 1, some of them 1, so download "
                "it again"
            )
        marked = valid.astype(bool)
        yield View(
            origin,
            name,
            "",
            "",
            SIZES.get(name, USUAL_SIZE),
            TEST_FPS,
            _metres(origin, positions, marked),
            _pixels(origin, keypoints),
            marked,
            activity,
        )


def _npz_sequences(path: Path) -> dict[str, Any]:
    content = read_npz(path, "data")
    if not isinstance(content, dict):
        raise HarnessError(f"{path}: entry 'data' is no dict of sequences as P-STMO writes it")
    return content


def _entries(origin: str, entry: Any, names: Sequence[str]) -> dict[str, Any]:
    missing = [name for name in names if not isinstance(entry, dict) or name not in entry]
    if missing:
        found = "is not there" if entry is None else f"has no {', '.join(missing)}"
        raise HarnessError(
            f"{origin}: {found}, expected the form that P-STMO writes; make the file again or use "
            "the original MATLAB files"
        )
    return entry


def _cameras_of_npz(origin: str, entry: Any, fps: int) -> _ReadCamera:
    views, rate = entry if isinstance(entry, list | tuple) and len(entry) == 2 else (None, fps)
    if rate != fps:
        raise HarnessError(f"{origin}: has {rate} frames a second, expected {fps}")
    by_name = {str(key): view for key, view in views.items()} if isinstance(views, dict) else {}

    def read(camera: int) -> tuple[_Points, _Points]:
        where = f"{origin} camera {camera}"
        view = _entries(where, by_name.get(str(camera)), ("data_2d", "data_3d"))
        return _points(where, view["data_3d"], 3), _points(where, view["data_2d"], 2)

    return read


def _cameras_of_mat(path: Path, annotation: str) -> _ReadCamera:
    content = read_matlab(path, ("annot2", annotation))

    def cell(name: str, camera: int, width: int) -> NDArray[Any]:
        cells = content[name].ravel()
        if content[name].dtype != object or camera >= len(cells):
            raise HarnessError(
                f"{path}: {name} has no cell of camera {camera} (shape {content[name].shape}), "
                "expected a cell each of 14 cameras; download it again"
            )
        values = np.asarray(cells[camera])
        if values.ndim != 2 or values.shape[1] != 28 * width or values.dtype.kind not in "fiu":
            raise HarnessError(
                f"{path}: {name} of camera {camera} has shape {values.shape}, expected "
                f"(frames, {28 * width}): 28 joints"
            )
        return values.reshape(-1, 28, width)[:, list(KEPT_JOINTS)]

    return lambda camera: (cell(annotation, camera, 3), cell("annot2", camera, 2))


def _test_mat(path: Path, annotation: str) -> tuple[NDArray[Any], ...]:
    names = ("annot2", annotation, "valid_frame", "activity_annotation")
    content = read_matlab(path, names)
    points = []
    for name, width in ((annotation, 3), ("annot2", 2)):
        values = content[name]
        if values.ndim != 4 or values.shape[:3] != (width, 17, 1):
            raise HarnessError(
                f"{path}: {name} has shape {values.shape}, expected ({width}, 17, 1, frames)"
            )
        points.append(_points(str(path), values[:, :, 0].transpose(2, 1, 0), width))
    activity = content["activity_annotation"].ravel()
    unknown = np.setdiff1d(activity, np.arange(len(ACTIVITIES)))
    if len(unknown):
        raise HarnessError(
            f"{path}: has the unknown activity {unknown[0]:g}, expected 1 to "
            f"{len(ACTIVITIES) - 1}, or 0 for none; download it again"
        )
    return (*points, content["valid_frame"].ravel(), activity.astype(np.uint8))


def _points(origin: str, values: Any, width: int) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim != 3 or array.shape[1:] != (17, width) or array.dtype.kind not in "fiu":
        raise HarnessError(f"{origin}: has shape {array.shape}, expected (frames, 17, {width})")
    return array


def _pixels(origin: str, keypoints: _Points) -> NDArray[np.float32]:
    check_finite(origin, "2D keypoints", keypoints)
    return keypoints.astype(np.float32)


def _metres(
    origin: str, positions: NDArray[Any], valid: NDArray[np.bool_] | slice = slice(None)
) -> NDArray[np.float32]:
    """Turn millimetres into metres; refuse what cannot be a body before a camera."""
    check_finite(origin, "3D positions", positions)
    metres = (positions / 1000).astype(np.float32)
    sound = metres[valid]
    if (sound[:, :, 2] <= 0).any():
        raise HarnessError(
            f"{origin}: 3D has joints behind the camera, expected camera space; positions made "
            "relative to the root have lost what is needed, so use the original files"
        )
    torso = float(np.median(np.linalg.norm(sound[:, _NECK] - sound[:, _PELVIS], axis=-1)))
    if not _TORSO_METRES[0] < torso < _TORSO_METRES[1]:
        raise HarnessError(
            f"{origin}: neck and pelvis are {1000 * torso:.3g} mm apart, expected 200 to 1000; "
            "3D must be in millimetres and its joints in the order of MPI-INF-3DHP"
        )
    return metres
