from pathlib import Path

import pytest

from harness.datasets.importers import importer_called, importer_names, prepare_set
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError


@pytest.mark.parametrize("name", importer_names())
def test_every_importer_says_what_it_is(name: str) -> None:
    importer = importer_called(name)
    assert importer.name == name
    for text in (importer.title, importer.licence, importer.how_to_get):
        assert text
        assert "\n" not in text
    assert importer.settings.model_config["extra"] == "forbid"


def test_an_unknown_data_set_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(
        HarnessError, match="unknown data set 'sinthetic'; did you mean 'synthetic'"
    ):
        importer_called("sinthetic")


def test_an_unknown_option_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"data set synthetic.*'second'.*'seconds'"):
        prepare_set("synthetic", None, tmp_path / "set", {"second": 3})
    assert not (tmp_path / "set").exists()


def test_a_data_set_of_the_users_files_needs_their_folder(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="give their folder with --raw"):
        prepare_set("cmu", None, tmp_path / "set", {})
    with pytest.raises(HarnessError, match=r"nowhere: is not a folder"):
        prepare_set("cmu", tmp_path / "nowhere", tmp_path / "set", {})


def test_options_reach_the_importer(tmp_path: Path) -> None:
    options = {
        "train": ["S1"],
        "validation": [],
        "test": ["S9"],
        "actions": ["Sitting"],
        "takes": 1,
        "seconds": 0.2,
    }
    manifest = prepare_set("synthetic", None, tmp_path / "set", options)
    assert manifest.settings["seconds"] == 0.2
    prepared = PreparedSet(tmp_path / "set")
    assert set(prepared.clips["subject"]) == {"S1", "S9"}
    assert set(prepared.clips["frames"]) == {10}
