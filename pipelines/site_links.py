"""Hook of MkDocs: README.md as first page, and links that lead out of docs/ kept whole.

On GitHub a page in docs/ links to results and examples by their place in the repository. The site
holds these files, too, under the same place, and links are rewritten to it.
"""

import os.path
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
_FIRST = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#|/)(?P<path>[^)#\s]+)(?P<anchor>#[^)\s]*)?(?=\))")
_BADGE = re.compile(r"^\[!\[.*\]\(\.\./\.\./actions/.*\n", re.MULTILINE)
"""Badges name a place of the hosted repository, which the site knows nothing of."""


def on_files(files: "Files", config: "MkDocsConfig") -> "Files":
    """Add README, the other pages of the root, and every file that pages link to."""
    from mkdocs.structure.files import File, InclusionLevel

    waiting = [*_FIRST, *(f"docs/{file.src_uri}" for file in files.documentation_pages())]
    known = set(waiting)
    while waiting:
        place = waiting.pop()
        if not place.startswith("docs/"):
            files.append(
                File.generated(
                    config,
                    _on_site(place),
                    abs_src_path=str(ROOT / place),
                    inclusion=InclusionLevel.INCLUDED
                    if place in _FIRST
                    else InclusionLevel.NOT_IN_NAV,
                )
            )
        if not place.endswith(".md"):
            continue
        for target in _targets((ROOT / place).read_text(encoding="utf-8"), place):
            if target not in known and (ROOT / target).is_file():
                known.add(target)
                waiting += [] if target.startswith("docs/") else [target]
    return files


def on_page_markdown(markdown: str, page: "Page", config: "MkDocsConfig", files: "Files") -> str:
    """Return a page's text with links that hold on the site."""
    here = page.file.src_uri
    place = _in_repository(here)

    def moved(link: re.Match[str]) -> str:
        target = _on_site(_target(link["path"], place))
        return os.path.relpath(target, PurePosixPath(here).parent) + (link["anchor"] or "")

    return _LINK.sub(moved, _BADGE.sub("", markdown))


def _targets(text: str, place: str) -> Iterator[str]:
    return (_target(link["path"], place) for link in _LINK.finditer(text))


def _target(link: str, place: str) -> str:
    """Return the file in the repository that a link of the page at `place` leads to."""
    target = os.path.normpath(PurePosixPath(place).parent / link)
    return f"{target}/README.md" if (ROOT / target).is_dir() else target


def _on_site(place: str) -> str:
    return "index.md" if place == "README.md" else place.removeprefix("docs/")


def _in_repository(uri: str) -> str:
    if uri == "index.md":
        return "README.md"
    return f"docs/{uri}" if (ROOT / "docs" / uri).is_file() else uri
