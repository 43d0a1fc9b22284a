"""The .npz and .npy files of strangers, arrays of objects included, read without running code."""

import contextlib
import math
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np

from harness.datasets.files.safe_pickle import load_plain_pickle
from harness.foundation.budget import BUDGET
from harness.foundation.errors import HarnessError
from harness.foundation.shown import shown


def npz_keys(path: Path) -> list[str]:
    """Return the names of the arrays in an .npz file.

    Raises:
        HarnessError: the file is missing, damaged or no .npz file.
    """
    with _opened(path) as archive:
        return _keys(archive)


def read_npz(path: Path, key: str) -> Any:
    """Read the array called `key` from an .npz file.

    Returns:
        The array; where it is an array of objects without dimensions, as `np.savez` makes it of
        a dict, the object itself. See `load_plain_pickle` for what an object can be.

    Raises:
        HarnessError: the file is missing or damaged, has no such array, or the array holds
            anything but plain values.
    """
    where = f"{path}: entry '{key}'"
    with _opened(path) as archive:
        if key not in _keys(archive):
            raise HarnessError(
                f"{path}: has no entry '{key}' (it has {', '.join(_keys(archive)) or 'none'}); "
                "is this the right file?"
            )
        entry = archive.getinfo(f"{key}.npy")
        if entry.file_size > BUDGET.unpacked(entry.compress_size):
            raise HarnessError(
                f"{where}: {entry.compress_size:,} bytes claim to unpack to "
                f"{entry.file_size:,}; no file of poses does, so it is refused"
            )
        with archive.open(entry) as stream:
            return _read_array(stream, entry.file_size, where)


def read_npy(path: Path) -> Any:
    """Read an .npy file; returns and raises as `read_npz` does."""
    try:
        with path.open("rb") as stream:
            return _read_array(stream, path.stat().st_size, str(path))
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read ({error.strerror or error})") from error


def _keys(archive: zipfile.ZipFile) -> list[str]:
    return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise HarnessError(
            f"{path}: is no .npz file, or a truncated one ({error}); copy or download it again"
        ) from error
    with archive:
        try:
            yield archive
        except HarnessError:
            raise
        except Exception as error:  # a damaged archive can raise any error at all
            raise HarnessError(
                f"{path}: cannot be unpacked ({shown(error)}); copy it again"
            ) from error


def _read_array(stream: IO[bytes], size: int, where: str) -> Any:
    """Read one array in the .npy format from a stream of `size` bytes."""
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        elif version == (2, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(stream)
        else:
            raise ValueError(f"version {version} of the .npy format")
        if dtype.kind != "O":
            if dtype.kind not in "biufcSU" or not dtype.itemsize:
                raise ValueError(f"an array of {dtype}, expected numbers or text")
            count = math.prod(shape) * dtype.itemsize
            # Before any memory is taken: a header may claim any shape.
            if count != size - stream.tell():
                raise ValueError(f"{size - stream.tell()} bytes for {shape} values of {dtype}")
            order: Literal["F", "C"] = "F" if fortran else "C"
            content = stream.read(count)
            if dtype.kind == "U":
                letters = np.frombuffer(content, np.dtype("u4").newbyteorder(dtype.byteorder))
                if letters.size and letters.max() > sys.maxunicode:
                    raise ValueError("text with characters that do not exist")
            return np.ndarray(shape, dtype, buffer=content, order=order)
    except Exception as error:  # a damaged header can raise any error at all
        raise HarnessError(
            f"{where}: is no array that numpy wrote ({shown(error)}); "
            "it is damaged or truncated, so copy or make it again"
        ) from error
    loaded = load_plain_pickle(stream, where)
    if not isinstance(loaded, np.ndarray) or loaded.shape != shape:
        raise HarnessError(f"{where}: its header announces an array of shape {shape}, not found")
    return loaded.item() if shape == () else loaded
