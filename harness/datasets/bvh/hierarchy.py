"""The hierarchy of a BVH file: its joints, and what a frame gives for each."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.datasets.files.old_text import lines_of
from harness.foundation.budget import BUDGET
from harness.foundation.errors import HarnessError
from harness.foundation.shown import shown

AXES = "xyz"
_CHANNELS = {f"{axis}{kind}" for axis in AXES for kind in ("position", "rotation")}

Array = NDArray[np.float64]


@dataclass
class BvhJoint:
    """A joint of a hierarchy.

    Attributes:
        name: its name; the end of a bone, which has none in the file, is "end of" its joint.
        parent: index of its parent, -1 for the root.
        offset: (3,) from its parent, in the file's unit.
        channels: what a frame gives for it, in the file's order, in small letters: "xrotation".
    """

    name: str
    parent: int
    offset: Array | None = None
    channels: tuple[str, ...] = ()


def read_hierarchy(path: Path, text: str) -> tuple[BvhJoint, ...]:
    """Return the joints of a hierarchy, parents before their children, the root first.

    Args:
        path: the file; errors name it.
        text: what stands there before MOTION.

    Raises:
        HarnessError: it is no hierarchy, is not closed, or has too many joints.
    """
    return _Hierarchy(path).read(text)


@dataclass
class _Hierarchy:
    """Reads the lines before MOTION."""

    path: Path
    joints: list[BvhJoint] = field(default_factory=list)
    open: list[int] = field(default_factory=list)
    """The joints whose braces are open, the innermost last."""
    announced: bool = False
    """Whether the last joint's brace is still to come."""

    def read(self, text: str) -> tuple[BvhJoint, ...]:
        begun = False
        for number, part in _parts(text):
            if not begun:
                begun = part.upper() == "HIERARCHY"
                if not begun:
                    raise self._odd(number, part, "the line HIERARCHY")
                continue
            self._take(number, part)
        if self.open or self.announced or not self.joints:
            told = f"of {self.joints[-1].name} " if self.joints else ""
            raise HarnessError(
                f"{self.path}: the hierarchy {told}ends before its last brace; the file is cut "
                "short, so download or export it again"
            )
        return tuple(self.joints)

    def _take(self, number: int, part: str) -> None:
        keyword, *words = part.split()
        match keyword.upper():
            case "{" if self.announced:
                self.open.append(len(self.joints) - 1)
                self.announced = False
            case "}" if self.open and not self.announced:
                self._close(number)
            case "ROOT" if words and not self.joints:
                self._announce(number, " ".join(words), -1)
            case "JOINT" if words and self.open and not self.announced:
                self._announce(number, " ".join(words), self.open[-1])
            case "END" if self.open and not self.announced:
                self._announce(number, self._end_name(), self.open[-1])
            case "OFFSET" if self._begun and self._joint.offset is None:
                self._joint.offset = self._offset(number, words)
            case "CHANNELS" if self._begun and not self._joint.channels:
                self._joint.channels = self._channels(number, words)
            case "ROOT" if self.joints:
                raise HarnessError(
                    f"{self.path}, line {number}: a second ROOT; give each person a file"
                )
            case _:
                raise self._odd(number, part, "a ROOT, JOINT, End Site, OFFSET, CHANNELS or brace")

    @property
    def _begun(self) -> bool:
        """Whether the innermost open joint has no children yet: a frame's values come in order."""
        return bool(self.open) and not self.announced and self.open[-1] == len(self.joints) - 1

    @property
    def _joint(self) -> BvhJoint:
        return self.joints[self.open[-1]]

    def _announce(self, number: int, name: str, parent: int) -> None:
        if any(joint.name == name for joint in self.joints):
            raise HarnessError(
                f"{self.path}, line {number}: joint {shown(name, 60)} stands twice; rename one"
            )
        if len(self.joints) == BUDGET.motion_joints:
            raise HarnessError(
                f"{self.path}, line {number}: has more than {BUDGET.motion_joints:,} joints, which "
                "no person's hierarchy has"
            )
        self.joints.append(BvhJoint(name, parent))
        self.announced = True

    def _end_name(self) -> str:
        """Name the end of a bone, which the file does not; a joint may have several."""
        own, known = self._joint.name, {joint.name for joint in self.joints}
        names = [f"end of {own}", *(f"end {n} of {own}" for n in range(2, len(self.joints) + 2))]
        return next(name for name in names if name not in known)

    def _close(self, number: int) -> None:
        if self._joint.offset is None:
            raise HarnessError(
                f"{self.path}, line {number}: joint {shown(self._joint.name, 60)} has no OFFSET"
            )
        self.open.pop()

    def _offset(self, number: int, words: Sequence[str]) -> Array:
        try:
            offset = np.array([float(word) for word in words])
        except ValueError:
            offset = np.array([])
        if offset.shape != (3,) or not np.isfinite(offset).all():
            raise HarnessError(
                f"{self.path}, line {number}: OFFSET of {shown(self._joint.name, 60)} is "
                f"'{shown(' '.join(words), 60)}', expected three finite numbers"
            )
        return offset

    def _channels(self, number: int, words: Sequence[str]) -> tuple[str, ...]:
        channels = tuple(word.lower() for word in words[1:])
        whole = words[:1] == [str(len(channels))] and len(set(channels)) == len(channels)
        if not whole or not set(channels) <= _CHANNELS:
            raise HarnessError(
                f"{self.path}, line {number}: CHANNELS of {shown(self._joint.name, 60)} are "
                f"'{shown(' '.join(words), 120)}', expected their number and then each of "
                "Xposition, Yposition, Zposition, Xrotation, Yrotation, Zrotation at most once"
            )
        return channels

    def _odd(self, number: int, part: str, expected: str) -> HarnessError:
        return HarnessError(
            f"{self.path}, line {number}: found '{shown(part, 60)}', expected {expected}; is it a "
            "BVH file?"
        )


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """Yield the number of each line with what it says, braces apart."""
    for number, line in enumerate(lines_of(text), start=1):
        for part in re.split(r"([{}])", line):
            if part.strip():
                yield number, part.strip()
