"""SHA-256 sums of files of the CMU database: those that ship, and how they are written."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources


@cache
def shipped_sums() -> Mapping[str, str]:
    """Return the known sums by path below the database's folder `subjects`, "02/02_01.amc"."""
    text = resources.files("harness.datasets.cmu").joinpath("sha256.txt").read_text("ascii")
    return dict(parsed_sums(text))


def parsed_sums(text: str) -> Iterator[tuple[str, str]]:
    """Yield (file, SHA-256) from the form that sha256sum writes; other lines are comments."""
    for line in text.splitlines():
        found = re.fullmatch(r"([0-9a-f]{64})  (\S+)", line)
        if found:
            yield found[2], found[1]
