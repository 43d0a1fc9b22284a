"""Text of old formats: mostly ASCII, names and comments in whatever the program had."""

import re
from collections.abc import Iterator
from pathlib import Path

from harness.foundation.errors import HarnessError
from harness.foundation.files import read_bytes


def read_old_text(path: Path, limit: int, remedy: str) -> str:
    """Return a file's text, in UTF-8 or, where it is none, in Latin-1.

    Args:
        path: the file.
        limit: bytes that it may have.
        remedy: what to do where it is missing.

    Raises:
        HarnessError: the file is missing, cannot be read, is too large or is no text.
    """
    too_large = "no recorded motion is; cut it into several files"
    content = read_bytes(path, limit, too_large, remedy)
    if b"\0" in content:
        raise HarnessError(
            f"{path}: is not a text file (byte {content.index(0)} is zero); download it again"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def lines_of(text: str) -> Iterator[str]:
    """Yield the lines of a text, ended as on any system, without keeping all of them.

    str.splitlines would also split at letters of Latin-1.
    """
    start = 0
    for end in re.finditer(r"\r?\n|\r", text):
        yield text[start : end.start()]
        start = end.end()
    yield text[start:]
