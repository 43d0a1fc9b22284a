"""The index of a prepared set and of predictions: a row a clip, written and read by one schema."""

from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from harness.foundation.budget import BUDGET
from harness.foundation.errors import HarnessError
from harness.foundation.files import atomic_file
from harness.foundation.shown import cell, shown

Split = Literal["train", "validation", "test"]

CLIP_COLUMNS = {
    "clip": "int32",
    "subject": "string",
    "action": "string",
    "subaction": "string",
    "camera": "string",
    "split": "string",
    "fps": "float64",
    "first_row": "int64",
    "frames": "int64",
}

_IDENTITY = ["subject", "action", "subaction", "camera"]
_MOST_FRAMES = 2**40  # their sum must fit into an integer


def name_problem(column: str, name: str) -> str:
    """Say why a subject, action, subaction, camera or split cannot be called so; "" where it can.

    Args:
        column: what it is a name of.
        name: the name.
    """
    if cell(name) == name:
        return ""
    return (
        f"{column} '{shown(name)}' is no plain name: letters and digits first, one line, nothing "
        "that does not print"
    )


def write_clips(path: Path, clips: pd.DataFrame) -> None:
    """Write a table of clips.

    Raises:
        HarnessError: it is no such table, or the place cannot be written.
    """
    clips = clips[list(CLIP_COLUMNS)].astype(CLIP_COLUMNS)
    _check(path, clips, "name them otherwise")
    with atomic_file(path, "wb") as stream:
        clips.to_parquet(stream, index=False)


def read_clips(path: Path, remedy: str) -> pd.DataFrame:
    """Read a table of clips.

    Args:
        path: the file.
        remedy: what to do where it is unusable, such as "predict again".

    Raises:
        HarnessError: the file is missing, damaged, or says what no set can hold.
    """
    try:
        file = pq.ParquetFile(path)
        _check_claims(path, file.metadata, remedy)
        table = file.read()
        table.validate(full=True)  # text that is none would only fail where it is used
        clips = table.to_pandas().astype(CLIP_COLUMNS)
    except HarnessError:
        raise
    except Exception as error:  # damaged bytes can be parsed into any error at all
        raise HarnessError(f"{path}: cannot be read ({shown(error)}); {remedy}") from error
    _check(path, clips, remedy)
    return clips


def _check_claims(path: Path, claimed: pq.FileMetaData, remedy: str) -> None:
    """Raise where the file says that it holds other columns, or far more than its bytes can."""
    names = claimed.schema.to_arrow_schema().names
    if names != list(CLIP_COLUMNS):
        raise HarnessError(
            f"{path}: has columns {shown(names)}, expected {list(CLIP_COLUMNS)}; {remedy}"
        )
    rows = claimed.num_rows
    size = sum(claimed.row_group(n).total_byte_size for n in range(claimed.num_row_groups))
    if rows > BUDGET.items or size > BUDGET.unpacked(path.stat().st_size):
        raise HarnessError(
            f"{path}: claims {rows:,} clips in {size:,} bytes, more than a file of this size holds"
        )


def _check(path: Path, clips: pd.DataFrame, remedy: str) -> None:
    problem = next(iter(_problems(clips)), None)
    if problem is not None:
        raise HarnessError(f"{path}: {problem}; {remedy}")


def _problems(clips: pd.DataFrame) -> list[str]:
    """Return what makes a table of the right columns and types unusable."""
    if clips.isna().to_numpy().any():
        column = clips.columns[clips.isna().any()][0]
        return [f"lacks {column} of a clip"]
    problems: list[str] = []
    for column in (*_IDENTITY, "split"):
        problems += filter(None, (name_problem(column, name) for name in clips[column].unique()))
    for split in set(clips["split"]) - set(get_args(Split)):
        problems.append(f"'{shown(split)}' is no split ({', '.join(get_args(Split))})")
    if clips.duplicated(_IDENTITY).any():
        twice: Any = clips[clips.duplicated(_IDENTITY)].iloc[0]
        problems.append(f"clip {' '.join(twice[_IDENTITY])} comes twice")
    frames, fps = clips["frames"].to_numpy(), clips["fps"].to_numpy()
    if (frames < 1).any() or (frames > _MOST_FRAMES).any():
        problems.append("a clip has no frames or more than any video")
    elif (clips["first_row"].to_numpy() != np.cumsum(frames) - frames).any():
        problems.append("first_row does not count the rows of the clips one after the other")
    if not (np.isfinite(fps) & (fps > 0)).all():
        problems.append("a frame rate is no positive number")
    if (clips["clip"] < 0).any() or clips["clip"].duplicated().any():
        problems.append("the numbers of the clips are negative or come twice")
    return problems
