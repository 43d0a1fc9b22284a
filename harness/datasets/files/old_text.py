"""Text of old formats: mostly ASCII, names and comments in whatever the program had."""

import re
from collections.abc import Iterator
from pathlib import Path

from harness.foundation.errors import HarnessError


def read_old_text(path: Path, limit: int, remedy: str) -> str:
    """Return a file's text, in UTF-8 or, where it is none, in Latin-1.

    Args:
        path: the file.
        limit: bytes that it may have.
        remedy: what to do where it is missing.

    Raises:
        HarnessError: the file is missing, cannot be read, is too large or is no text.
    """
    try:
        with path.open("rb") as stream:
            content = bytearray()  # in blocks: Python makes room for all that a read asks for
            while len(content) <= limit and (block := stream.read(2**20)):
                content += block
    except FileNotFoundError as error:
        raise HarnessError(f"{path}: no such file; {remedy}") from error
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read ({error.strerror})") from error
    if len(content) > limit:
        raise HarnessError(
            f"{path}: is larger than {limit:,} bytes, which no recorded motion is; cut it into "
            "several files"
        )
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
