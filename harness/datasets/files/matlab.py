"""MATLAB files of versions 5 to 7.3, both told as MATLAB itself shows the arrays.

Version 7.3 is HDF5 with the dimensions reversed and cells as references; older ones are scipy's.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.runs.errors import HarnessError

# Poses shrink to a third at best; beyond these a small file is made to fill the memory.
_MAX_EXPANSION = 200
_ALWAYS_ADMITTED_BYTES = 64 * 2**20
_MAX_DIMENSIONS = 32


def read_matlab(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Read variables of a MATLAB file.

    Returns:
        By name the array in MATLAB's shape; a cell array is an array of objects, each one an array.

    Raises:
        HarnessError: the file is missing, damaged or of another version, or lacks a variable.
    """
    import h5py

    try:
        found, held = (_hdf5 if h5py.is_hdf5(path) else _version_5)(path, names)
    except Exception as error:  # damaged bytes can be parsed into any error at all
        if not path.is_file():
            raise HarnessError(f"{path}: no such file") from error
        raise HarnessError(
            f"{path}: cannot be read ({error or type(error).__name__}); it is damaged, truncated "
            "or no MATLAB file of version 5 to 7.3, so download it again"
        ) from error
    missing = [name for name in names if name not in found]
    if missing:
        raise HarnessError(
            f"{path}: has no variable {', '.join(missing)} (it has {', '.join(held) or 'none'}); "
            "is this the right file?"
        )
    return found


def _version_5(path: Path, names: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    from scipy.io import loadmat, whosmat
    from scipy.io.matlab import matfile_version

    major, _ = matfile_version(path)
    if major != 1:
        raise ValueError(f"version {'4' if major == 0 else '7.3 without its HDF5 content'}")
    held = [name for name, _, _ in whosmat(path)]
    content = loadmat(path, variable_names=list(names))
    return {name: content[name] for name in names if name in content}, held


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

    limit = max(_ALWAYS_ADMITTED_BYTES, _MAX_EXPANSION * path.stat().st_size)

    def numbers(item: Any) -> NDArray[Any]:
        if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "biuf":
            raise ValueError(f"{item.name} holds no numbers")
        if item.attrs.get("MATLAB_empty", 0):
            return _empty(item)
        if item.nbytes > limit:
            raise ValueError(f"{item.name} claims {item.nbytes:,} bytes")
        return item[()].T

    def value(item: Any) -> NDArray[Any]:
        if not isinstance(item, h5py.Dataset) or h5py.check_ref_dtype(item.dtype) is None:
            return numbers(item)
        cells = np.empty(item.shape, dtype=object)
        for index, reference in np.ndenumerate(item[()]):
            cells[index] = numbers(item.file[reference])
        return cells.T

    with h5py.File(path, "r") as file:
        held = [name for name in file if not name.startswith("#")]
        return {name: value(file[name]) for name in names if name in file}, held
