"""The .npy files of the project's own arrays: they reach the disk whole, and are read as written.

`numpy.save` hands arrays to C's buffered streams and overlooks that the last bytes did not fit.
"""

import hashlib
import os
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from harness.foundation.errors import HarnessError
from harness.foundation.shown import shown

_HEADER_BYTES = 128


class GrowingArray:
    """A .npy file that grows by appending; its header is completed on closing."""

    def __init__(self, path: Path, like: NDArray[Any]) -> None:
        """Begin the file `path` of arrays with the dtype and the shape of rows of `like`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._dtype, self._tail, self._rows = like.dtype, like.shape[1:], 0
        self._hash = hashlib.sha256()
        self._stream: IO[bytes] = path.open("wb")
        self._stream.write(b" " * _HEADER_BYTES)

    def append(self, array: NDArray[Any]) -> None:
        """Append rows.

        Raises:
            OSError: the disk is full or a limit is reached.
        """
        data = np.ascontiguousarray(array, dtype=self._dtype)
        self._stream.write(data.data)
        self._hash.update(data.data)
        self._rows += len(data)

    def close(self) -> str:
        """Complete the file and return the SHA-256 of its data and, after it, its header.

        Raises:
            OSError: not every byte has reached the disk.
        """
        shape = (self._rows, *self._tail)
        header = _header(self._dtype, shape)
        self._stream.seek(0)
        self._stream.write(header)
        self._stream.flush()
        os.fsync(self._stream.fileno())
        expected = _HEADER_BYTES + int(np.prod(shape)) * self._dtype.itemsize
        found = os.fstat(self._stream.fileno()).st_size
        self._stream.close()
        if found != expected:
            raise OSError(f"{found:,} of {expected:,} bytes were written")
        self._hash.update(header)
        return self._hash.hexdigest()


def hash_of_array(path: Path) -> str:
    """Return the SHA-256 that `GrowingArray.close` returned when it wrote `path`."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        header = stream.read(_HEADER_BYTES)
        while block := stream.read(2**20):
            digest.update(block)
    digest.update(header)
    return digest.hexdigest()


def map_array(
    path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], remedy: str
) -> NDArray[Any]:
    """Map an array that `GrowingArray` wrote into memory.

    Args:
        path: the file.
        shape: what it must have.
        dtype: likewise.
        remedy: what to do where it is unusable, such as "predict again".

    Raises:
        HarnessError: the file is missing, damaged, or holds another shape or dtype.
    """
    try:
        with path.open("rb") as stream:
            as_written = stream.read(_HEADER_BYTES) == _header(dtype, shape)
        # A header that is just what we write needs no parser; numpy's, which evaluates Python, is
        # slower and can fail at random under Python 3.11 (python/cpython#106905).
        array = (
            np.memmap(path, dtype, "r", _HEADER_BYTES, shape)
            if as_written and 0 not in shape
            else np.lib.format.open_memmap(path, mode="r")
        )
    except Exception as error:  # a damaged header can raise any error at all
        raise HarnessError(f"{path}: cannot be read ({shown(error)}); {remedy}") from error
    if array.shape != shape or array.dtype != dtype or not array.flags.c_contiguous:
        raise HarnessError(
            f"{path}: has shape {array.shape} ({array.dtype}), expected {shape} ({dtype}); {remedy}"
        )
    return array


def _header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """Return a header in version 1.0 of the .npy format."""
    entries = f"{{'descr': '{dtype.str}', 'fortran_order': False, 'shape': {shape}, }}"
    prefix = b"\x93NUMPY\x01\x00"
    room = _HEADER_BYTES - len(prefix) - 2
    return prefix + room.to_bytes(2, "little") + entries.ljust(room - 1).encode() + b"\n"
