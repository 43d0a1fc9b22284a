"""Commands on a fresh clone: committed runs stand in for models that were not run here."""

import shutil
from functools import partial
from pathlib import Path

import pytest
from stored_runs import write_run as write_any_run

from harness.cli.main import main
from harness.reporting.regression.check import other_runs
from harness.reporting.regression.kept_runs import keep_runs
from harness.reporting.regression.reference_update import update_references
from harness.reporting.stored.run_folders import all_run_folders, committed_runs, run_folders
from harness.reporting.stored.run_report import find_run

PARAMS = """
profile: quick
seeds: [0]
models: [dgnet, semgcn]
profiles:
  quick:
    dataset: {name: synthetic}
    input_2d: detected
    flip_test: true
    protocols: [h36m17-actionwise]
    models: {dgnet: {}, semgcn: {}}
"""
RESULTS = Path("results")
write_run = partial(write_any_run, precision="64-true")
KEPT = committed_runs(RESULTS, "quick")


@pytest.fixture(autouse=True)
def _clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder as `git clone` leaves it: references and the runs beside them, no run of its own."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PARAMS)
    KEPT.mkdir(parents=True)
    for model, error in (("dgnet", 50.0), ("semgcn", 60.0)):
        (write_run(RESULTS, model, 0, mpjpe=error) / "model.safetensors").write_bytes(b"weights")
    update_references("quick", RESULTS, ["dgnet", "semgcn"], [0])
    assert list(keep_runs(RESULTS, "quick", ["dgnet", "semgcn"])) == ["dgnet-seed0", "semgcn-seed0"]
    shutil.rmtree(RESULTS / "quick")


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert (ended.value.code or 0) == code
    output = capsys.readouterr()
    return output.out, output.err


def test_compare_works_and_says_whose_numbers_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = said(capsys, "compare", "dgnet", "semgcn", "--format", "csv")
    assert "average" in out
    assert err == (
        "not run here, so committed results are shown: quick/dgnet-seed0, quick/semgcn-seed0\n"
    )
    assert "(committed, not run here)" in said(capsys, "show", "quick/dgnet-seed0")[0]


def test_a_model_that_was_run_here_is_shown_as_run_here(capsys: pytest.CaptureFixture[str]) -> None:
    here = write_run(RESULTS, "dgnet", 1, mpjpe=45.0)
    assert run_folders(RESULTS, "quick") == {
        "dgnet-seed1": here,
        "semgcn-seed0": KEPT / "semgcn-seed0",
    }
    assert list(all_run_folders(RESULTS)) == ["quick/dgnet-seed1", "quick/semgcn-seed0"]
    assert find_run("quick/dgnet-seed1") == here
    assert find_run("quick/dgnet-seed0") == KEPT / "dgnet-seed0", "it was asked for by name"
    _, err = said(capsys, "compare", "dgnet", "semgcn", "--seeds", "all")
    assert err.endswith("shown: quick/semgcn-seed0\n")


def test_what_is_kept_is_small_and_changes_only_with_what_it_says() -> None:
    assert sorted(path.name for path in KEPT.rglob("*") if path.is_file()) == sorted(
        2 * ["run.json", "score.json", "sequences.csv", "metrics.json"]
    )
    before = (KEPT / "dgnet-seed0/run.json").read_bytes()
    write_run(RESULTS, "dgnet", 0, mpjpe=50.0001)
    assert not list(keep_runs(RESULTS, "quick", ["dgnet"]))
    assert (KEPT / "dgnet-seed0/run.json").read_bytes() == before, "another time is no news"
    write_run(RESULTS, "dgnet", 0, mpjpe=51.0)
    write_run(RESULTS, "dgnet", 1, mpjpe=51.0)
    assert list(keep_runs(RESULTS, "quick", ["dgnet"])) == ["dgnet-seed0", "dgnet-seed1"]
    shutil.rmtree(RESULTS / "quick/runs/dgnet-seed0")
    assert not list(keep_runs(RESULTS, "quick", ["dgnet", "semgcn"]))
    assert sorted(path.name for path in KEPT.glob("*")) == ["dgnet-seed1", "semgcn-seed0"]


def test_committed_runs_that_are_not_the_references_are_warned_of(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert other_runs("quick") == []
    write_run(RESULTS, "dgnet", 0, code="0" * 64)
    list(keep_runs(RESULTS, "quick", ["dgnet"]))
    shutil.rmtree(RESULTS / "quick")
    (warning,) = other_runs("quick")
    assert warning.startswith("dgnet seed 0: the run is dgnet-")


def test_a_committed_run_is_not_removed(capsys: pytest.CaptureFixture[str]) -> None:
    _, err = said(capsys, "remove", "quick/dgnet-seed0", "--trained", code=2)
    assert "quick/dgnet-seed0 is a committed run" in err
    assert (KEPT / "dgnet-seed0/run.json").is_file()
