"""Stored errors: one Parquet row a frame, from which every other number can be made again.

Columns: clip (int32, the clip's number in the prepared set), frame (int32, within the clip), and a
fixed-size list of float32 by joint for each of the position metrics, in millimetres; NaN where a
metric is undefined (MPJVE of a clip without two neighbouring frames). The conditions of the score
stand as JSON in the schema's metadata.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from harness.foundation.errors import HarnessError
from harness.foundation.files import atomic_file

ROWS_AT_ONCE = 65_536
_CONDITIONS = b"conditions"


@dataclass(frozen=True)
class Errors:
    """Errors as read from their file.

    Attributes:
        conditions: what the score was made under, as JSON text.
        clip: (rows,) number of the clip.
        frame: (rows,) frame within the clip.
        by_metric: metric -> (rows, joints) float32.
    """

    conditions: str
    clip: NDArray[np.int32]
    frame: NDArray[np.int32]
    by_metric: Mapping[str, NDArray[np.float32]]


@dataclass
class ErrorsWriter:
    """Takes errors clip by clip and writes them in large groups; see `write_errors`."""

    writer: pq.ParquetWriter
    schema: pa.Schema
    _waiting: list[list[NDArray[np.generic]]] = field(default_factory=list)
    _rows: int = 0

    def add(
        self, clip: int, frames: NDArray[np.integer], by_metric: Mapping[str, NDArray[np.float32]]
    ) -> None:
        """Append the errors of a clip's scored frames: metric -> (frames, joints)."""
        columns: list[NDArray[np.generic]] = [np.full(len(frames), clip, np.int32)]
        columns.append(frames.astype(np.int32))
        columns.extend(np.ascontiguousarray(by_metric[name]) for name in self.schema.names[2:])
        self._waiting.append(columns)
        self._rows += len(frames)
        if self._rows >= ROWS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what waits as one row group."""
        if not self._waiting:
            return
        columns = [np.concatenate(parts) for parts in zip(*self._waiting, strict=True)]
        arrays = [
            pa.FixedSizeListArray.from_arrays(pa.array(column.ravel()), type=item.type)
            if column.ndim == 2
            else pa.array(column)
            for column, item in zip(columns, self.schema, strict=True)
        ]
        self.writer.write_table(pa.Table.from_arrays(arrays, schema=self.schema))
        self._waiting, self._rows = [], 0


@contextlib.contextmanager
def write_errors(
    path: Path, metrics: Sequence[str], joints: int, conditions: str
) -> Iterator[ErrorsWriter]:
    """Yield a writer of the errors file `path`, which is there once the block ends well.

    Args:
        path: where to.
        metrics: names of the columns of errors.
        joints: joints of each.
        conditions: what the score is made under, as JSON text.

    Raises:
        HarnessError: the place cannot be written.
    """
    value = pa.field("element", pa.float32(), nullable=False)
    columns = [pa.field("clip", pa.int32(), False), pa.field("frame", pa.int32(), False)]
    columns += [pa.field(name, pa.list_(value, joints), False) for name in metrics]
    schema = pa.schema(columns, metadata={_CONDITIONS: conditions.encode()})
    with (
        atomic_file(path, "wb") as stream,
        # Errors are never equal, so a dictionary of them, or what is smallest in a page, would only
        # cost time. Their leading bytes are alike: apart from the others they compress well, which
        # lets a quick method do what a slow one does with whole numbers.
        pq.ParquetWriter(
            stream,
            schema,
            compression="lz4",
            use_dictionary=["clip"],
            write_statistics=["clip", "frame"],
            use_byte_stream_split=[f"{name}.list.element" for name in metrics],
        ) as writer,
    ):
        result = ErrorsWriter(writer, schema)
        yield result
        result.flush()


def read_errors(path: Path, metrics: Sequence[str] | None = None) -> Errors:
    """Read stored errors, of all metrics or of some.

    Raises:
        HarnessError: the file is missing, damaged, or lacks a metric.
    """
    if not path.is_file():
        raise HarnessError(f"{path}: no such file; score the predictions again")
    try:
        schema = pq.read_schema(path)
        stored = [name for name in schema.names if name not in ("clip", "frame")]
        wanted = stored if metrics is None else list(metrics)
        lacking = sorted(set(wanted) - set(stored))
        if lacking:
            raise HarnessError(
                f"{path}: holds no errors of {', '.join(lacking)}, only of {', '.join(stored)}"
            )
        table = pq.read_table(path, columns=["clip", "frame", *wanted])
        return Errors(
            conditions=schema.metadata[_CONDITIONS].decode(),
            clip=table["clip"].to_numpy(),
            frame=table["frame"].to_numpy(),
            by_metric={name: _matrix(table, name) for name in wanted},
        )
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise HarnessError(
            f"{path}: is damaged or not a file of errors ({error}); score the predictions again"
        ) from error


def _matrix(table: pa.Table, name: str) -> NDArray[np.float32]:
    joints = table.schema.field(name).type.list_size
    return table[name].combine_chunks().flatten().to_numpy().reshape(-1, joints)
