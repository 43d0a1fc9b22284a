"""`dvc repro` killed in the middle of training goes on there when it is started again."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_project import TinyProject, tiny_params

from harness.foundation.settings import load_settings
from harness.training.plan import profile_plan
from harness.training.train_run import train_run

STAGE = "train@tiny-semgcn-0"


@pytest.fixture
def project(tmp_path: Path) -> TinyProject:
    params = tiny_params()
    params["profiles"]["tiny"]["models"]["semgcn"]["training"] = {"epochs": 50, "batch_size": 8}
    return TinyProject.made(tmp_path / "project", params | {"models": ["semgcn"]})


@pytest.mark.slow
def test_a_killed_repro_goes_on_to_the_same_weights(
    project: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = project.folder / "results/tiny/runs/semgcn-seed0"
    repro = project.start(sys.executable, "-m", "dvc", "repro", STAGE)
    try:
        wait_for(lambda: any((project.folder / ".harness/state").glob("*.pt")))
        # The whole process group, DVC and the stage it runs, as a machine that goes down would.
        os.killpg(repro.pid, signal.SIGKILL)
    finally:
        repro.kill()
        repro.communicate()
    assert (run / "run.json").exists()
    assert not (run / "model.safetensors").exists(), "it ended before it could be killed"

    said = project.dvc("repro", STAGE)
    assert "goes on in epoch" in said

    monkeypatch.setenv("HARNESS_TRACKING", "off")
    with contextlib.chdir(project.folder):
        settings = load_settings().profile_called("tiny")
        whole = Path("results/whole")
        train_run(profile_plan("tiny", settings, "semgcn", 0, folder=whole), accelerator="cpu")
    for name in ("model.safetensors", "history.csv"):
        assert (run / name).read_bytes() == (project.folder / whole / name).read_bytes(), name


def wait_for(happened: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)
