"""BVH files: a hierarchy of joints, and for every frame a value of each of their channels.

A joint's channels move it relative to its parent, in the order in which the file lists them. With T
its shift and R1, R2, R3 its turns about the coordinate axes in that order, and vectors as columns,

    turn(joint) = turn(parent) R1 R2 R3,    place(joint) = place(parent) + turn(parent) T.

T is the joint's OFFSET. **Position channels take the place of the offset**, axis by axis, at the
root and at every other joint; readers disagree, some add the two. Bandai Namco's files, which have
position channels at every joint, repeat the offsets in them, so that adding would double each bone.

Source of the format: M. Meredith, S. Maddock, "Motion Capture File Formats Explained", University
of Sheffield, CS-01-11; what it leaves open is said above.

Files in the wild put braces on any line, have names with blanks, tabs between numbers and keywords
in capitals or not; all are read. A frame is a line.
"""

import itertools
import math
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.body.kinematics import rotation_about
from harness.datasets.bvh.frame_time import rate_of
from harness.datasets.bvh.hierarchy import AXES, BvhJoint, read_hierarchy
from harness.datasets.files.old_text import lines_of, read_old_text
from harness.foundation.budget import BUDGET
from harness.foundation.errors import HarnessError
from harness.foundation.shown import shown

_MOTION = re.compile(r"(?:^|(?<=[\r\n]))[ \t]*MOTION[ \t]*(?=[\r\n]|$)", re.IGNORECASE)
_FRAME_TIME = r"frame\s+time\s*:\s*(\S+)"
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_BLOCK = 512
"""Frames that are moved at a time: the turns of all their joints are kept meanwhile."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class BvhMotion:
    """A motion with its hierarchy.

    Attributes:
        path: the file.
        joints: parents before their children, the root first.
        values: (frames, channels), the channels of one joint after another.
        rate: frames a second.
    """

    path: Path
    joints: tuple[BvhJoint, ...]
    values: Array
    rate: float

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each joint by name."""
        return {joint.name: number for number, joint in enumerate(self.joints)}

    @cached_property
    def columns(self) -> tuple[slice, ...]:
        """Where each joint's values stand in a frame."""
        ends = np.cumsum([len(joint.channels) for joint in self.joints]).tolist()
        return tuple(
            slice(end - len(joint.channels), end)
            for joint, end in zip(self.joints, ends, strict=True)
        )

    def moving(self, names: Collection[str]) -> dict[str, slice]:
        """Return by joint that moves one of these joints, or is one of them, its channels."""
        return {self.joints[number].name: self.columns[number] for number in self._chain(names)}

    def places(self, names: Sequence[str]) -> Array:
        """Return where joints are: (frames, names, 3) in the file's unit and axes."""
        chain = self._chain(names)
        wanted = [self.index[name] for name in names]
        found = np.empty((len(self.values), len(wanted), 3))
        for start in range(0, len(found), _BLOCK):
            block = slice(start, start + _BLOCK)
            found[block] = self._places(self.values[block], chain, wanted)
        return found

    def _chain(self, names: Collection[str]) -> list[int]:
        """Return joints and all that they hang on, parents first."""
        chain = set()
        for name in names:
            number = self.index[name]
            while number >= 0 and number not in chain:
                chain.add(number)
                number = self.joints[number].parent
        return sorted(chain)

    def _places(self, values: Array, chain: Sequence[int], wanted: Sequence[int]) -> Array:
        place: dict[int, Array] = {-1: np.zeros((len(values), 3))}
        turned: dict[int, Array] = {-1: np.tile(np.eye(3), (len(values), 1, 1))}
        for number in chain:
            joint = self.joints[number]
            shift, turn = _local(joint, values[:, self.columns[number]])
            above = turned[joint.parent]
            place[number] = place[joint.parent] + np.einsum("fij,fj->fi", above, shift)
            turned[number] = above @ turn
        return np.stack([place[number] for number in wanted], axis=1)


