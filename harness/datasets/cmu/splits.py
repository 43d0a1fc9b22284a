"""Splits of the CMU database as data: which trials train, validate and test, and what they show.

A split is a CSV file with the columns subject, trial, action and split. Splits that ship with the
code lie in `splits/` and have a version and a hash: "CMU-26, version 1" is the same trials for
everybody. One of your own is any such file.
"""

import csv
import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import get_args

from harness.datasets.prepared import Split
from harness.foundation.errors import HarnessError
from harness.foundation.suggest import unknown_name

COLUMNS = ("subject", "trial", "action", "split")
_LARGEST_BYTES = 2**20


@dataclass(frozen=True)
class _Shipped:
    title: str
    version: int
    sha256: str


_SHIPPED = {
    "cmu26": _Shipped(
        "CMU-26", 1, "7116b11c7b48b535f7230d53f93b18c7e0a02e5ff773a7419f6ca2be924518d1"
    ),
}


@dataclass(frozen=True)
class SplitTrial:
    """A line of a split file."""

    subject: str
    trial: str
    action: str
    split: Split


@dataclass(frozen=True)
class TrialSplit:
    """A split of trials.

    Attributes:
        name: what was asked for: the name of a shipped split or the path of a file.
        title: how to cite it, "CMU-26, version 1"; the file's name where it is one's own.
        sha256: of the file.
        trials: its lines by trial.
    """

    name: str
    title: str
    sha256: str
    trials: Mapping[str, SplitTrial]

    def __str__(self) -> str:
        subjects = {line.subject for line in self.trials.values()}
        return (
            f"split {self.title} (SHA-256 {self.sha256[:12]}): {len(self.trials)} trials of "
            f"{len(subjects)} subjects"
        )


def split_called(name: str) -> TrialSplit:
    """Return the shipped split of this name, or that of the CSV file at this path.

    Raises:
        HarnessError: there is none, it is no such CSV file, names a trial twice or a subject in two
            splits, or a shipped one is not what its hash says.
    """
    if name in _SHIPPED:
        known = _SHIPPED[name]
        place = resources.files("harness.datasets.cmu").joinpath("splits", f"{name}.csv")
        content, where = place.read_bytes(), str(place)
        digest = hashlib.sha256(content).hexdigest()
        if digest != known.sha256:
            raise HarnessError(
                f"{where}: is not {known.title}, version {known.version} (SHA-256 {digest[:12]}, "
                f"expected {known.sha256[:12]}); restore it, or give a split of your own as a file"
            )
        title = f"{known.title}, version {known.version}"
    else:
        path = Path(name)
        if path.suffix != ".csv":
            raise unknown_name("split (or give the path of a .csv file)", name, _SHIPPED)
        content, where, title = _read(path), name, path.name
        digest = hashlib.sha256(content).hexdigest()
    return TrialSplit(name, title, digest, _parsed(where, content))


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise HarnessError(
                f"{path}: has {path.stat().st_size:,} bytes, expected a list of trials of at most "
                f"{_LARGEST_BYTES:,}; is it the right file?"
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise HarnessError(f"{path}: no such file; give a CSV file of {_columns()}") from error
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read ({error.strerror})") from error


def _parsed(where: str, content: bytes) -> dict[str, SplitTrial]:
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise HarnessError(f"{where}: is no text file; give a CSV file of {_columns()}") from error
    numbered = [
        (number, line)
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.startswith("#")
    ]
    try:
        rows = list(csv.reader((line for _, line in numbered), strict=True))
    except csv.Error as error:
        raise HarnessError(f"{where}: is no CSV file ({error})") from error
    if not rows or tuple(cell.strip() for cell in rows[0]) != COLUMNS or len(rows) < 2:
        found = ",".join(rows[0])[:60] if rows else "nothing"
        raise HarnessError(
            f"{where}: begins with '{found}', expected the line {','.join(COLUMNS)} and then a "
            "line a trial"
        )
    trials: dict[str, SplitTrial] = {}
    for (number, _), row in list(zip(numbered, rows, strict=False))[1:]:
        cells = [cell.strip() for cell in row]
        if len(cells) != len(COLUMNS) or not all(cells):
            raise HarnessError(
                f"{where}, line {number}: has {len(cells)} values, some perhaps empty; expected "
                f"{_columns()}"
            )
        subject, trial, action, split = cells
        if split not in get_args(Split):
            raise HarnessError(
                f"{where}, line {number}: split '{split[:40]}' of {trial[:40]} is none of "
                f"{', '.join(get_args(Split))}"
            )
        if trial in trials:
            raise HarnessError(f"{where}, line {number}: trial {trial} is listed twice")
        trials[trial] = SplitTrial(subject, trial, action, split)  # type: ignore[arg-type]
    _check_subjects_apart(where, trials)
    return trials


def _check_subjects_apart(where: str, trials: Mapping[str, SplitTrial]) -> None:
    by_subject: dict[str, dict[str, str]] = defaultdict(dict)
    for line in trials.values():
        by_subject[line.subject].setdefault(line.split, line.trial)
    for subject, splits in by_subject.items():
        if len(splits) > 1:
            told = " and ".join(f"in {split} ({trial})" for split, trial in splits.items())
            raise HarnessError(
                f"{where}: subject {subject} is {told}; a subject may be in one split only, or "
                "scores are of people trained on"
            )


def _columns() -> str:
    return f"{', '.join(COLUMNS[:-1])} and {COLUMNS[-1]}"
