import hashlib
import json
import zipfile
from pathlib import Path

import pytest
from stored_runs import write_run

from harness.cli.main import main


@pytest.fixture(autouse=True)
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs below results/ of an empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    write_run(Path("results"), "dgnet", 0, mpjpe=51.25)
    write_run(Path("results"), "semgcn", 1)
    return Path("results")


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["show", *arguments])
    assert ended.value.code == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["show", *arguments])
    assert ended.value.code == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert len(output.err.splitlines()) == 1
    return output.err


def test_a_run_is_shown_with_everything_it_was_made_from(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = shown(capsys, "quick/dgnet-seed0")
    words = ["quick/dgnet-seed0", "d" * 64, "c" * 64, "network.width", "seconds", "12.0", "python"]
    words += ["torch", "processor", "train finished", "unknown (not in git)", "h36m17-actionwise"]
    words += ["80 frames of split test, 2D detected, with flip", "51.25  mm", "epoch"]
    assert [word for word in words if word not in text] == []


def test_json_holds_the_whole_record_and_the_scores(
    capsys: pytest.CaptureFixture[str], results: Path
) -> None:
    report = json.loads(shown(capsys, "quick/dgnet-seed0", "--format", "json"))
    run = results / "quick/runs/dgnet-seed0"
    assert report["record"] == json.loads((run / "run.json").read_text())
    assert report["scores"][0]["metrics"]["MPJPE"] == pytest.approx(51.25)
    assert report["folder"] == str(run)


def test_folder_and_unique_beginning_of_the_run_id_find_the_same_run(
    capsys: pytest.CaptureFixture[str], results: Path
) -> None:
    by_name = shown(capsys, "quick/semgcn-seed1")
    assert shown(capsys, str(results / "quick/runs/semgcn-seed1")) == by_name
    run_id = json.loads((results / "quick/runs/semgcn-seed1/run.json").read_text())["run_id"]
    assert shown(capsys, run_id[:-3]) == by_name


def test_a_beginning_that_fits_several_runs_is_refused(
    capsys: pytest.CaptureFixture[str], results: Path
) -> None:
    write_run(results, "dgnet", 1)
    message = refused(capsys, "dgnet-")
    assert "quick/dgnet-seed0, quick/dgnet-seed1" in message


def test_an_unknown_run_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean 'quick/dgnet-seed0'?" in refused(capsys, "quick/dgnet-sed0")


def test_a_folder_without_a_run_and_no_runs_at_all_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no run.json" in refused(capsys, "results")
    monkeypatch.chdir(tmp_path / "results" / "quick")
    assert "no runs below results; make some with 'dvc repro'" in refused(capsys, "quick/a")


def test_a_damaged_record_is_refused_and_hides_no_other_run(
    capsys: pytest.CaptureFixture[str], results: Path
) -> None:
    path = results / "quick/runs/dgnet-seed0/run.json"
    path.write_text("{}")
    assert "is not a run record" in refused(capsys, "quick/dgnet-seed0")
    assert "semgcn-seed1" in shown(capsys, "quick/semgcn-seed1")


def test_a_score_of_another_checkpoint_is_told_apart(
    capsys: pytest.CaptureFixture[str], results: Path
) -> None:
    write_run(results, "dgnet", 0, run_id="dgnet-0123456789")
    assert "of the checkpoint of run dgnet-0123456789, not of" in shown(capsys, "quick/dgnet-seed0")


def test_a_run_without_scores_says_how_to_get_them(
    capsys: pytest.CaptureFixture[str], results: Path
) -> None:
    (results / "quick/runs/dgnet-seed0/scores").rename(results / "elsewhere")
    assert "none; score its predictions" in shown(capsys, "quick/dgnet-seed0")


def test_a_bundle_holds_all_that_a_reviewer_needs_and_its_own_hashes(
    capsys: pytest.CaptureFixture[str], results: Path
) -> None:
    shown(capsys, "quick/dgnet-seed0", "--bundle", "out.zip")
    score = "scores/h36m17-actionwise"
    with zipfile.ZipFile("out.zip") as bundle:
        files = {name: bundle.read(name) for name in bundle.namelist()}
    assert {"README.txt", "SHA256SUMS", "contract.json", "protocols.json", "run.json"} <= set(files)
    assert {"table.md", f"{score}/score.json", f"{score}/sequences.csv"} <= set(files)
    sums = dict(line.split("  ")[::-1] for line in files.pop("SHA256SUMS").decode().splitlines())
    assert sums == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    (protocol,) = json.loads(files["protocols.json"])
    header = json.loads(files[f"{score}/score.json"])
    assert protocol["definition"] == header["conditions"]["definition"]
    assert json.loads(files["contract.json"]) == header["conditions"]["predictions"]
    assert b"51.2" in files["table.md"]
    before = Path("out.zip").read_bytes()
    shown(capsys, "quick/dgnet-seed0", "--bundle", "out.zip")
    assert Path("out.zip").read_bytes() == before


def test_a_run_without_scores_has_no_bundle(
    capsys: pytest.CaptureFixture[str], results: Path
) -> None:
    (results / "quick/runs/dgnet-seed0/scores").rename(results / "elsewhere")
    with pytest.raises(SystemExit):
        main(["show", "quick/dgnet-seed0", "--bundle", "out.zip"])
    assert "is not scored" in capsys.readouterr().err
    assert not Path("out.zip").exists()
