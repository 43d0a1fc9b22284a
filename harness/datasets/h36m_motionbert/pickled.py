"""The test part of h36m_sh_conf_cam_source_final.pkl, checked; nothing in the file is run.

The keys, shapes and units: MotionBERT, lib/data/datareader_h36m.py and train.py.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.body.skeleton import H36M_17
from harness.datasets.files.safe_pickle import load_plain_pickle
from harness.foundation.errors import HarnessError

PART = "test"
_SOURCE = re.compile(r"s_(\d+)_(act_\d+_subact_\d+)_ca_(\d+)")
_POINTS = {"joint_2d": 2, "joint3d_image": 3, "joints_2.5d_image": 3}
_NEEDED = (*_POINTS, "2.5d_factor", "camera_name", "source", "action")


@dataclass(frozen=True)
class Video:
    """The frames of one video, which stand together in the file.

    Attributes:
        source: the file's name of it, such as "s_09_act_05_subact_02_ca_01".
        subject: such as "S9".
        take: such as "act_05_subact_02".
        camera: the camera's name, such as "54138969".
        action: the action's name.
        rows: where its frames stand.
    """

    source: str
    subject: str
    take: str
    camera: str
    action: str
    rows: slice


@dataclass(frozen=True)
class PickledSet:
    """The arrays of the test part, a row a frame.

    Attributes:
        path: the file.
        keypoints: (rows, 17, 2) pixels, of the detector.
        confidence: (rows, 17), or None where the file has none.
        image: (rows, 17, 3): x and y in pixels, depth in pixels.
        truth: (rows, 17, 3) millimetres, what predictions are compared with.
        factor: (rows,) millimetres a pixel.
        names: by key ("camera_name", "source", "action"), a string a row.
    """

    path: Path
    keypoints: NDArray[np.floating]
    confidence: NDArray[np.floating] | None
    image: NDArray[np.floating]
    truth: NDArray[np.floating]
    factor: NDArray[np.floating]
    names: Mapping[str, NDArray[np.str_]]

    def videos(self) -> Iterator[Video]:
        """Yield the videos in the order of the file.

        Raises:
            HarnessError: frames of a video stand apart, its name is of another form, or it changes
                its camera or action.
        """
        sources = self.names["source"]
        starts = np.flatnonzero(np.concatenate([[True], sources[1:] != sources[:-1]]))
        ends = [*starts[1:].tolist(), len(sources)]
        seen: dict[str, int] = {}
        for start, end in zip(starts.tolist(), ends, strict=True):
            source = str(sources[start])
            if source in seen:
                raise HarnessError(
                    f"{self.path}: frames of {source} stand apart, at rows {seen[source]} and "
                    f"{start}; the frames of a video must stand together"
                )
            seen[source] = start
            found = _SOURCE.fullmatch(source)
            if found is None:
                raise HarnessError(
                    f"{self.path}: source '{source}' at row {start}, expected a name such as "
                    "s_09_act_05_subact_02_ca_01"
                )
            rows = slice(start, end)
            yield Video(
                source=source,
                subject=f"S{int(found[1])}",
                take=found[2],
                camera=self._constant("camera_name", source, rows),
                action=self._constant("action", source, rows),
                rows=rows,
            )

    def _constant(self, key: str, source: str, rows: slice) -> str:
        names = self.names[key][rows]
        if (names != names[0]).any():
            row = rows.start + int(np.argmax(names != names[0]))
            raise HarnessError(
                f"{self.path}: {key} of {source} is {names[0]} at first and {self.names[key][row]} "
                f"at row {row}; a video has one"
            )
        return str(names[0])


def read_pickled(path: Path) -> PickledSet:
    """Read the test part of the file.

    Raises:
        HarnessError: the file is missing, damaged, unsafe, or lacks something.
    """
    try:
        with path.open("rb") as stream:
            content = load_plain_pickle(stream, str(path))
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read ({error.strerror or error})") from error
    part = content.get(PART) if isinstance(content, dict) else None
    if not isinstance(part, dict):
        raise HarnessError(
            f"{path}: has no dict '{PART}', expected the file that MotionBERT's "
            "docs/pose3d.md links, with keys train and test"
        )
    missing = [key for key in _NEEDED if key not in part]
    if missing:
        raise HarnessError(
            f"{path}: '{PART}' lacks {', '.join(missing)} (it has {', '.join(map(str, part))}); "
            "is this the right file?"
        )
    points = {key: _points(path, key, part[key], width) for key, width in _POINTS.items()}
    rows = len(points["joint_2d"])
    factor = _numbers(path, "2.5d_factor", part["2.5d_factor"]).reshape(-1)
    confidence = part.get("confidence")
    if confidence is not None:
        confidence = _numbers(path, "confidence", confidence)
        confidence = confidence[..., 0] if confidence.ndim == 3 else confidence
        if confidence.shape != (rows, len(H36M_17)):
            raise HarnessError(
                f"{path}: confidence has shape {confidence.shape}, expected ({rows}, 17)"
            )
    names = {key: _strings(path, key, part[key]) for key in ("camera_name", "source", "action")}
    lengths = {key: len(value) for key, value in (points | names).items()}
    lengths["2.5d_factor"] = len(factor)
    odd = {key: length for key, length in lengths.items() if length != rows}
    if odd or not rows:
        told = ", ".join(f"{key} {length}" for key, length in odd.items()) or "none"
        raise HarnessError(f"{path}: has {rows} frames of joint_2d but {told}; download it again")
    return PickledSet(
        path=path,
        keypoints=points["joint_2d"],
        confidence=confidence,
        image=points["joint3d_image"],
        truth=points["joints_2.5d_image"],
        factor=factor,
        names=names,
    )


def _points(path: Path, key: str, value: Any, width: int) -> NDArray[np.floating]:
    array = _numbers(path, key, value)
    if array.ndim != 3 or array.shape[1] != len(H36M_17) or array.shape[2] < width:
        raise HarnessError(
            f"{path}: {key} has shape {array.shape}, expected (frames, 17, {width}) or wider"
        )
    return array[..., :width]


def _numbers(path: Path, key: str, value: Any) -> NDArray[np.floating]:
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in "fiu":
        raise HarnessError(f"{path}: {key} holds no numbers ({array.dtype}); download it again")
    return array


def _strings(path: Path, key: str, value: Any) -> NDArray[np.str_]:
    items = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise HarnessError(f"{path}: {key} is no list of strings; download it again")
    return np.array(items, dtype=np.str_)
