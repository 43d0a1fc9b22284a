"""`harness diff`: the averages of a revision beside those of the working tree."""

import subprocess
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.foundation.files import read_json, write_json

PROTOCOL = "h36m17-actionwise"


def git(*arguments: str) -> None:
    settings = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *settings, *arguments], check=True, capture_output=True)


def metrics(model: str, seed: int, profile: str = "quick") -> Path:
    return Path("results") / profile / "runs" / f"{model}-seed{seed}" / "metrics.json"


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for model, seed, error in (("dgnet", 0, 50.0), ("dgnet", 1, 60.0), ("semgcn", 0, 70.0)):
        values = {"MPJPE": error, "P-MPJPE": error - 10, "MPJPE/Walking": 1.0}
        write_json(metrics(model, seed), {PROTOCOL: values})
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "Commit")


def told(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["diff", *arguments])
    assert (ended.value.code or 0) == code
    output = capsys.readouterr()
    return " ".join((output.err if code else output.out).split())


def test_nothing_changed_is_told_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys) == "4 of 4 averages are those of HEAD."


def test_runs_that_were_not_made_here_are_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    Path("results/reference").mkdir()
    Path("results/quick").rename("results/reference/quick")
    git("add", ".")
    git("commit", "--quiet", "--message", "Keep")
    with pytest.raises(SystemExit):
        main(["diff"])
    output = capsys.readouterr()
    assert output.out == "4 of 4 averages are those of HEAD.\n"
    assert "not made here: 3 runs (quick/dgnet-seed0, quick/dgnet-seed1, quick/semg" in output.err
    assert "no change of code shows" in output.err


def test_what_changed_is_told_over_the_seeds_that_both_have(
    capsys: pytest.CaptureFixture[str],
) -> None:
    values = read_json(metrics("dgnet", 0))
    values[PROTOCOL]["MPJPE"] = 47.5
    write_json(metrics("dgnet", 0), values)
    write_json(metrics("dgnet", 2), {PROTOCOL: {"MPJPE": 500.0, "P-MPJPE": 500.0}})
    metrics("semgcn", 0).unlink()
    write_json(metrics("mine", 0, "cmu"), {PROTOCOL: {"MPJPE": 81.0}})
    text = told(capsys)
    assert f"| quick | dgnet | {PROTOCOL} | MPJPE | 0 1 | 55.0 | 53.8 | -1.2 |" in text
    assert f"| quick | semgcn | {PROTOCOL} | MPJPE | 0 | 70.0 | none | gone |" in text
    assert f"| cmu | mine | {PROTOCOL} | MPJPE | 0 | none | 81.0 | new |" in text
    assert "1 of 5 averages are those of HEAD." in text
    assert "cmu" not in told(capsys, "--profile", "quick")
    assert "| P-MPJPE |" not in told(capsys, "--metric", "MPJPE")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("nowhere",), "nowhere: git knows no such revision"),
        (("--metric", "MPJPEE"), "did you mean 'MPJPE'"),
    ],
)
def test_what_is_not_there_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], reason: str
) -> None:
    assert reason in told(capsys, *arguments, code=2)
