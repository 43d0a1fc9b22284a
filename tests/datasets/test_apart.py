"""Whatever reading a file does to the process that reads it, the caller gets one plain error."""

import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import mpi_inf_3dhp_files
import numpy as np
import pytest
from scipy.io import savemat

from harness.datasets.files import apart
from harness.datasets.files.apart import ReaderFailed, read_apart
from harness.datasets.files.matlab import read_matlab
from harness.foundation.budget import Budget
from harness.foundation.errors import HarnessError


@pytest.fixture(autouse=True)
def _readers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a fresh process find the readers beside this file."""
    folders = f"{Path(__file__).parent}:{Path(__file__).parents[2]}"
    monkeypatch.setenv("PYTHONPATH", folders)
    _end()
    yield
    _end()


def _end() -> None:
    if apart._server is not None:
        apart._server.stop()
        apart._server = None


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"something")
    return path


@pytest.mark.parametrize(
    ("reader", "message"),
    [
        ("by_signal", "it ended the process that read it \\(status -11\\)"),
        ("by_exit", "it ended the process that read it \\(status 0\\)"),
        ("hanging", "it takes longer than 1 s to read"),
        ("in_memory", "more memory than a file of its size may"),
        ("in_bulk", "more memory than a file of its size may"),
        ("raising", r"^one\\x1b\[31m two$"),
        ("unknown", "has no attribute"),
    ],
)
def test_a_reader_that_fails_is_one_plain_error_and_the_next_file_is_read(
    file: Path, reader: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(read_apart("dying_readers:numbers", file, "a", "b")) == {"a", "b"}
    if reader == "hanging":
        monkeypatch.setattr(apart, "BUDGET", Budget(least_seconds=1.0))
    begun = time.monotonic()
    with pytest.raises(ReaderFailed, match=message):
        read_apart(f"dying_readers:{reader}", file)
    assert time.monotonic() - begun < 30, "far less than the minute that it would hang"
    monkeypatch.setattr(apart, "BUDGET", Budget())
    found = read_apart("dying_readers:numbers", file, "a")
    np.testing.assert_array_equal(found["a"], [[0, 1, 2], [3, 4, 5]])


def _external(path: Path) -> None:
    with mpi_inf_3dhp_files.version_73(path) as file:
        file["poses"] = h5py.ExternalLink("/etc/passwd", "/x")


def _soft(path: Path) -> None:
    with mpi_inf_3dhp_files.version_73(path) as file:
        file["poses"] = h5py.SoftLink("/elsewhere")


def _external_storage(path: Path) -> None:
    with mpi_inf_3dhp_files.version_73(path) as file:
        stored = [("/etc/passwd", 0, 80)]
        file.create_dataset("poses", (10,), np.float64, external=stored)


def _many_that_add_up(path: Path) -> None:
    """A few kilobytes: cells that all refer to one array of zeros that is not stored."""
    with mpi_inf_3dhp_files.version_73(path) as file:
        zeros = file.create_dataset("#refs#/a", (3_000_000,), np.float64, chunks=(3_000_000,))
        references = np.full((1, 50), zeros.ref, dtype=h5py.ref_dtype)
        file.create_dataset("poses", data=references, dtype=h5py.ref_dtype)


def _structs(path: Path) -> None:
    savemat(path, {"poses": {"a": 1.0}})


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (_external, "poses lies in another file"),
        (_soft, "poses lies in another file or under another name"),
        (_external_storage, "lies in another file"),
        (_many_that_add_up, "claims 24,000,000 bytes, too many for the file"),
        (_structs, "poses holds no numbers"),
    ],
)
def test_matlab_files_that_ask_for_more_than_they_hold_are_refused(
    tmp_path: Path, write: object, message: str
) -> None:
    write(tmp_path / "file.mat")  # type: ignore[operator]
    with pytest.raises(HarnessError, match=message):
        read_matlab(tmp_path / "file.mat", ["poses"])


def test_an_empty_array_has_its_shape_in_both_versions(tmp_path: Path) -> None:
    savemat(tmp_path / "5.mat", {"poses": np.empty((0, 3))})
    with mpi_inf_3dhp_files.version_73(tmp_path / "73.mat") as file:
        file["poses"] = np.array([0, 3], np.uint64)  # as MATLAB stores it
        file["poses"].attrs["MATLAB_empty"] = np.uint8(1)
    for name in ("5.mat", "73.mat"):
        assert read_matlab(tmp_path / name, ["poses"])["poses"].shape == (0, 3)
