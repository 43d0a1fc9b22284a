"""Acclaim motion capture: skeletons (ASF), motions (AMC) and where the joints are.

A bone has a direction and a length in the rest pose and an axis, the frame in which its angles are
given. With C the rotation of the axis and M that of the frame's angles, both about x, then y, then
z of fixed axes, a bone turns relative to its parent by C M C^-1, and its end lies at

    end(bone) = end(parent) + turn(parent) C M C^-1 length direction.

The end of the root is the root's position. Source of the format: the CMU database's pages on ASF
and AMC (mocap.cs.cmu.edu) and its FAQ, which gives the unit of length: inches times the file's own
`length` entry.

Files in the wild have comments in Latin-1, blank lines anywhere, and names in capitals; all are
read. Names of bones come out in small letters.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.body.kinematics import forward_kinematics, rotation_from_euler_xyz
from harness.datasets.files.old_text import lines_of, read_old_text
from harness.foundation.budget import BUDGET
from harness.foundation.errors import HarnessError

METRES_PER_INCH = 0.0254
ROOT = "root"
ROOT_CHANNELS = ("tx", "ty", "tz", "rx", "ry", "rz")
_ROTATIONS = ("rx", "ry", "rz")
_LONGEST_WORD = 64


@dataclass(frozen=True)
class Bone:
    """A bone of an Acclaim skeleton.

    Attributes:
        name: its name, unique in the skeleton.
        parent: index of its parent, -1 for the root.
        offset: (3,) from its start to its end in the rest pose, metres.
        axis: (3, 3) rotation of the frame in which its angles are given.
        channels: the values that a motion gives for it, in the file's order.
    """

    name: str
    parent: int
    offset: NDArray[np.float64]
    axis: NDArray[np.float64]
    channels: tuple[str, ...]


@dataclass(frozen=True)
class AcclaimSkeleton:
    """The bones of one person, parents before children, the root first.

    Attributes:
        path: the file it was read from.
        bones: the bones.
        metres: length of the file's unit in metres.
    """

    path: Path
    bones: tuple[Bone, ...]
    metres: float

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each bone by name."""
        return {bone.name: position for position, bone in enumerate(self.bones)}

    @cached_property
    def channels(self) -> int:
        """Number of values in a frame of a motion."""
        return sum(len(bone.channels) for bone in self.bones)

    @cached_property
    def first_channel(self) -> tuple[int, ...]:
        """Where each bone's values begin in a frame of a motion."""
        counts = [len(bone.channels) for bone in self.bones]
        return tuple(itertools.accumulate(counts[:-1], initial=0))

    def joint_ends(self, motion: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where every bone ends: (frames, bones, 3), metres, in the file's axes (y up).

        Args:
            motion: (frames, channels) as `read_amc` gives it; zeros are the rest pose.
        """
        rotations = np.empty((len(motion), len(self.bones), 3, 3))
        for position, (bone, first) in enumerate(zip(self.bones, self.first_channel, strict=True)):
            angles = np.zeros((len(motion), 3))
            for channel, name in enumerate(bone.channels, start=first):
                if name in _ROTATIONS:
                    angles[:, _ROTATIONS.index(name)] = np.radians(motion[:, channel])
            rotations[:, position] = bone.axis @ rotation_from_euler_xyz(angles) @ bone.axis.T
        parents = [bone.parent for bone in self.bones]
        offsets = np.array([bone.offset for bone in self.bones])
        return forward_kinematics(parents, offsets, rotations, motion[:, :3] * self.metres)[0]


def read_asf(path: Path, metres_per_unit: float | None = None) -> AcclaimSkeleton:
    """Read an Acclaim skeleton.

    Args:
        path: the file.
        metres_per_unit: length of its unit where it is not an inch divided by its `length` entry.

    Raises:
        HarnessError: the file is missing, is no ASF file, or uses something that these motions
            never use (radians, another order of axes, bones that change length).
    """
    sections = _sections(path, _read_lines(path))
    units = {words[0].lower(): words[1] for words in sections["units"] if len(words) == 2}
    if "angle" not in units:
        raise HarnessError(
            f"{path}: does not say the unit of angles; if they are degrees, add the line "
            "'angle deg' below :units"
        )
    if units["angle"].lower() != "deg":
        raise HarnessError(f"{path}: gives angles in {units['angle']}, expected deg")
    root = {words[0].lower(): words[1:] for words in sections["root"]}
    if tuple(word.lower() for word in root.get("order", [])) != ROOT_CHANNELS:
        raise HarnessError(
            f"{path}: the root's order is {' '.join(root.get('order', ['missing']))}, "
            "expected TX TY TZ RX RY RZ"
        )
    blocks = _bone_blocks(path, sections["bonedata"])
    metres = metres_per_unit or METRES_PER_INCH / _units_length(path, units)
    try:
        rest = np.array([root["position"], root["orientation"]], dtype=np.float64)
        free = {name: _bone(name, entries, metres) for name, entries in blocks.items()}
    except (KeyError, ValueError, IndexError) as error:
        raise HarnessError(
            f"{path}: a length, direction, axis or angle is missing or is no number that can be "
            f"used ({error})"
        ) from error
    if np.any(rest):
        raise HarnessError(f"{path}: the root does not rest at zero")
    identity = np.eye(3)
    bones = [Bone(ROOT, -1, np.zeros(3), identity, ROOT_CHANNELS)]
    position = {ROOT: 0}
    for parent, child in _hierarchy(sections["hierarchy"]):
        if parent not in position or child not in free:
            raise HarnessError(
                f"{path}: the hierarchy joins {child} to {parent}, but one of them is not defined"
            )
        position[child] = len(bones)
        offset, axis, channels = free.pop(child)
        bones.append(Bone(child, position[parent], offset, axis, channels))
    if free:
        raise HarnessError(f"{path}: bones outside the hierarchy: {', '.join(sorted(free))}")
    return AcclaimSkeleton(path, tuple(bones), metres)


def read_amc(path: Path, skeleton: AcclaimSkeleton) -> NDArray[np.float64]:
    """Read a motion: (frames, channels), the channels of `skeleton.bones` one bone after another.

    Lengths stay in the file's unit and angles in degrees. The numbers are converted in one block;
    lines are looked at one by one only to say what is wrong.

    Raises:
        HarnessError: the file is missing, is no AMC file, belongs to another skeleton, is cut
            short, skips a frame, or holds a value that is no finite number.
    """
    lines = _read_lines(path)
    start = next((n for n, line in enumerate(lines) if line.strip().isdecimal()), len(lines))
    header = {line.strip().upper() for line in lines[:start]}
    if ":DEGREES" not in header or ":FULLY-SPECIFIED" not in header:
        raise HarnessError(
            f"{path}: is not a motion in degrees (AMC): its head must hold "
            ":FULLY-SPECIFIED and :DEGREES before the first frame"
        )
    if start == len(lines):
        raise HarnessError(f"{path}: holds no frames; download or export it again")
    content = [line.lower() for line in lines[start:] if _says_something(line)]
    order, name_columns, value_columns = _frame_pattern(skeleton, content)
    width = 1 + len(name_columns) + len(value_columns)
    tokens = " ".join(content).split()
    if max(map(len, tokens)) > _LONGEST_WORD:
        # The table below gives every word the room of the longest.
        raise HarnessError(
            f"{path}: holds a word of {max(map(len, tokens))} characters, which no motion has; "
            "the file is damaged, so download it again"
        )
    if len(tokens) % width or len(value_columns) != skeleton.channels:
        raise _first_defect(path, skeleton, lines, start)
    table = np.array(tokens).reshape(-1, width)
    if np.any(table[:, name_columns] != [skeleton.bones[bone].name for bone in order]):
        raise _first_defect(path, skeleton, lines, start)
    try:
        frames = table[:, 0].astype(np.int64)
        motion = table[:, value_columns].astype(np.float64)
    except (ValueError, OverflowError) as error:
        raise _first_defect(path, skeleton, lines, start) from error
    if np.any(np.diff(frames) != 1) or not np.isfinite(motion).all():
        raise _first_defect(path, skeleton, lines, start)
    return motion


def _frame_pattern(
    skeleton: AcclaimSkeleton, content: Sequence[str]
) -> tuple[list[int], list[int], list[int]]:
    """Return, for the words of the first frame: the bones, their columns, our channels' columns."""
    order: list[int] = []
    for line in content[1:]:
        name = line.split(maxsplit=1)[0]
        if name not in skeleton.index or skeleton.index[name] in order:
            break
        order.append(skeleton.index[name])
    counts = [len(bone.channels) for bone in skeleton.bones]
    widths = [1 + counts[bone] for bone in order]
    names = list(itertools.accumulate(widths, initial=1))[: len(order)]
    start = dict(zip(order, names, strict=True))
    values = [
        start[bone] + 1 + channel
        for bone, count in enumerate(counts)
        if bone in start
        for channel in range(count)
    ]
    return order, names, values


def _first_defect(
    path: Path, skeleton: AcclaimSkeleton, lines: Sequence[str], start: int
) -> HarnessError:
    """Say what is wrong with a motion, at its first line that does not fit."""
    moving = {bone.name for bone in skeleton.bones if bone.channels}
    frame, seen = 0, moving
    for number, line in enumerate(lines[start:], start=start + 1):
        if not _says_something(line):
            continue
        words = line.split()
        where = f"{path}, line {number}"
        if len(words) == 1 and words[0].isdecimal():
            if seen != moving:
                return _lacking(path, frame, moving - seen, lines)
            if number > start + 1 and int(words[0]) != frame + 1:
                return HarnessError(
                    f"{where}: frame {words[0]} follows frame {frame}; frames must be numbered "
                    "without gaps, so download or export the file again"
                )
            frame, seen = int(words[0]), set()
            continue
        name, values = words[0].lower(), words[1:]
        if name not in skeleton.index:
            return HarnessError(
                f"{where}, frame {frame}: bone '{words[0]}' is not in the skeleton "
                f"{skeleton.path}; is the motion another person's?"
            )
        expected = len(skeleton.bones[skeleton.index[name]].channels)
        if len(values) != expected or name in seen:
            return HarnessError(
                f"{where}, frame {frame}: bone {name} has {len(values)} values"
                f"{' a second time' if name in seen else ''}, expected {expected} once"
            )
        seen.add(name)
        for value in values:
            if not _is_finite_number(value):
                return HarnessError(
                    f"{where}, frame {frame}: bone {name} has the value '{value}', "
                    "expected a finite number"
                )
    if seen != moving:
        return _lacking(path, frame, moving - seen, lines)
    return HarnessError(f"{path}: bones come in another order in some frames than in the first")


def _is_finite_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _lacking(path: Path, frame: int, missing: set[str], lines: Sequence[str]) -> HarnessError:
    present = {line.split(maxsplit=1)[0].lower() for line in lines if _says_something(line)}
    frames = sum(name.isdecimal() for name in present)
    listed = ", ".join(sorted(missing))
    if frames > 1 and not missing & present:
        return HarnessError(
            f"{path}: no frame gives {listed}, which the skeleton lets move; the program that "
            "exported it left them out, so export all bones, or take their dof lines out of the "
            "skeleton if they may keep still"
        )
    return HarnessError(
        f"{path}: frame {frame} lacks {listed}; the file is cut short or damaged, so download it "
        "again"
    )


def _read_lines(path: Path) -> list[str]:
    text = read_old_text(path, BUDGET.motion_bytes, "see 'harness data fetch cmu --help'")
    return list(lines_of(text))


def _says_something(line: str) -> bool:
    """Whether a line is neither blank nor a comment."""
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _sections(path: Path, lines: Sequence[str]) -> dict[str, list[list[str]]]:
    """Split an ASF file into its sections (":units" and so on), each a list of lines of words."""
    sections: dict[str, list[list[str]]] = {}
    current: list[list[str]] = []
    for line in filter(_says_something, lines):
        words = line.split()
        if words[0].startswith(":"):
            current = sections.setdefault(words[0][1:].lower(), [])
        else:
            current.append(words)
    missing = [name for name in ("units", "root", "bonedata", "hierarchy") if name not in sections]
    if missing:
        raise HarnessError(
            f"{path}: is not a whole Acclaim skeleton (ASF): it has no section "
            f"{', '.join(':' + name for name in missing)}"
        )
    return sections


def _bone_blocks(path: Path, lines: Sequence[list[str]]) -> dict[str, dict[str, list[str]]]:
    """Return the entries (direction, length, axis, dof) of each bone by name."""
    blocks: dict[str, dict[str, list[str]]] = {}
    entries: dict[str, list[str]] = {}
    for words in lines:
        keyword = words[0].lower()
        if keyword == "begin":
            entries = {}
        elif keyword == "end":
            name = " ".join(entries.get("name", [])).lower()
            if not name or name in blocks:
                raise HarnessError(f"{path}: a bone has no name or stands twice ('{name}')")
            blocks[name] = entries
        else:
            entries[keyword] = words[1:]
    return blocks


def _units_length(path: Path, units: Mapping[str, str]) -> float:
    """Return what lengths are divided by to be inches: `length` below :units."""
    told = units.get("length", "missing")
    try:
        length = float(told)
    except ValueError:
        length = 0.0
    if not 0 < length < math.inf:
        raise HarnessError(
            f"{path}: 'length' below :units is {told[:40]}, expected a positive number; where the "
            "unit of lengths is known, say it (option metres_per_unit)"
        )
    return length


def _bone(
    name: str, entries: dict[str, list[str]], metres: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[str, ...]]:
    """Return a bone's offset, axis and channels; ValueError says what cannot be used."""
    direction, length = np.array(entries["direction"], np.float64), float(entries["length"][0])
    if length < 0:
        raise ValueError(f"bone {name}: its length is {length:g}")
    offset = direction * length * metres
    axis = np.radians(np.array(entries["axis"][:3], dtype=np.float64))
    channels = tuple(word.lower() for word in entries.get("dof", []))
    if offset.shape != (3,) or axis.shape != (3,) or not np.isfinite([offset, axis]).all():
        raise ValueError(f"bone {name}: a direction and an axis are three finite numbers")
    if [word.upper() for word in entries["axis"][3:]] != ["XYZ"] or not set(channels) <= set(
        _ROTATIONS
    ):
        raise ValueError(f"bone {name}: only turns about X, then Y, then Z are read")
    return offset, rotation_from_euler_xyz(axis), channels


def _hierarchy(lines: Sequence[list[str]]) -> Iterator[tuple[str, str]]:
    """Yield (parent, child) in the file's order."""
    for parent, *children in lines:
        if parent.lower() not in ("begin", "end"):
            for child in children:
                yield parent.lower(), child.lower()
