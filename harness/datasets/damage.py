"""Damage of recorded motion, found by rules that are the same for every trial.

Sizes are for 120 frames a second; at another rate, spans are as long in seconds, and distances that
motion makes within frames grow with the square of the frame's length.

- **Repeated frames**: three or more frames in which no value differs. The first of them stays.
- **Spike**: a frame in which a joint stands more than 2 cm off the middle of its places before and
  after, which takes 580 m/s^2. It is replaced by the middle of its neighbours: one frame is too
  short to hide motion, and cutting there would leave clips of a second.
- **Jump**: between two frames, a joint moves more than 6 cm further than over the frames around
  them (the median of seven), and is not back in the next frame (motion at hand: 5.5 cm).
- **Wobble**: half of the joints are more than 4 cm off the median of their places over an eighth of
  a second (motion at hand: 2.5 cm); it reaches two frames beyond those where they are 1.5 cm off.
- **Held angles**: a bone that moves a joint keeps every angle to the last digit for ten frames or
  more (at a low rate, for three at least), and moves in as many others: what is stiff all through a
  trial, but for a pose that was put in front of it, is not held.

What is left out: repeated frames, wobbles, held angles that a jump begins or ends, and what lies
between two jumps, or a jump and an end of the trial, that are less than a tenth of a second apart:
so a first frame in another pose. A jump alone cuts the trial in two. Held angles without a jump
stay, and are told: the pose is possible, and motion goes on through it.

The rules were set on 69 trials of 26 subjects of the CMU database: in them, they find what is
described below, and nothing in the others. Found by eye in other trials, and what the rules are
made for: 01_03 (right arm held, then a jump), 01_06 (right thigh flipped for five frames), 01_07
(23 equal frames, then a jump), 01_12 (the left thigh jumps).

    01_14   around 2057: the pelvis wobbles by up to 10 cm
    03_02   1-50: the upper body holds its angles, 12-24 repeat frame 11; 252-335: head held
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

SPIKE_METRES = 0.02
JUMP_METRES = 0.06
WOBBLE_METRES, WOBBLE_EDGE_METRES = 0.04, 0.015
REPEATED_FRAMES = 3
HELD_SECONDS = 10 / 120
WOBBLE_SECONDS, WOBBLE_MARGIN_SECONDS = 15 / 120, 2 / 120
APART_SECONDS = 0.1
_RATE = 120.0
_AROUND = 3

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Defect:
    """Frames of a trial that do not show what happened.

    Attributes:
        first: the first frame, counted from 1.
        last: the last frame; before `first` where a trial is only cut, before frame `first`.
        what: what is wrong with them.
        kept: whether they stay all the same.
    """

    first: int
    last: int
    what: str
    kept: bool = False

    def __str__(self) -> str:
        if self.last < self.first:
            return f"cut before {self.first} ({self.what})"
        return f"{'kept' if self.kept else 'left out'} {self.first}-{self.last} ({self.what})"


def find_damage(
    motion: Array, positions: Array, moving: Mapping[str, slice], rate: float
) -> list[Defect]:
    """Find the damage of one trial.

    Args:
        motion: (frames, channels), the values of the file.
        positions: (frames, joints, 3) metres, the joints that are used of it.
        moving: by bone whose angles move these joints, its channels.
        rate: frames a second.

    Returns:
        Defects by their first frame.
    """
    if len(motion) < 2 * _AROUND + 2:
        return []
    jumps = jumps_between(positions, rate)
    found = [
        Defect(first + 2, last + 1, f"repeats of frame {first + 1}")
        for first, last in _stretches(np.all(np.diff(motion, axis=0) == 0, axis=1))
        if last - first + 1 >= REPEATED_FRAMES
    ]
    found += _held(motion, moving, rate, jumps)
    found += _wobbles(positions, rate)
    found += _jumped(jumps, len(motion), rate, found)
    return sorted(found, key=lambda defect: (defect.first, defect.last))


def sound_motion(
    trial: str, motion: Array, positions: Array, moving: Mapping[str, slice], rate: float
) -> tuple[list[Array], list[str]]:
    """Return the sound pieces of a trial, and notes on what was left out or mended.

    Args:
        trial: its name, for the notes.
        motion: as for `find_damage`, and so are the others.
        positions: (frames, joints, 3) metres.
        moving: by bone, its channels.
        rate: frames a second.

    Returns:
        Pieces of (frames, joints, 3); notes with frames counted from 1.
    """
    damage = find_damage(motion, positions, moving, rate)
    notes = [f"{trial}: {defect}" for defect in damage]
    pieces: list[Array] = []
    mended: list[int] = []
    for frames in sound_pieces(len(positions), damage):
        piece, spikes = repair_spikes(positions[frames], rate)
        pieces.append(piece)
        mended += [int(frames[spike]) + 1 for spike in spikes]
    if mended:
        listed = ", ".join(map(str, mended))
        notes.append(f"{trial}: replaced by the middle of their neighbours: {listed}")
    return pieces, notes


def sound_pieces(frames: int, damage: Iterable[Defect]) -> list[NDArray[np.intp]]:
    """Return the indices of a trial's frames that stay, a piece an unbroken stretch."""
    keep = np.ones(frames, dtype=bool)
    cuts = set()
    for defect in damage:
        if defect.last < defect.first:
            cuts.add(defect.first - 1)
        elif not defect.kept:
            keep[defect.first - 1 : defect.last] = False
    ends = sorted({0, frames} | cuts | {int(n) + 1 for n in np.flatnonzero(np.diff(keep))})
    pieces = [np.arange(first, last) for first, last in pairwise(ends)]
    return [piece for piece in pieces if len(piece) and keep[piece[0]]]


