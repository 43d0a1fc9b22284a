"""Tables: a header and columns of numbers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.datasets.keypoints.content import Content
from harness.datasets.keypoints.detections import Floats
from harness.foundation.errors import HarnessError

_NOTHING = frozenset(("", "nan", "na", "none", "null"))


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        where: the file; errors begin with it.
        header: names of the columns.
        rows: the lines below it.
    """

    where: str
    header: tuple[str, ...]
    rows: Sequence[Sequence[str]]

    def texts(self, name: str) -> list[str]:
        """Return a column as it stands there."""
        return self.texts_at(self.header.index(name))

    def texts_at(self, column: int) -> list[str]:
        """Return a column by its number, counted from 0."""
        return [row[column].strip() for row in self.rows]

    def numbers(self, name: str) -> Floats:
        """Return a column of numbers; what is left empty is NaN.

        Raises:
            HarnessError: a cell holds something else.
        """
        return self.numbers_at(self.header.index(name))

    def numbers_at(self, column: int) -> Floats:
        """Return a column by its number; returns and raises as `numbers` does."""
        values = []
        for line, text in enumerate(self.texts_at(column)):
            try:
                values.append(np.nan if text.lower() in _NOTHING else float(text))
            except ValueError as error:
                raise HarnessError(
                    f"{self.where}: line {line + 1} below the header, column "
                    f"'{self.header[column]}': '{text}' is no number"
                ) from error
        return np.array(values)

    def whole_numbers(self, name: str) -> NDArray[np.int64]:
        """Return a column of whole numbers.

        Raises:
            HarnessError: a cell holds something else.
        """
        values = self.numbers(name)
        whole = np.isfinite(values) & (values == np.round(values)) & (np.abs(values) < 2**53)
        if not whole.all():
            raise HarnessError(
                f"{self.where}: line {int(np.argmin(whole)) + 1} below the header, column "
                f"'{name}': is no whole number"
            )
        return values.astype(np.int64)


def table_of(content: Content, headers: int = 1) -> Table:
    """Return the rows of a CSV file below its header.

    Args:
        content: the file.
        headers: lines of its header; the last one names the columns.

    Raises:
        HarnessError: there are none, or a row has another number of cells.
    """
    where, rows = str(content.path), content.value
    if len(rows) <= headers:
        raise HarnessError(f"{where}: has no lines below its header; there is nothing to lift")
    width = len(rows[headers - 1])
    for line, row in enumerate(rows):
        if len(row) != width:
            raise HarnessError(
                f"{where}: line {line + 1} has {len(row)} cells, expected {width} as in the header"
            )
    return Table(where, tuple(cell.strip() for cell in rows[headers - 1]), rows[headers:])


def holds(content: Content, columns: Iterable[str]) -> bool:
    """Return whether a CSV file has a header with these columns."""
    if content.kind != "csv" or not content.value:
        return False
    return set(columns) <= {cell.strip() for cell in content.value[0]}
