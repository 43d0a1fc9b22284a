"""Empty variables have MATLAB's shape in every version of its files."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from harness.datasets.files.matlab import read_matlab
from harness.foundation.errors import HarnessError


def write_version_73(path: Path, shape: tuple[int, ...], marked: bool = True) -> Path:
    with h5py.File(path, "w", userblock_size=512) as file:
        item = file.create_dataset("points", data=np.array(shape, dtype=np.uint64))
        item.attrs["MATLAB_class"] = np.bytes_("double")
        if marked:
            item.attrs["MATLAB_empty"] = np.uint8(1)
    return path


@pytest.mark.parametrize("shape", [(0, 3), (5, 0), (0, 0), (2, 0, 4)])
def test_an_empty_has_its_shape_in_both_versions(shape: tuple[int, ...], tmp_path: Path) -> None:
    savemat(tmp_path / "five.mat", {"points": np.empty(shape)})
    older = read_matlab(tmp_path / "five.mat", ["points"])["points"]
    newer = read_matlab(write_version_73(tmp_path / "new.mat", shape), ["points"])["points"]
    assert older.shape == newer.shape == shape
    assert newer.dtype == np.float64


def test_an_empty_that_is_none_is_refused(tmp_path: Path) -> None:
    path = write_version_73(tmp_path / "new.mat", (100_000, 100_000))
    with pytest.raises(HarnessError, match=r"is marked as empty, of shape \(100000, 100000\)"):
        read_matlab(path, ["points"])
