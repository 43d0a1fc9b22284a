"""MATLAB files of versions 5 to 7.3, both told as MATLAB itself shows the arrays.

Version 7.3 is HDF5 with the dimensions reversed and cells as references; older ones are scipy's.
Both are read in a process of their own: what a damaged file makes of a library ends there.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.datasets.files.apart import ReaderFailed, read_apart
from harness.foundation.budget import BUDGET
from harness.foundation.errors import HarnessError

_MAX_DIMENSIONS = 32


def read_matlab(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Read variables of a MATLAB file.

    Returns:
        By name the array in MATLAB's shape; a cell array is an array of objects, each one an array.

    Raises:
        HarnessError: the file is missing, damaged or of another version, lacks a variable, or takes
            more time or memory than its size allows.
    """
    if not path.is_file():
        raise HarnessError(f"{path}: no such file")
    try:
        found = read_apart(f"{__name__}:variables", path, *names)
    except ReaderFailed as error:
        raise HarnessError(
            f"{path}: cannot be read ({error}); it is damaged, truncated "
            "or no MATLAB file of version 5 to 7.3, so download it again"
        ) from error
    held = found.pop(_HELD)
    missing = [name for name in names if name not in found]
    if missing:
        raise HarnessError(
            f"{path}: has no variable {', '.join(missing)} (it has {', '.join(held) or 'none'}); "
            "is this the right file?"
        )
    return found


_HELD = "names of all variables"  # no variable has blanks in its name


def variables(path: Path, *names: str) -> dict[str, Any]:
    """Return those variables that a file has and, as `_HELD`, the names of all; may raise anything.

    Called in a process of its own.
    """
    import h5py

    found, held = (_hdf5 if h5py.is_hdf5(path) else _version_5)(path, names)
    return {**found, _HELD: held}


def _version_5(path: Path, names: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    from scipy.io import loadmat, whosmat
    from scipy.io.matlab import matfile_version

    major, _ = matfile_version(path)
    if major != 1:
        raise ValueError(f"version {'4' if major == 0 else '7.3 without its HDF5 content'}")
    told = whosmat(path)
    numbers = sum(math.prod(shape) for name, shape, _ in told if name in names)
    if numbers > BUDGET.unpacked(path.stat().st_size):
        raise ValueError(f"it claims {numbers:,} numbers")
    content = loadmat(path, variable_names=list(names))
    found = {name: content[name] for name in names if name in content}
    for name, value in found.items():
        _check_kind(name, value)
    return found, [name for name, _, _ in told]


def _check_kind(name: str, value: Any) -> None:
    if not isinstance(value, np.ndarray):
        raise ValueError(f"{name} is no array")
    if value.dtype.kind == "O" and value.dtype.names is None:
        for cell in value.ravel():
            _check_kind(f"a cell of {name}", cell)
    elif value.dtype.kind not in "biufU":
        raise ValueError(f"{name} holds no numbers")


def _empty(item: Any) -> NDArray[Any]:
    """Return an empty array in its shape, which version 7.3 writes in place of its values."""
    if item.size > _MAX_DIMENSIONS:
        raise ValueError(f"{item.name} has {item.size} dimensions")
    shape = tuple(int(length) for length in item[()].ravel())
    if 0 not in shape:
        raise ValueError(f"{item.name} is marked as empty, of shape {shape}")
    return np.empty(shape)


def _hdf5(path: Path, names: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    import h5py

    left = BUDGET.unpacked(path.stat().st_size)

    def numbers(item: Any) -> NDArray[Any]:
        nonlocal left
        if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "biuf":
            raise ValueError(f"{item.name} holds no numbers")
        if item.external or item.is_virtual:
            raise ValueError(f"{item.name} lies in another file")
        left -= item.nbytes
        if left < 0:
            raise ValueError(f"{item.name} claims {item.nbytes:,} bytes, too many for the file")
        if item.attrs.get("MATLAB_empty", 0):
            return _empty(item)
        return item[()].T

    def value(item: Any) -> NDArray[Any]:
        nonlocal left
        if not isinstance(item, h5py.Dataset) or h5py.check_ref_dtype(item.dtype) is None:
            return numbers(item)
        left -= item.nbytes
        if left < 0 or item.external or item.is_virtual:
            raise ValueError(f"{item.name} claims too many bytes or lies in another file")
        cells = np.empty(item.shape, dtype=object)
        for index, reference in np.ndenumerate(item[()]):
            cells[index] = numbers(item.file[reference])
        return cells.T

    with h5py.File(path, "r") as file:
        held = [name for name in file if not name.startswith("#")]
        for name in held:
            if not isinstance(file.get(name, getlink=True), h5py.HardLink):
                raise ValueError(f"{name} lies in another file or under another name")
        return {name: value(file[name]) for name in names if name in held}, held