def read_bvh(path: Path) -> BvhMotion:
    """Read a BVH file.

    Raises:
        HarnessError: the file is missing, larger than the budget or no BVH file, its hierarchy does
            not hold together, or its frames are not as many, as long and as finite as they must be.
    """
    text = read_old_text(path, BUDGET.motion_bytes, "check the folder given with --raw")
    motion = _MOTION.search(text)
    if motion is None:
        raise HarnessError(
            f"{path}: is no whole BVH file: no line MOTION follows its hierarchy; download or "
            "export it again"
        )
    joints = read_hierarchy(path, text[: motion.start()])
    frames, frame_time, _ = _motion_lines(path, text, motion.end())
    values = _values(path, text, motion.end(), joints)
    if len(values) != frames:
        raise HarnessError(
            f"{path}: announces {frames} frames and holds {len(values)}; the file is cut short or "
            "was put together, so export it again or correct the line Frames"
        )
    return BvhMotion(path, joints, values, rate_of(path, frame_time))


def _local(joint: BvhJoint, values: Array) -> tuple[Array, Array]:
    """Return a joint's shift (frames, 3) and turn (frames, 3, 3) relative to its parent."""
    shift = np.tile(np.zeros(3) if joint.offset is None else joint.offset, (len(values), 1))
    turn = np.tile(np.eye(3), (len(values), 1, 1))
    for column, channel in enumerate(joint.channels):
        axis = AXES.index(channel[0])
        if channel.endswith("position"):
            shift[:, axis] = values[:, column]
        else:
            turn = turn @ rotation_about(axis, np.radians(values[:, column]))
    return shift, turn


def _motion_lines(path: Path, text: str, start: int) -> tuple[int, str, Iterator[tuple[int, str]]]:
    """Read what follows MOTION.

    Args:
        path: the file; errors name it.
        text: its text.
        start: where the line MOTION ends.

    Returns:
        The number of frames, the frame time, and each frame's line with its number.
    """
    first = sum(1 for _ in lines_of(text[:start]))
    numbered = enumerate(lines_of(text[start:]), start=first)
    said = ((number, line.strip()) for number, line in numbered if line.strip())
    found: list[str] = []
    for name, pattern in (("Frames", r"frames\s*:\s*(\d+)"), ("Frame Time", _FRAME_TIME)):
        number, line = next(said, (0, ""))
        match = re.fullmatch(pattern, line, re.IGNORECASE | re.ASCII)
        if match is None or len(match[1]) > BUDGET.digits:
            where = f"{path}, line {number}" if number else f"{path}"
            raise HarnessError(
                f"{where}: found '{shown(line, 60)}' after MOTION, expected '{name}:' and a number"
            )
        found.append(match[1])
    return int(found[0]), found[1], said


def _values(path: Path, text: str, start: int, joints: Sequence[BvhJoint]) -> Array:
    """Return the values of all frames: in one go, line by line only to say what is wrong."""
    channels = sum(len(joint.channels) for joint in joints)
    _, _, said = _motion_lines(path, text, start)
    first = next(said, None)
    if first is None or not channels:
        raise HarnessError(
            f"{path}: holds no motion ({'frames' if first else 'no frames'} of {channels} "
            "channels); export it again"
        )
    lines = (line for _, line in itertools.chain([first], said))
    try:
        values = np.loadtxt(lines, dtype=np.float64, ndmin=2, comments=None, encoding=None)
    except ValueError as error:
        raise _first_defect(path, text, start, channels) from error
    if values.shape[1] != channels or not np.isfinite(values).all():
        raise _first_defect(path, text, start, channels)
    return values


def _first_defect(path: Path, text: str, start: int, channels: int) -> HarnessError:
    """Say what is wrong with the frames, at the first line that does not fit."""
    _, _, said = _motion_lines(path, text, start)
    for frame, (number, line) in enumerate(said, start=1):
        words = line.split()
        where = f"{path}, line {number}, frame {frame}"
        if len(words) != channels:
            return HarnessError(
                f"{where}: has {len(words)} values, expected one for each of the hierarchy's "
                f"{channels} channels; the file is cut short or belongs to another hierarchy"
            )
        for word in words:
            if not _is_finite_number(word):
                return HarnessError(
                    f"{where}: has the value '{shown(word, 40)}', expected a finite number; repair "
                    "or cut out the frame"
                )
    return HarnessError(f"{path}: its frames cannot be read as numbers; export it again")


def _is_finite_number(word: str) -> bool:
    """Whether a word is one for the reader of all frames, which knows no 1_0 and no 1,5."""
    return _NUMBER.fullmatch(word) is not None and math.isfinite(float(word))
