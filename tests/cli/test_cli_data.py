"""`harness data`: list, prepare, inspect and fetch as a user types them."""

import json
import shutil
from pathlib import Path

import custom_files
import pytest
import yaml
from click.testing import CliRunner, Result

from harness.cli.data import data
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError


def run(*arguments: str) -> Result:
    """Run the command; a user's mistake is raised, as `harness.cli.main` expects it."""
    result = CliRunner().invoke(data, arguments)
    if isinstance(result.exception, HarnessError):
        raise result.exception
    return result


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def cmu_set(tiny_cmu: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "tiny"
    options = 'train=["01_01"]', "validation=[]", 'test=["02"]'
    arguments = [part for option in options for part in ("--set", option)]
    result = run("prepare", "cmu", "--raw", str(tiny_cmu), "--out", str(out), *arguments)
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture
def with_set(place: Path, cmu_set: Path) -> Path:
    shutil.copytree(cmu_set, place / "data/prepared/tiny")
    return place


def write_params(place: Path, options: dict[str, object]) -> None:
    profile = {
        "dataset": {"name": "cmu", "options": options},
        "input_2d": "detected",
        "flip_test": True,
        "protocols": ["h36m17-actionwise"],
        "models": {"martinez": {}},
    }
    values = {
        "profile": "motion",
        "seeds": [0],
        "models": ["martinez"],
        "profiles": {"motion": profile},
    }
    (place / "params.yaml").write_text(yaml.safe_dump(values))


def test_list_shows_every_data_set_and_what_is_prepared(with_set: Path) -> None:
    result = run("list")
    assert result.exit_code == 0
    for line in ("cmu: CMU mocap", "prepared: data/prepared/tiny", "prepared: no"):
        assert line in result.output
    rows = {row["name"]: row for row in json.loads(run("list", "--format", "json").stdout)}
    assert {"cmu", "h36m", "synthetic"} <= set(rows)
    assert rows["cmu"]["prepared"] == ["data/prepared/tiny"]
    assert rows["cmu"]["needs_raw"] is True
    assert rows["synthetic"]["needs_raw"] is False
    assert all(row["licence"] and row["how_to_get"] for row in rows.values())


def test_prepare_writes_the_set_and_links_the_raw_folder(place: Path, tiny_cmu: Path) -> None:
    result = run("prepare", "cmu", "--raw", str(tiny_cmu))
    assert result.exit_code == 0
    prepared = PreparedSet(Path("data/prepared/cmu"))
    assert f"{len(prepared.clips)} clips, {prepared.rows} frames" in result.output
    assert prepared.data_hash[:12] in result.output
    assert "01_14: left out 2053-2060" in result.output
    assert "linked data/raw/cmu to" in result.output
    assert Path("data/raw/cmu").resolve() == tiny_cmu.resolve()
    again = run("prepare", "cmu")  # the link is found without --raw
    assert prepared.data_hash[:12] in again.output


def test_prepare_elsewhere_links_nothing(place: Path, tiny_cmu: Path) -> None:
    result = run("prepare", "cmu", "--raw", str(tiny_cmu), "--out", "mine")
    assert result.exit_code == 0
    assert "linked" not in result.output
    assert not (place / "data/raw/cmu").exists()


def test_prepare_with_a_profile_uses_its_options_and_its_folders(
    place: Path, tiny_cmu: Path
) -> None:
    write_params(place, {"train": ["01_01"], "validation": [], "test": ["02_01"], "fps": 25})
    result = run("prepare", "cmu", "--profile", "motion", "--raw", str(tiny_cmu))
    assert result.exit_code == 0
    assert set(PreparedSet(Path("data/prepared/motion")).clips["fps"]) == {25.0}
    assert Path("data/raw/motion").resolve() == tiny_cmu.resolve()


def test_prepare_keeps_a_raw_folder_that_is_already_there(place: Path, tiny_cmu: Path) -> None:
    own = place / "data/raw/cmu"
    own.mkdir(parents=True)
    result = run("prepare", "cmu", "--raw", str(tiny_cmu))
    assert "data/raw/cmu stays as it is" in result.output
    assert not own.is_symlink()


def test_prepare_mends_a_link_that_leads_nowhere(place: Path, tiny_cmu: Path) -> None:
    (place / "data/raw").mkdir(parents=True)
    (place / "data/raw/cmu").symlink_to(place / "gone")
    run("prepare", "cmu", "--raw", str(tiny_cmu))
    assert Path("data/raw/cmu").resolve() == tiny_cmu.resolve()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prepare", "cmo"], "unknown data set 'cmo'; did you mean 'cmu'"),
        (["prepare", "cmu"], "give their folder with --raw"),
        (["prepare", "cmu", "--raw", "gone"], "gone: is not a folder"),
        (["prepare", "cmu", "--set", "fps"], "expected KEY=VALUE"),
        (["prepare", "cmu", "--set", "fps=["], "not valid YAML"),
        (
            ["prepare", "cmu", "--raw", ".", "--set", "fsp=25"],
            "unknown key 'fsp'; did you mean 'fps'",
        ),
        (["prepare", "cmu", "--profile", "x", "--set", "fps=25"], "exclude each other"),
        (["prepare", "cmu", "--profile", "x"], r"params\.yaml: no such file"),
        (["inspect", "cmu"], "is not a prepared data set"),
        (["fetch", "h36m", "--subjects", "01"], "data set h36m cannot be downloaded"),
        (["fetch", "cmu"], "say what to download"),
        (["fetch", "cmu", "--subjects", "one"], "'one' names no subject"),
    ],
)
def test_mistakes_end_in_a_plain_error_and_write_nothing(
    arguments: list[str], message: str, place: Path
) -> None:
    with pytest.raises(HarnessError, match=message):
        run(*arguments)
    assert list(place.iterdir()) == []


