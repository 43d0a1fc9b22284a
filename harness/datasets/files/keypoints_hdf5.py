"""HDF5 files of keypoints: DeepLabCut's tables, as pandas writes them, and SLEAP's analysis.

Both are read in a process of their own: what a damaged file makes of the library ends there. pandas
keeps the names of columns as a pickle, which is read as plain values, and nothing in it runs.
"""

import io
from pathlib import Path
from typing import Any

from harness.datasets.files.apart import ReaderFailed, read_apart
from harness.datasets.files.safe_pickle import load_plain_pickle
from harness.foundation.budget import BUDGET
from harness.foundation.errors import HarnessError

_LEVELS = {3: ("bodyparts", "coords"), 4: ("individuals", "bodyparts", "coords")}
_NUMBERS = {"tracks": True, "point_scores": False}
_TEXTS = {"node_names": True, "track_names": False}
"""Of SLEAP's analysis, and whether they must be there."""


def read_names(path: Path) -> list[str]:
    """Return the names of what lies at the top of an HDF5 file.

    Raises:
        HarnessError: it is damaged or none.
    """
    return _read("names", path)["names"]


def read_pandas_table(path: Path) -> dict[str, Any]:
    """Read a table that DeepLabCut wrote by pandas.

    Returns:
        "frames" (frames,), a list of text where they are not numbered; "values" (frames, columns);
        and for each column its name in the lists "bodyparts" and "coords" and, where there are
        several, "individuals".

    Raises:
        HarnessError: it is damaged or of another form.
    """
    return _read("pandas_table", path)


def read_sleap(path: Path) -> dict[str, Any]:
    """Read SLEAP's analysis.

    Returns:
        "tracks" (tracks, 2, nodes, frames) pixels, "node_names", and where they are there
        "point_scores" (tracks, nodes, frames) and "track_names".

    Raises:
        HarnessError: it is damaged or of another form.
    """
    return _read("sleap", path)


def _read(reader: str, path: Path) -> dict[str, Any]:
    try:
        return read_apart(f"{__name__}:{reader}", path)
    except ReaderFailed as error:
        raise HarnessError(
            f"{path}: cannot be read ({error}); it is damaged, truncated or no HDF5 file of "
            "keypoints, so export it again, as CSV where it stays so"
        ) from error


# What follows is called in a process of its own, and may raise anything.


def names(path: Path) -> dict[str, Any]:
    """Return "names", of what lies at the top of the file."""
    import h5py

    with h5py.File(path, "r") as file:
        return {"names": sorted(file)}


def pandas_table(path: Path) -> dict[str, Any]:
    """Return what `read_pandas_table` does."""
    import h5py

    with h5py.File(path, "r") as file:
        key = next(iter(file))
        if f"{key}/table" not in file or "non_index_axes" not in file[key].attrs:
            raise ValueError("it is no table of pandas, as DeepLabCut writes one")
        table = _own(file, f"{key}/table")
        axes = _plain(file[key].attrs["non_index_axes"])
        blocks = [name for name in table.dtype.names if name != "index"]
        if len(blocks) != 1:
            raise ValueError(f"it has {len(blocks)} blocks of values, expected one of numbers")
        # A block may have an order of its own.
        held = _plain(table.attrs[f"{blocks[0]}_kind"])
        rows = table[()]
    columns = axes[0][1]
    levels = _LEVELS.get(len(columns[0]))
    if levels is None:
        raise ValueError(f"its columns have {len(columns[0])} names each, expected 3 or 4")
    values = rows[blocks[0]].reshape(len(rows), -1)
    if values.shape[1] != len(columns) or sorted(held) != sorted(columns):
        raise ValueError(f"it has {values.shape[1]} columns of values for {len(columns)} names")
    texts = list(zip(*columns, strict=True))[1:]
    found = {level: list(text) for level, text in zip(levels, texts, strict=True)}
    places = [held.index(column) for column in columns]
    frames = rows["index"]
    if frames.dtype.kind not in "iu":
        frames = [_text(name) for name in frames]
    return {"frames": frames, "values": values[:, places], **found}


def sleap(path: Path) -> dict[str, Any]:
    """Return what `read_sleap` does."""
    import h5py

    found: dict[str, Any] = {}
    with h5py.File(path, "r") as file:
        for name, needed in {**_NUMBERS, **_TEXTS}.items():
            if needed or name in file:
                values = _own(file, name)[()]
                found[name] = [_text(item) for item in values.ravel()] if name in _TEXTS else values
    return found


def _own(file: Any, name: str) -> Any:
    """Return a dataset that lies in this file and is no larger than its file may unpack to."""
    import h5py

    item = file[name]
    if not isinstance(item, h5py.Dataset):
        raise ValueError(f"{name} is no array")
    if item.external or item.is_virtual or item.file.filename != file.filename:
        raise ValueError(f"{name} lies in another file")
    if item.nbytes > BUDGET.unpacked(Path(file.filename).stat().st_size):
        raise ValueError(f"{name} claims {item.nbytes:,} bytes, too many for the file")
    return item


def _text(item: Any) -> str:
    return item.decode() if isinstance(item, bytes) else str(item)


def _plain(pickled: bytes) -> Any:
    return load_plain_pickle(io.BytesIO(bytes(pickled)), "the names of its columns")
