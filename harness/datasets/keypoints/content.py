"""A detector's output, opened once: every format looks at this and says whether it is its own."""

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.datasets.files.keypoints_hdf5 import read_names
from harness.datasets.files.safe_npz import npz_keys
from harness.foundation.budget import BUDGET
from harness.foundation.errors import HarnessError
from harness.foundation.files import read_text
from harness.foundation.plain_json import parse_json
from harness.foundation.progress import track

Kind = Literal["json", "json folder", "txt folder", "csv", "npz", "hdf5"]

_VIDEO_SUFFIXES = frozenset((".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg"))


@dataclass(frozen=True)
class Content:
    """What lies in a file or folder.

    Attributes:
        path: the file or folder.
        kind: what it is.
        value: of "json" the value; of folders a list of (frame number, value or text) in order; of
            "csv" the rows, each a list of text; of "npz" the names of its arrays, of "hdf5" those
            of what lies at its top.
    """

    path: Path
    kind: Kind
    value: Any


def is_video(path: Path) -> bool:
    """Return whether a file is a video by the ending of its name."""
    return path.suffix.lower() in _VIDEO_SUFFIXES


def open_content(path: Path) -> Content:
    """Open what a detector wrote.

    Raises:
        HarnessError: it is missing, damaged, too large or of a kind that no format has.
    """
    if path.is_dir():
        return _folder(path)
    if not path.is_file():
        raise HarnessError(f"{path}: no such file or folder")
    if is_video(path):
        raise HarnessError(
            f"{path}: is a video, no file of keypoints; 'From a video' in docs/lift.md says how "
            "to make one of it"
        )
    suffix = path.suffix.lower()
    if suffix == ".json":
        return Content(path, "json", _json(path))
    if suffix == ".csv":
        text = read_text(path, BUDGET.keypoint_bytes, "CSV")
        try:
            rows = [row for row in csv.reader(text.splitlines(), strict=True) if row]
        except csv.Error as error:
            raise HarnessError(f"{path}: is not valid CSV ({error})") from error
        return Content(path, "csv", rows)
    if suffix == ".npz":
        return Content(path, "npz", npz_keys(path))
    if suffix in (".h5", ".hdf5"):
        return Content(path, "hdf5", read_names(path))
    raise HarnessError(
        f"{path}: is no kind of keypoint file that can be read, expected .json, .csv, .npz, "
        ".h5, a folder of .json or .txt files, or a video"
    )


def _folder(path: Path) -> Content:
    kinds: tuple[tuple[Kind, str, Callable[[Path], Any]], ...] = (
        ("json folder", ".json", _json),
        ("txt folder", ".txt", lambda file: read_text(file, BUDGET.text_bytes, "text")),
    )
    for kind, suffix, read in kinds:
        files = sorted(file for file in path.iterdir() if file.suffix.lower() == suffix)
        if kind == "json folder" and len(files) == 1:
            return Content(files[0], "json", _json(files[0]))
        if files:
            frames = _frame_numbers(files)
            held = [(frames[file], read(file)) for file in track(files, f"reading {path.name}")]
            return Content(path, kind, sorted(held, key=lambda item: item[0]))
    raise HarnessError(f"{path}: holds no .json and no .txt files; give the folder of keypoints")


def _frame_numbers(files: list[Path]) -> dict[Path, int]:
    """Return the number of the frame of each file, the last number in its name."""
    found: dict[int, Path] = {}
    for file in files:
        number = frame_number(file.name)
        if number is None:
            raise HarnessError(
                f"{file}: has no number in its name; a folder holds a file a frame, numbered"
            )
        if number in found:
            raise HarnessError(
                f"{file}: is frame {number}, and so is {found[number].name}; a folder must hold "
                "one video"
            )
        found[number] = file
    return {file: number for number, file in found.items()}


def frame_number(name: str) -> int | None:
    """Return the last whole number in a file's name before its ending, None where there is none."""
    digits = re.findall(r"\d+", name.rpartition(".")[0] or name)
    return int(digits[-1]) if digits and len(digits[-1]) <= BUDGET.digits - 3 else None


def _json(path: Path) -> Any:
    text = read_text(path, BUDGET.keypoint_bytes, "JSON")
    return parse_json(text, str(path), BUDGET.keypoint_items)
