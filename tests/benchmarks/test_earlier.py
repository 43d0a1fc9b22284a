"""An earlier commit side by side with this one."""

import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.before_after import WORKER
from benchmarks.earlier import Worker, sources_of

HERE = Path(__file__).parents[2]


@pytest.mark.skipif(
    shutil.which("git") is None or not (HERE / ".git").exists(), reason="needs the history"
)
def test_an_earlier_commit_is_checked_out_for_as_long_as_it_is_needed() -> None:
    with sources_of("HEAD") as folder:
        assert (folder / "dgnet" / "network.py").is_file()
    assert not folder.exists()


@pytest.mark.slow
def test_a_worker_steps_with_the_sources_it_is_given(tmp_path: Path) -> None:
    task = {"model": "semgcn", "network": {"channels": 4, "modules": 1}, "windows": 2}
    worker = Worker(HERE, WORKER, task)
    assert worker.ask("time 2") > 0
    assert worker.ask("peak") > 0
    worker.ask(f"profile {tmp_path / 'profile.txt'}")
    worker.end()
    assert "aten::addmm" in (tmp_path / "profile.txt").read_text()


def test_a_worker_that_ends_is_missed(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    task = {"model": "there is no such model", "network": {}, "windows": 2}
    worker = Worker(HERE, WORKER, task)
    with pytest.raises((RuntimeError, BrokenPipeError)):
        worker.ask("time 1")
    subprocess.Popen.wait(worker._process)
