import subprocess
from pathlib import Path

import pytest

from harness.foundation.errors import HarnessError
from harness.foundation.settings import load_settings
from harness.reporting.embed import embed_tables, with_tables
from harness.reporting.metric_table import metric_table
from harness.reporting.profile_tables import runs_of_profile
from harness.reporting.table_parts import write_page

ROOT = Path(__file__).resolve().parents[2]
PAGE = "# Page\n<!-- table: scores.md -->\nold\n<!-- end of table -->\nafter\n"


PAGES = ("docs/method.md", "docs/results.md")


def skip_if_made_again(page: Path) -> None:
    """Skip where a rerun here, on another processor say, has replaced the committed results."""
    told = subprocess.run(
        ["git", "status", "--porcelain", "--", "results", str(page)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode:
        pytest.skip("no git here: whether results were made again since the page cannot be told")
    changed = told.stdout.splitlines()
    if any("results/" in line for line in changed) and not any(
        page.name in line for line in changed
    ):
        pytest.skip("results were made again here; 'harness tables --into' brings them to the page")


@pytest.mark.parametrize("name", PAGES)
def test_pages_show_the_tables_that_runs_wrote(name: str) -> None:
    path = ROOT / name
    skip_if_made_again(path)
    page = path.read_text(encoding="utf-8")
    assert "<!-- table: " in page
    assert with_tables(page, path.parent) == page, f"run 'harness tables --into {name}'"


def test_the_readme_shows_the_table_of_the_committed_runs(tmp_path: Path) -> None:
    skip_if_made_again(ROOT / "README.md")
    results = tmp_path / "results"
    results.mkdir()
    for committed in ("reference", "cmu"):
        (results / committed).symlink_to(ROOT / "results" / committed)
    settings = load_settings(ROOT / "params.yaml")
    write_page(metric_table(runs_of_profile(settings, "quick", results)), results / "quick/tables")
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "<!-- table: " in page
    assert with_tables(page, tmp_path) == page, "run 'harness tables --into README.md'"


def test_first_table_replaces_what_stood_there(tmp_path: Path) -> None:
    (tmp_path / "scores.md").write_text(
        "# Head\n\n| a   | b |\n|:----|--:|\n| x   | 1 |\n\n| y |\n"
    )
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    assert embed_tables(page)
    assert page.read_text() == PAGE.replace("old\n", "| a | b |\n|:----|--:|\n| x | 1 |\n")
    assert not embed_tables(page), "the second time there is nothing to change"


@pytest.mark.parametrize(
    ("page", "source", "expected"),
    [
        (PAGE, None, "no such table"),
        (PAGE, "no pipes", "holds no table"),
        ("", "| a |", "no place"),
    ],
)
def test_what_cannot_be_shown_is_said(
    tmp_path: Path, page: str, source: str | None, expected: str
) -> None:
    (tmp_path / "page.md").write_text(page)
    if source is not None:
        (tmp_path / "scores.md").write_text(source)
    with pytest.raises(HarnessError, match=expected):
        embed_tables(tmp_path / "page.md")
    assert (tmp_path / "page.md").read_text() == page
