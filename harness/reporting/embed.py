"""Tables shown inside a page, such as the README, copied from the file that a run wrote.

A page marks the place:

    <!-- table: results/quick/tables/table_01_mpjpe.md -->
    <!-- end of table -->
"""

import re
from pathlib import Path

from harness.foundation.errors import HarnessError
from harness.foundation.files import atomic_file

_PLACE = re.compile(
    r"(?P<begin><!-- table: (?P<source>\S+) -->\n).*?(?P<end><!-- end of table -->)", re.DOTALL
)


def with_tables(page: str, root: Path) -> str:
    """Return `page` with the first table of each file it names, in the places it marks.

    Args:
        page: Markdown text.
        root: the folder that the named files are relative to.

    Raises:
        HarnessError: a file is missing or holds no table.
    """

    def filled(place: re.Match[str]) -> str:
        return place["begin"] + _first_table(root / place["source"]) + place["end"]

    return _PLACE.sub(filled, page)


def embed_tables(page: Path) -> bool:
    """Bring the tables inside `page` up to date and return whether anything changed.

    Raises:
        HarnessError: the page or a file that it names is missing, or the page marks no place.
    """
    if not page.is_file():
        raise HarnessError(f"{page}: no such page")
    before = page.read_text(encoding="utf-8")
    if not _PLACE.search(before):
        raise HarnessError(
            f"{page}: marks no place for a table; add the lines '<!-- table: FILE -->' and "
            "'<!-- end of table -->'"
        )
    after = with_tables(before, page.parent)
    if after != before:
        with atomic_file(page) as stream:
            stream.write(after)
    return after != before


def _first_table(path: Path) -> str:
    if not path.is_file():
        raise HarnessError(f"{path}: no such table; run 'dvc repro'")
    lines = path.read_text(encoding="utf-8").splitlines()
    begin = next((number for number, line in enumerate(lines) if line.startswith("|")), None)
    if begin is None:
        raise HarnessError(f"{path}: holds no table")
    table = []
    for line in lines[begin:]:
        if not line.startswith("|"):
            break
        table.append(re.sub(r"\s{2,}", " ", line))
    return "\n".join(table) + "\n"
