"""Copying runs of rows out of an array whose rows belong to clips, as fast as memory allows."""

import sys
from dataclasses import dataclass
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


class Buffers:
    """Memory for one batch after another, used again once nobody refers to it.

    The system hands out fresh memory page by page and filled with zeros; for a large batch that
    takes longer than filling it.
    """

    def __init__(self) -> None:
        self._arrays: list[Floats] = []
        self._lock = Lock()

    def empty(self, shape: tuple[int, ...]) -> Floats:
        """Return an array of this shape, of whatever content."""
        with self._lock:
            self._arrays = [array for array in self._arrays if array.shape == shape]
            for number in range(len(self._arrays)):
                if _references(self._arrays, number) == _UNUSED:
                    return self._arrays[number]
            self._arrays.append(np.empty(shape, np.float32))
            return self._arrays[-1]


def _references(arrays: list[Floats], number: int) -> int:
    """Count what refers to an array; its views do, tensors that share its memory included."""
    return sys.getrefcount(arrays[number])


_UNUSED = _references([np.empty(0, np.float32)], 0)


@dataclass(frozen=True)
class ClipRows:
    """An array and which of its rows belong to which clip.

    Attributes:
        array: (rows, ...), contiguous, in memory or mapped.
        first: (clips,) first row of each clip.
        length: (clips,) its number of rows.
    """

    array: Floats
    first: Integers
    length: Integers

    def clip(self, number: int) -> Floats:
        """Return the rows of a clip, not copied."""
        return self.array[self.first[number] : self.first[number] + self.length[number]]

    def rows(self, clip: Integers, start: Integers, frames: int) -> Integers:
        """Return the (runs, frames) rows to read, held inside each run's clip; see `runs`."""
        first = self.first[clip, None]
        last = first + self.length[clip, None] - 1
        return np.clip(first + start[:, None] + np.arange(frames), first, last)

    def runs(
        self, clip: Integers, start: Integers, frames: int, buffers: Buffers | None = None
    ) -> Floats:
        """Copy runs of rows; rows beyond either end of a clip repeat its first or last row.

        Runs are copied as unbroken slabs out of a strided view; the few that reach beyond their
        clip are then read again row by row.

        Args:
            clip: (runs,) the clip of each.
            start: (runs,) its first row, counted from the clip's.
            frames: its number of rows.
            buffers: where to find memory for the copies; only for an array that may be written to.

        Returns:
            (runs, frames, ...).
        """
        array = self.array
        if len(array) < frames:
            return array.take(self.rows(clip, start, frames), axis=0)
        width = array[0].size
        slabs: Floats = np.ndarray(
            (len(array) - frames + 1, frames * width),
            array.dtype,
            buffer=array,
            strides=(width * array.itemsize, array.itemsize),
        )
        places = np.clip(self.first[clip] + start, 0, len(slabs) - 1)
        if buffers is None:
            read = slabs[places]
        else:
            read = buffers.empty((len(places), frames * width))
            # numpy gathers from a strided view into fresh memory only.
            torch.index_select(
                torch.from_numpy(slabs), 0, torch.from_numpy(places), out=torch.from_numpy(read)
            )
        read = read.reshape(-1, frames, *array.shape[1:])
        beyond = np.flatnonzero((start < 0) | (start + frames > self.length[clip]))
        if beyond.size:
            read[beyond] = array.take(self.rows(clip[beyond], start[beyond], frames), axis=0)
        return read
