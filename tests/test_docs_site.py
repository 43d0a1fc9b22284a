"""The documentation as a site: every link is whole, and it asks no other site for anything."""

import re
from pathlib import Path

import pytest

pytest.importorskip("material", reason="the site needs MkDocs: pip install -e '.[docs]'")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    folder = tmp_path_factory.mktemp("site")
    build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder), strict=True))
    return folder


def test_every_page_of_the_docs_is_there_and_can_be_searched(site: Path) -> None:
    index = (site / "search/search_index.json").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert (site / page.stem / "index.html").is_file()
        assert f'"{page.stem}/"' in index
    start = (site / "index.html").read_text()
    assert "make repro" in start
    assert "docs/report.md" not in re.findall(r'href="([^"]*)"', start), "links are the site's"
    assert (site / "results/cmu3/figures/learning_curves.png").is_file()


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        loaded = re.findall(
            r'<(?:script|link|img)[^>]*(?:src|href)="(https?:)?//', page.read_text()
        )
        assert not loaded, page
