"""Grids as a user runs them: cells in processes of their own, failing, killed, started again."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tiny_project import ROOT, tiny_params

from harness.cli.main import main
from harness.experiments.cell import run_cell
from harness.experiments.executor import place_cells
from harness.foundation.files import write_json
from harness.foundation.settings import load_settings
from pipelines.prepare import prepare

HARNESS = Path(sys.executable).with_name("harness")
CELLS = Path("results/tiny/grids/pair")


@pytest.fixture(scope="module")
def prepared_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    with contextlib.chdir(folder):
        write_params()
        prepare("tiny")
    return folder / "data"


@pytest.fixture(autouse=True)
def _project(
    tmp_path: Path, prepared_set: Path, preloaded_python: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_TRACKING", "off")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    Path("data").symlink_to(prepared_set)


def write_params(**variations: dict[str, Any]) -> None:
    grid = {"profile": "tiny", "models": ["semgcn"], "variations": variations}
    params = {**tiny_params(), "grids": {"pair": grid}}
    Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def ended(*arguments: str) -> object:
    with pytest.raises(SystemExit) as caught:
        main(["grid", *arguments])
    return caught.value.code


def statuses() -> dict[str, str]:
    return {cell.cell.variation: cell.status for cell in place_cells(load_settings(), "pair")}


def test_a_cell_that_fails_stops_no_other_and_what_is_finished_never_runs_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_params(good={}, bad={"input_2d": "dtected"})
    assert statuses() == {"good": "missing", "bad": "missing"}
    assert ended("run", "pair", "--workers", "2", "--cores", "1") == 1
    output = capsys.readouterr()
    assert "Error: 1 of 2 cells failed" in output.err
    assert str(CELLS / "bad-semgcn-seed0/log.txt") in output.err
    assert statuses() == {"good": "finished", "bad": "failed"}
    log = CELLS / "bad-semgcn-seed0/log.txt"
    first_log = log.read_text()
    assert first_log.startswith("Error: ")
    assert "'dtected'; did you mean 'detected'" in first_log
    good = CELLS / "good-semgcn-seed0"
    scores = good / "evaluations/test/scores/h36m17-actionwise"
    assert {path.name for path in scores.iterdir()} >= {"score.json", "sequences.csv"}
    assert not (good / "evaluations/test/predictions").exists()

    done = (good / "done.json").stat().st_mtime_ns
    write_params(good={}, bad={"input_2d": "gt"})
    assert ended("run", "pair", "--cores", "1") == 0
    assert "all 2 cells are finished" in capsys.readouterr().out
    assert (good / "done.json").stat().st_mtime_ns == done
    assert log.read_text().startswith(first_log)
    assert len(log.read_text()) > len(first_log)

    assert ended("run", "pair") == 0
    assert "started" not in capsys.readouterr().err

    write_params(good={"training.epochs": 3}, bad={"input_2d": "gt"})
    assert ended("status", "pair") == 0
    printed = capsys.readouterr().out
    assert "good-semgcn-seed0  stale" in printed
    assert "bad-semgcn-seed0   finished" in printed
    assert ended("status") == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["pair", "tiny", "2"]


def test_a_mistake_in_any_cell_is_refused_before_the_first_one_starts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_params(good={}, bad={"network.chanels": 3})
    assert ended("run", "pair") == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("Error: ")
    assert "unknown key 'chanels'; did you mean 'channels'" in message
    assert not CELLS.exists()


def test_data_that_is_not_prepared_is_named_with_the_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_params(good={})
    Path("data").unlink()
    for command in ("status", "run"):
        assert ended(command, "pair") == 2
        message = capsys.readouterr().err.splitlines()[-1]
        assert "run 'harness data prepare synthetic --profile tiny'" in message


def test_two_runners_of_one_grid_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    write_params(good={})
    with held(CELLS):
        assert ended("run", "pair") == 2
    assert "another process is writing it" in capsys.readouterr().err
    assert statuses() == {"good": "missing"}


def test_a_place_that_cannot_be_written_is_one_plain_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_params(good={})
    CELLS.mkdir(parents=True)
    (CELLS / "good-semgcn-seed0").write_text("no folder")
    assert ended("run", "pair") == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert "pair/good-semgcn-seed0: cannot be written (File exists)" in message


@pytest.mark.parametrize("content", ["{}", "[]", '"key"', "{"])
def test_a_damaged_end_of_a_cell_is_one_plain_error(
    content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_params(good={})
    cell = CELLS / "good-semgcn-seed0"
    cell.mkdir(parents=True)
    (cell / "done.json").write_text(content)
    for command in ("status", "run"):
        assert ended(command, "pair") == 2
        message = capsys.readouterr().err.splitlines()[-1]
        assert message.startswith(f"Error: {cell}/done.json: ")


@pytest.mark.slow
@pytest.mark.usefixtures("_one_thread")
def test_a_killed_runner_takes_its_cells_along_and_a_new_one_goes_on_to_the_same_numbers(
    tmp_path: Path,
) -> None:
    # The first cell is soon finished, the second is killed in the middle of its many epochs.
    write_params(short={}, long={"training.epochs": 50})
    runner = subprocess.Popen(
        [HARNESS, "grid", "run", "pair", "--workers", "1", "--cores", "1"],
        stderr=subprocess.DEVNULL,
    )
    short, long = CELLS / "short-semgcn-seed0", CELLS / "long-semgcn-seed0"
    try:
        wait_for(lambda: (short / "done.json").exists() and any_state())
    finally:
        os.kill(runner.pid, signal.SIGKILL)
        runner.wait()
    wait_for(lambda: is_free(long), seconds=20)
    assert statuses() == {"short": "finished", "long": "running or killed"}
    assert not (long / "model.safetensors").exists(), "it ended before it could be killed"

    done = (short / "done.json").stat().st_mtime_ns
    assert ended("run", "pair", "--cores", "1") == 0
    assert statuses() == {"short": "finished", "long": "finished"}
    assert (short / "done.json").stat().st_mtime_ns == done
    assert "goes on in epoch" in (long / "log.txt").read_text()

    placed = place_cells(load_settings(), "pair")[1]
    whole = tmp_path / "whole" / long.name
    write_json(whole / "cell.json", placed.cell.model_dump(mode="json"))
    run_cell(whole, placed.key, placed.prepared)
    made = Path("evaluations/test/scores/h36m17-actionwise/sequences.csv")
    for name in (made, "model.safetensors", "history.csv", "done.json"):
        assert (long / name).read_bytes() == (whole / name).read_bytes(), name


@pytest.fixture
def _one_thread() -> Iterator[None]:
    """Sum in the same order as a process with one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock of `path` as another process would."""
    lock = path.with_name(path.name + ".lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def is_free(path: Path) -> bool:
    try:
        with held(path):
            return True
    except BlockingIOError:
        return False


def any_state() -> bool:
    return any(Path(".harness/state").glob("*.pt"))


def wait_for(happened: Any, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)
