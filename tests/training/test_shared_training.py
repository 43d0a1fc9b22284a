"""Two processes that share each batch train as one process does, also after a kill."""

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import shared_run
import torch
from safetensors.torch import load_file
from shared_run import shared_plan
from tiny_lifter import METHOD, write_tiny_set

from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.lifting import registry
from harness.lifting.windows import WindowReader
from harness.training.beginning import untrained
from harness.training.loop import StateFile, Training, make_fabric
from harness.training.state import TrainingState, load_state
from harness.training.train_run import train_run
from harness.training.watching import SilentWatcher

HERE = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.METHODS, METHOD.name, "tiny_lifter:METHOD")
    monkeypatch.setenv("HARNESS_TRACKING", "off")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.chdir(tmp_path)
    write_tiny_set(tmp_path / "set", (60, 50, 20, 20))


def start() -> subprocess.Popen[bytes]:
    command = [sys.executable, str(HERE / "shared_run.py"), "set", "two"]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def trained_alone(epochs: int) -> TrainingState:
    """Train for some epochs in this process; return the state at the end, the optimiser's too."""
    plan = shared_plan(Path("set"), Path("state"))
    recipe = plan.recipe().model_copy(update={"epochs": epochs})
    prepared = PreparedSet(plan.prepared)
    lifter = untrained(plan, recipe, prepared)
    train, validation = (
        WindowReader(prepared, prepared.select(split), "gt", lifter)
        for split in ("train", "validation")
    )
    fabric = make_fabric(recipe, accelerator="cpu")
    state_file = StateFile(Path("alone.pt"), "alone")
    return Training(
        lifter,
        train,
        validation,
        recipe,
        plan.seed,
        fabric=fabric,
        state_file=state_file,
        watcher=SilentWatcher(),
    ).run()


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def addresses_listened_at(process: int) -> set[str]:
    """Return the local addresses at which a process and its children accept connections."""
    tree = [psutil.Process(process), *psutil.Process(process).children(recursive=True)]
    return {
        connection.laddr.ip
        for one in tree
        for connection in one.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }


def test_several_machines_need_the_address_of_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MASTER_ADDR", "SLURM_JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    recipe = shared_plan(Path("set"), Path("state")).recipe()
    with pytest.raises(HarnessError, match="several machines need the address of the first one"):
        make_fabric(recipe, accelerator="cpu", devices=1, num_nodes=2)


def share(rank: int, port: int) -> None:
    """Train as one of two processes that somebody else has started."""
    named = {"LOCAL_RANK": rank, "NODE_RANK": 0, "WORLD_SIZE": 2}
    os.environ |= {name: str(value) for name, value in named.items()}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    shared_run.main("set", "two")


def test_two_forked_processes_train_as_one_does() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=share, args=(rank, port)) for rank in (0, 1)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    assert_two_trained_as_one()


@pytest.mark.slow
def test_two_processes_train_as_one_does_also_after_a_kill(tmp_path: Path) -> None:
    process = start()
    states = Path(".harness/state")
    while not list(states.glob("*.pt")):
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    both = [process.pid, int(Path("process1.txt").read_text())]
    listening = {address for pid in both for address in addresses_listened_at(pid)}
    assert listening, "they find each other by listening"
    assert listening <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    process.kill()
    assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"
    state = load_state(path := next(states.glob("*.pt")), path.stem)
    assert state is not None
    alone = trained_alone(len(state.history))
    assert state.lifter is not None
    assert alone.lifter is not None
    for name, weight in alone.lifter.items():
        # Batch norms' running statistics are among them. A bias before a batch norm has no gradient
        # but rounding, which Adam enlarges.
        torch.testing.assert_close(state.lifter[name], weight, rtol=1e-7, atol=1e-7)
    for parameter, moments in alone.optimizer["state"].items():
        # Adam's step hides how large a gradient is; its averages of gradients do not.
        shared = state.optimizer["state"][parameter]["exp_avg"]
        torch.testing.assert_close(shared, moments["exp_avg"], rtol=1e-6, atol=1e-10)
    second = int(Path("process1.txt").read_text())
    deadline = time.monotonic() + 20
    while is_running(second):
        assert time.monotonic() < deadline, "the second process outlives the first"
        time.sleep(0.02)

    assert start().wait() == 0
    assert not list(states.glob("*.pt"))
    assert_two_trained_as_one()


def assert_two_trained_as_one() -> None:
    """Compare the run of two processes with one of this process."""
    one = train_run(shared_plan(Path("set"), Path("one")), accelerator="cpu")
    weights = [load_file(f"{folder}/model.safetensors") for folder in ("one", "two")]
    for name, weight in weights[0].items():
        torch.testing.assert_close(weights[1][name], weight, rtol=1e-6, atol=1e-7)
    histories = [pd.read_csv(f"{folder}/history.csv") for folder in ("one", "two")]
    np.testing.assert_allclose(histories[1], histories[0], rtol=1e-6)
    assert len(histories[1]) == one.results["epochs"] == 3