def test_a_profile_of_another_data_set_is_refused(place: Path) -> None:
    write_params(place, {})
    with pytest.raises(HarnessError, match="profile motion uses data set cmu, not h36m"):
        run("prepare", "h36m", "--profile", "motion")


def test_inspect_prints_the_set_and_draws_it_outside_the_set(with_set: Path) -> None:
    before = sorted((with_set / "data").rglob("*"))
    result = run("inspect", "tiny")
    assert result.exit_code == 0
    for part in (
        "CMU mocap (cmu)",
        "Playground-jumps",
        "LHip - LKnee",
        "detected",
        "mocap.cs.cmu.edu",
    ):
        assert part in result.stdout
    assert "results/inspect/tiny.png" in result.stderr
    assert (with_set / "results/inspect/tiny.png").read_bytes().startswith(b"\x89PNG")
    assert sorted((with_set / "data").rglob("*")) == before


def test_inspect_takes_a_path_and_prints_json(place: Path, cmu_set: Path) -> None:
    result = run("inspect", str(cmu_set), "--format", "json", "--picture", "here.png")
    found = json.loads(result.stdout)
    assert found["clips"] == 8
    assert {count["name"] for count in found["counts"] if count["by"] == "split"} == {
        "train",
        "test",
    }
    assert Path("here.png").exists()


def test_fetch_says_when_the_network_is_closed(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(HarnessError, match="cannot be reached"):
        run("fetch", "cmu", "--subjects", "01", "--base-url", "http://127.0.0.1:9/subjects")
    assert not list(place.rglob("*.asf"))


def test_data_of_ones_own_is_prepared_listed_and_inspected(place: Path) -> None:
    custom_files.write(place / "raw", custom_files.description())
    result = run("prepare", "custom", "--raw", "raw", "--out", "data/prepared/birds")
    assert "prepared Birds in a cage in data/prepared/birds: 6 clips, 72 frames" in result.output
    listed = {
        row["name"]: row["prepared"] for row in json.loads(run("list", "--format", "json").output)
    }
    assert listed["custom"] == ["data/prepared/birds"]
    assert listed["h36m"] == []
    assert "bird_5" in run("inspect", "birds").output
