"""Runs as folders: killed and resumed bit for bit, written by one process, failing plainly."""

import errno
import json
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import resumable_run
import torch
from resumable_run import resumable_plan
from tiny_lifter import METHOD, tiny_plan, write_tiny_set

from harness.foundation.errors import HarnessError
from harness.foundation.files import only_writer
from harness.foundation.provenance import read_record
from harness.lifting import registry
from harness.training.loop import TrainingFailed
from harness.training.state import load_state
from harness.training.train_run import train_run


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.METHODS, METHOD.name, "tiny_lifter:METHOD")
    monkeypatch.setenv("HARNESS_TRACKING", "off")
    monkeypatch.chdir(tmp_path)
    write_tiny_set(tmp_path / "set", (60, 50, 20, 20))


def run_process(prepared: Path, folder: Path) -> multiprocessing.Process:
    """Start a run in a process of its own, forked, so that nothing need be imported again."""
    context = multiprocessing.get_context("fork")
    process = context.Process(target=resumable_run.main, args=(prepared, folder), daemon=True)
    process.start()
    return process


@pytest.fixture
def _one_thread() -> Iterator[None]:
    """Sum in the same order as a process with one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("_one_thread")
def test_a_run_killed_again_and_again_ends_with_the_same_bytes(tmp_path: Path) -> None:
    plan = resumable_plan(tmp_path / "set", tmp_path / "killed")
    states = tmp_path / ".harness/state"
    for _ in range(3):
        before = [path.stat().st_mtime_ns for path in states.glob("*.pt")]
        process = run_process(tmp_path / "set", tmp_path / "killed")
        while [path.stat().st_mtime_ns for path in states.glob("*.pt")] == before:
            assert process.is_alive(), "it ended before it could be killed"
            time.sleep(0.005)
        # What is checked holds whenever the kill comes, so it may come whenever it likes.
        time.sleep(random.uniform(0, 0.2))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL, "it ended before it could be killed"
    state = load_state(path := next(states.glob("*.pt")), path.stem)
    assert state is not None
    assert state.lifter is not None
    resumed = train_run(plan, accelerator="cpu")
    assert not list(states.glob("*.pt"))

    whole = train_run(replace(plan, folder=tmp_path / "whole"), accelerator="cpu")
    assert resumed.results == whole.results
    for name in ("model.safetensors", "history.csv"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "killed" / name).read_bytes()
    assert len((tmp_path / "whole/history.csv").read_text().splitlines()) == 1 + 4


def test_a_finished_run_is_left_as_it_is_unless_it_changes(tmp_path: Path) -> None:
    plan = tiny_plan(tmp_path / "set", tmp_path / "run")
    first = train_run(plan, accelerator="cpu")
    written = (tmp_path / "run/run.json").stat().st_mtime_ns
    assert train_run(plan, accelerator="cpu") == first
    assert (tmp_path / "run/run.json").stat().st_mtime_ns == written
    fresh = train_run(plan, accelerator="cpu", resume=False)
    assert fresh.results == first.results
    assert (tmp_path / "run/run.json").stat().st_mtime_ns > written
    other = train_run(tiny_plan(tmp_path / "set", tmp_path / "run", epochs=2), accelerator="cpu")
    assert other.run_id != first.run_id
    assert other.results["epochs"] == 2


def test_the_record_tells_what_the_run_was_made_from(tmp_path: Path) -> None:
    plan = tiny_plan(tmp_path / "set", tmp_path / "run", seed=3, learning_rate=0.02)
    train_run(plan, accelerator="cpu")
    record = read_record(tmp_path / "run/run.json")
    assert (record.status, record.seed, record.model) == ("finished", 3, "linear")
    assert record.parameters["training"]["learning_rate"] == 0.02
    assert record.parameters["training"]["batch_size"] == 4
    assert record.parameters["network"]["hidden"] == 8
    assert record.parameters["input_2d"] == "gt"
    assert record.results["epoch"] in (1, 2, 3)


def test_batches_of_one_window_are_refused_plainly(tmp_path: Path) -> None:
    plan = tiny_plan(tmp_path / "set", tmp_path / "run", epochs=1, batch_size=1)
    with pytest.raises(HarnessError, match=r"a batch of 1 window has no variance for a batch norm"):
        train_run(plan, accelerator="cpu")


def test_only_some_actions_are_trained_on(tmp_path: Path) -> None:
    # Clips alternate Sitting and Walking; the validation clip is Sitting.
    plan = replace(tiny_plan(tmp_path / "set", tmp_path / "run"), train_actions=("Sitting",))
    train_run(plan, accelerator="cpu")
    steps = (tmp_path / "run/history.csv").read_text().splitlines()[1].split(",")[1]
    assert int(steps) == (60 - 3 + 1) // 4
    with pytest.raises(HarnessError, match="'Siting'; did you mean 'Sitting'"):
        train_run(replace(plan, train_actions=("Siting",)), accelerator="cpu")


@pytest.mark.usefixtures("_one_thread")
def test_a_run_that_another_process_writes_is_refused(tmp_path: Path) -> None:
    process = run_process(tmp_path / "set", tmp_path / "run")
    try:
        deadline = time.monotonic() + 30
        while not (tmp_path / "run/run.json").exists():
            assert process.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        with pytest.raises(HarnessError, match="another process is writing it"):
            train_run(resumable_plan(tmp_path / "set", tmp_path / "run"), accelerator="cpu")
    finally:
        process.kill()
        process.join()


def test_one_state_serves_one_process(tmp_path: Path) -> None:
    plan = tiny_plan(tmp_path / "set", tmp_path / "one")
    run_id = train_run(plan, accelerator="cpu").run_id
    with (
        only_writer(tmp_path / f".harness/state/{run_id}.pt"),
        pytest.raises(HarnessError, match="another process is writing it"),
    ):
        train_run(tiny_plan(tmp_path / "set", tmp_path / "two"), accelerator="cpu")


def test_a_results_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file where a folder is expected")
    with pytest.raises(HarnessError, match=r"results.*cannot be written"):
        train_run(tiny_plan(tmp_path / "set", tmp_path / "results/run"), accelerator="cpu")


def test_a_loss_that_is_not_finite_fails_the_run_and_keeps_the_best(tmp_path: Path) -> None:
    # 58 + 48 windows in batches of 53 are 2 steps an epoch.
    plan = tiny_plan(
        tmp_path / "set", tmp_path / "run", network={"explode_after": 2}, batch_size=53
    )
    with pytest.raises(TrainingFailed, match=r"tiny/run: epoch 2, step 1: the loss is"):
        train_run(plan, accelerator="cpu")
    record = json.loads((tmp_path / "run/run.json").read_text())
    assert record["status"] == "failed"
    assert "epoch 2, step 1" in record["results"]["failure"]
    assert (tmp_path / "run/best-before-failure.safetensors").exists()
    assert not (tmp_path / "run/model.safetensors").exists()
    assert not list((tmp_path / ".harness/state").glob("*.pt"))


def test_a_disk_that_fills_up_leaves_a_run_that_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plan(tmp_path / "set", tmp_path / "run")
    room = [7]  # files that can still be written
    written = os.fsync

    def full(descriptor: int) -> None:
        room[0] -= 1
        if room[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(HarnessError, match=r"cannot be written \(No space left on device\)"):
        train_run(plan, accelerator="cpu")
    assert (tmp_path / "run/history.csv").exists()
    assert list((tmp_path / ".harness/state").glob("*.pt"))
    monkeypatch.setattr(os, "fsync", written)
    resumed = train_run(plan, accelerator="cpu")
    whole = train_run(tiny_plan(tmp_path / "set", tmp_path / "whole"), accelerator="cpu")
    assert resumed.results == whole.results


def test_only_some_subjects_are_trained_on_and_all_keep_the_identity_they_had(
    tmp_path: Path,
) -> None:
    splits = ("train", "train", "validation", "test")
    subjects = ("anna", "bert", "carl", "dora")
    write_tiny_set(tmp_path / "people", (60, 50, 20, 20), splits, subjects=subjects)
    plan = tiny_plan(tmp_path / "people", tmp_path / "run", epochs=1)
    assert "train_subjects" not in plan.parameters()
    some = replace(plan, train_subjects=("bert",))
    record = train_run(some, accelerator="cpu")
    assert record.parameters["train_subjects"] == ["bert"]
    history = (tmp_path / "run/history.csv").read_text().splitlines()[1].split(",")
    assert int(history[1]) == (50 - 3 + 1) // 4
    assert record.results["validation_MPJPE"] > 0, "carl's clips are validated on all the same"
    with pytest.raises(HarnessError, match=r"names dora, who has no training clip .* anna"):
        train_run(replace(plan, train_subjects=("anna", "dora")), accelerator="cpu")
    with pytest.raises(HarnessError, match="'bret'; did you mean 'bert'"):
        train_run(replace(plan, train_subjects=("bret",)), accelerator="cpu")
