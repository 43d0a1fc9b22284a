"""Commands on a fresh clone: committed runs stand in for models that were not run here."""

import json
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


@pytest.mark.parametrize(
    "arguments",
    [
        ("figure", "quick/dgnet-seed0", "--clip", "S9/Walking"),
        ("lift", "keypoints.json", "--run", "quick/dgnet-seed0"),
        ("predict", "quick/dgnet-seed0"),
        ("export", "quick/dgnet-seed0"),
        ("view", "quick/dgnet-seed0"),
        ("conventions", "quick/dgnet-seed0"),
        ("score", "quick/dgnet-seed0", "--protocol", "h36m17-actionwise"),
    ],
)
def test_what_git_does_not_keep_of_a_run_is_said_to_be_missing_with_the_command_that_makes_it(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    error = said(capsys, *arguments, code=2)[1]
    assert "git keeps only the record and the scores of quick/dgnet-seed0" in error
    assert "'harness run dgnet --profile quick --seeds 0'" in error


def test_predictions_of_a_run_that_has_weights_need_no_training(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (KEPT / "dgnet-seed0" / "model.safetensors").write_bytes(b"weights")
    error = said(capsys, "view", "quick/dgnet-seed0", code=2)[1]
    assert "'harness predict quick/dgnet-seed0'" in error


def test_an_unknown_run_lists_names_and_takes_ids_only_for_the_nearest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run_id = json.loads((KEPT / "dgnet-seed0" / "run.json").read_text())["run_id"]
    for asked, nearest in (("quick/dgnet-seed9", "quick/dgnet-seed0"), (f"{run_id}0", run_id)):
        error = said(capsys, "show", asked, code=2)[1]
        assert f"did you mean '{nearest}'? (known: quick/dgnet-seed0, quick/semgcn-seed0)" in error


def test_a_bundle_is_shown_and_compared_where_it_is_unpacked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said(capsys, "show", "quick/dgnet-seed0", "--bundle", "out.zip")
    assert "'harness show RUN --bundle' wrote" in said(capsys, "show", "out.zip", code=2)[1]
    shutil.unpack_archive("out.zip", "theirs")
    assert "MPJPE    50.00" in said(capsys, "show", "theirs")[0]
    assert "**+10.0**" in said(capsys, "compare", "theirs", "semgcn")[0]
