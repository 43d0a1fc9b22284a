"""CDF files, as Human3.6M's original poses are, read in a process of their own."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.datasets.files.apart import ReaderFailed, read_apart
from harness.foundation.errors import HarnessError


def read_cdf(path: Path, name: str) -> NDArray[Any]:
    """Read a variable of a CDF file.

    Raises:
        HarnessError: the file is missing, damaged, lacks the variable, or takes more time or memory
            than its size allows.
    """
    if not path.is_file():
        raise HarnessError(f"{path}: no such file")
    try:
        return read_apart(f"{__name__}:variable", path, name)[name]
    except ReaderFailed as error:
        raise HarnessError(
            f"{path}: variable {name} cannot be read ({error}); "
            "the file is damaged, truncated or no CDF file, so download it again"
        ) from error


def variable(path: Path, name: str) -> dict[str, NDArray[Any]]:
    """Return a variable by its name; may raise anything. Called in a process of its own."""
    import cdflib

    values = np.asarray(cdflib.CDF(path).varget(name))
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{name} holds no numbers")
    return {name: values}
