"""Splits of recorded motion as data: which trials train, validate and test, and what they show.

A split is a CSV file with the columns subject, trial, action and split.
"""

import csv
import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from harness.datasets.clip_table import name_problem
from harness.datasets.prepared import Split
from harness.foundation.errors import HarnessError

COLUMNS = ("subject", "trial", "action", "split")
_LARGEST_BYTES = 2**20
_TOLD_TRIALS = 3


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
        is_shipped: whether it ships with the code, so that its title stands for certain files.
    """

    name: str
    title: str
    sha256: str
    trials: Mapping[str, SplitTrial]
    is_shipped: bool = False

    def __str__(self) -> str:
        subjects = {line.subject for line in self.trials.values()}
        return (
            f"split {self.title} (SHA-256 {self.sha256[:12]}): {len(self.trials)} trials of "
            f"{len(subjects)} subjects"
        )

    def check_subjects(self, subjects: Mapping[str, str]) -> None:
        """Raise HarnessError where the split says another subject of a trial than `subjects`."""
        for name, line in self.trials.items():
            if subjects.get(name, line.subject) != line.subject:
                raise HarnessError(
                    f"split {self.name}: says that {name} is of subject {line.subject}, but it is "
                    f"of {subjects[name]}; correct the line (spreadsheets make 3 of 03)"
                )

    def check_there(self, raw: Path, found: Collection[str], remedy: str) -> None:
        """Raise HarnessError where trials of the split are not among those found below `raw`."""
        missing = [name for name in self.trials if name not in found]
        if missing:
            beyond = len(missing) - _TOLD_TRIALS
            more = f" and {beyond} more" if beyond > 0 else ""
            raise HarnessError(
                f"{raw}: lacks {', '.join(missing[:_TOLD_TRIALS])}{more} of the "
                f"{len(self.trials)} trials of split {self.name}; {remedy}"
            )


def split_of_file(path: Path) -> TrialSplit:
    """Return the split that a CSV file tells.

    Raises:
        HarnessError: there is none, it is no such CSV file, names a trial twice or a subject in two
            splits.
    """
    content = _read(path)
    return split_of_text(content, str(path), str(path), path.name)


def split_of_text(content: bytes, where: str, name: str, title: str) -> TrialSplit:
    """Return the split that the bytes of a CSV file tell.

    Args:
        content: the bytes.
        where: where they are from; errors name it.
        name: what was asked for.
        title: how to cite it.

    Raises:
        HarnessError: as `split_of_file`.
    """
    return TrialSplit(name, title, hashlib.sha256(content).hexdigest(), _parsed(where, content))


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
    if not rows or tuple(cell.strip() for cell in rows[0]) != COLUMNS:
        found = ",".join(rows[0])[:60] if rows else "nothing"
        raise HarnessError(
            f"{where}: begins with '{found}', expected the line {','.join(COLUMNS)} and then a "
            "line a trial"
        )
    if len(rows) == 1:
        raise HarnessError(f"{where}: lists no trial; add a line of {_columns()} for each")
    trials: dict[str, SplitTrial] = {}
    for (number, _), row in list(zip(numbered, rows, strict=False))[1:]:
        cells = [cell.strip() for cell in row]
        if len(cells) != len(COLUMNS) or not all(cells):
            raise HarnessError(
                f"{where}, line {number}: has {len(cells)} values, some perhaps empty; expected "
                f"{_columns()}"
            )
        subject, trial, action, split = cells
        for column, name in zip(COLUMNS, cells, strict=True):
            if problem := name_problem(column, name):
                raise HarnessError(f"{where}, line {number}: {problem}; name it otherwise")
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