def jumps_between(positions: Array, rate: float) -> NDArray[np.intp]:
    """Return the indices of the frames before which a joint jumps.

    Args:
        positions: (frames, joints, 3) metres.
        rate: frames a second.
    """
    steps = np.diff(positions, axis=0)
    around = [(_AROUND, _AROUND), (0, 0), (0, 0)]
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(steps, around, mode="reflect"), 2 * _AROUND + 1, axis=0
    )
    excess = np.pad(steps - np.median(windows, axis=-1), [(1, 1), (0, 0), (0, 0)])
    here, before, after = excess[1:-1], excess[:-2], excess[2:]
    # A single frame off its place goes there and back: with one of its neighbours it makes nothing.
    size = np.minimum.reduce(
        [np.linalg.norm(step, axis=-1) for step in (here, here + before, here + after)]
    )
    limit = JUMP_METRES * (_RATE / rate) ** 2
    return np.flatnonzero(size.max(axis=1) > limit) + 1


def repair_spikes(positions: Array, rate: float) -> tuple[Array, list[int]]:
    """Replace single frames that stand out from both neighbours by the middle of the two.

    A spike also moves the middles of its neighbours, by half as much, so of adjacent frames only
    the one that stands out most is a spike.

    Args:
        positions: (frames, joints, 3) metres.
        rate: frames a second.

    Returns:
        The repaired positions and the indices of the replaced frames.
    """
    limit = SPIKE_METRES * (_RATE / rate) ** 2
    middles = (positions[:-2] + positions[2:]) / 2
    off = np.zeros(len(positions))
    off[1:-1] = np.linalg.norm(positions[1:-1] - middles, axis=-1).max(axis=-1)
    before, after = np.roll(off, 1), np.roll(off, -1)
    spikes = np.flatnonzero((off > limit) & (off > before) & (off >= after))
    repaired = positions.copy()
    repaired[spikes] = middles[spikes - 1]
    return repaired, spikes.tolist()


def _jumped(
    jumps: Sequence[int] | NDArray[np.intp], frames: int, rate: float, known: list[Defect]
) -> list[Defect]:
    """Return what the jumps cut off or cut, where no other defect already does."""
    apart = round(APART_SECONDS * rate)
    out = np.zeros(frames + 1, dtype=bool)
    for defect in known:
        if not defect.kept:
            out[defect.first - 1 : defect.last] = True
    found: list[Defect] = []
    edges = [0, *(int(jump) for jump in jumps), frames]
    for before, after in pairwise(edges):
        if after - before < apart and (before, after) != (0, frames):
            what = "between a jump and the end" if after == frames else "between jumps"
            what = "before a jump at the start" if before == 0 else what
            if not out[before:after].all():
                found.append(Defect(before + 1, after, what))
                out[before:after] = True
    for jump in jumps:
        if not (out[jump - 1] or out[jump]):
            found.append(Defect(int(jump) + 1, int(jump), "a joint jumps"))
    return found


def _held(
    motion: Array, moving: Mapping[str, slice], rate: float, jumps: NDArray[np.intp]
) -> list[Defect]:
    least = max(REPEATED_FRAMES, round(HELD_SECONDS * rate))
    whole = len(motion)
    repeated = np.all(np.diff(motion, axis=0) == 0, axis=1)
    bones: dict[tuple[int, int], list[str]] = {}
    for name, channels in moving.items():
        same = np.all(np.diff(motion[:, channels], axis=0) == 0, axis=1)
        if np.sum(~same) < least:
            continue
        for start, end in _stretches(same):
            long = least <= end - start + 1 < whole
            if long and not repeated[start:end].all():
                bones.setdefault((start, end), []).append(name)
    return [
        Defect(
            start + 1,
            end + 1,
            f"{', '.join(sorted(names))} {'holds its' if len(names) == 1 else 'hold their'} angles",
            kept=not np.isin([start, end + 1], jumps).any(),
        )
        for (start, end), names in bones.items()
    ]


def _wobbles(positions: Array, rate: float) -> list[Defect]:
    from scipy.ndimage import median_filter

    positions, _ = repair_spikes(positions, rate)
    width = 2 * round(WOBBLE_SECONDS * rate / 2) + 1
    usual = median_filter(positions, size=(width, 1, 1), mode="nearest")
    off = np.median(np.linalg.norm(positions - usual, axis=-1), axis=1)
    scale = max(1.0, (_RATE / rate) ** 2)
    margin = round(WOBBLE_MARGIN_SECONDS * rate)
    return [
        Defect(max(first + 1 - margin, 1), min(last + margin, len(off)), "the body wobbles")
        for first, last in _stretches(off > WOBBLE_EDGE_METRES * scale)
        if off[first:last].max() > WOBBLE_METRES * scale
    ]


def _stretches(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return (first, beyond the last) of each stretch of true flags.

    Of flags between frames, it is (first frame, last frame).
    """
    changes = np.flatnonzero(np.diff(np.pad(flags.astype(np.int8), 1)))
    return list(zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True))
