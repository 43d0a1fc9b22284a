"""What counts as a change of a method: its code and the code it imports, not its prose."""

import sys
from pathlib import Path

import pytest

from harness.foundation.errors import HarnessError
from harness.foundation.sources import source_hashes

FILES = {
    "__init__.py": "",
    "first.py": '"""Prose."""\nfrom toy.shared import twice\n\n\ndef one():\n    return twice(1)\n',
    "second.py": "import toy.shared\n\n\ndef two():\n    return toy.shared.twice(2)\n",
    "shared.py": 'def twice(x):\n    """Double it."""\n    return 2 * x\n',
    "unused.py": "raise RuntimeError('sources are read, never run')\n",
}


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "toy"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def hashes(module: str) -> dict[str, str]:
    return source_hashes([module], ["toy"])


def test_imports_are_followed_and_nothing_is_run(toy: Path) -> None:
    assert {"toy.first", "toy.shared"} <= set(hashes("toy.first"))
    assert "toy.unused" not in hashes("toy.first")
    assert "toy.second" not in hashes("toy.first")
    assert set(source_hashes(["toy.unused"], ["toy"])) == {"toy.unused"}
    assert "toy.unused" not in sys.modules


def test_a_change_of_code_reaches_all_that_import_it(toy: Path) -> None:
    before = hashes("toy.first"), hashes("toy.second")
    (toy / "shared.py").write_text(FILES["shared.py"].replace("2 * x", "x + x"))
    assert hashes("toy.first") != before[0]
    assert hashes("toy.second") != before[1]


def test_a_change_of_one_module_leaves_its_siblings_alone(toy: Path) -> None:
    before = hashes("toy.first"), hashes("toy.second")
    (toy / "second.py").write_text(FILES["second.py"].replace("(2)", "(3)"))
    assert hashes("toy.first") == before[0]
    assert hashes("toy.second") != before[1]


def test_prose_and_layout_are_no_change(toy: Path) -> None:
    before = hashes("toy.first")
    text = FILES["first.py"].replace("Prose.", "Other prose.").replace("\n\n\n", "\n# why\n\n\n")
    (toy / "first.py").write_text(text)
    (toy / "shared.py").write_text(FILES["shared.py"].replace("Double it.", "Return x + x."))
    assert hashes("toy.first") == before


def test_relative_imports_are_followed(toy: Path) -> None:
    (toy / "second.py").write_text("from . import shared\nfrom .first import one\n")
    assert {"toy.first", "toy.second", "toy.shared"} <= set(hashes("toy.second"))


def test_an_unknown_module_is_named(toy: Path) -> None:
    with pytest.raises(HarnessError, match=r"toy\.missing"):
        source_hashes(["toy.missing"], ["toy"])
