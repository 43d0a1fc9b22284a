"""A grid on a Ray cluster gives what it gives here, also where a worker is lost on the way."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import torch
import yaml
from tiny_project import ROOT, tiny_params

from harness.experiments import ray_executor
from harness.experiments.cell import run_cell
from harness.experiments.executor import PlacedCell, place_cells
from harness.foundation.files import write_json
from harness.foundation.preloaded import Interpreter
from harness.foundation.settings import load_settings
from harness.foundation.tracking import ParentRun
from pipelines.prepare import prepare

ray = pytest.importorskip(
    "ray", reason="Ray is not installed: pip install 'pose-lifting-harness[ray]'"
)

HARNESS = Path(sys.executable).with_name("harness")
PARENT = ParentRun("grid-1", "grids", "tiny one", {"kind": "grid"})
LONG = Path("results/tiny/grids/pair/long-semgcn-seed0")


def worker_of(cell: Path) -> int | None:
    """Return the process that started a cell's, once the cell trains."""
    if not any(Path(".harness/state").glob("*.pt")):
        return None
    for process in psutil.process_iter(["cmdline"]):
        if str(cell) in (process.info["cmdline"] or ()):
            return process.ppid()
    return None


@pytest.mark.slow
@pytest.mark.usefixtures("_one_thread")
def test_a_lost_worker_costs_no_cell_and_changes_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_TRACKING", "off")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    variations = {"long": {"training.epochs": 40}, "short": {"network.channels": 4}}
    grid = {"profile": "tiny", "models": ["semgcn"], "variations": variations}
    Path("params.yaml").write_text(yaml.safe_dump({**tiny_params(), "grids": {"pair": grid}}))
    prepare("tiny")

    command = [HARNESS, "grid", "run", "pair", "--executor", "ray", "--cores", "1"]
    with Path("said.txt").open("w") as said:
        runner = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
    while (worker := worker_of(LONG)) is None:
        assert runner.poll() is None, Path("said.txt").read_text()
        time.sleep(0.02)
    tree = psutil.Process(runner.pid).children(recursive=True)
    listening = {
        connection.laddr.ip
        for process in tree
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening, "Ray's processes find each other by listening"
    assert listening <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    os.kill(worker, signal.SIGKILL)
    assert not (LONG / "done.json").exists(), "it ended before its worker could be killed"
    assert runner.wait() == 0, Path("said.txt").read_text()
    assert "all 2 cells are finished" in Path("said.txt").read_text()
    assert "goes on in epoch" in (LONG / "log.txt").read_text()
    assert (LONG / "log.txt").read_text().count("epoch 40/40") == 1
    cells = place_cells(load_settings(), "pair")
    assert [cell.status for cell in cells] == ["finished", "finished"]

    whole = tmp_path / "whole" / LONG.name
    write_json(whole / "cell.json", cells[0].cell.model_dump(mode="json"))
    run_cell(whole, cells[0].key, cells[0].prepared)
    for name in ("model.safetensors", "history.csv", "done.json", "evaluations/test/metrics.json"):
        assert (LONG / name).read_bytes() == (whole / name).read_bytes(), name


def placed_cell(folder: Path) -> PlacedCell:
    """Return a cell of the tiny profile, its data prepared."""
    with contextlib.chdir(folder):
        grid = {"profile": "tiny", "models": ["semgcn"], "variations": {"only": {}}}
        Path("params.yaml").write_text(yaml.safe_dump({**tiny_params(), "grids": {"one": grid}}))
        prepare("tiny")
        (cell,) = place_cells(load_settings(), "one")
    cell.folder.mkdir(parents=True)
    return cell


@pytest.mark.parametrize("finished", [False, True])
def test_a_cell_whose_worker_was_lost_after_its_end_is_not_run_again(
    finished: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    placed, started = placed_cell(tmp_path), []
    if finished:
        write_json(placed.folder / "done.json", {"key": placed.key})

    class Ended:
        def wait(self) -> int:
            return 0

    def start(placed: PlacedCell, parent: object, interpreter: Interpreter) -> Ended:
        started.append(int(interpreter.environment["OMP_NUM_THREADS"]))
        return Ended()

    monkeypatch.setattr(ray_executor, "start_process", start)
    assert ray_executor._run(tmp_path, placed, PARENT, 2, {"HARNESS_TRACKING": "off"}) == 0
    assert started == ([] if finished else [2])


def test_a_worker_that_is_lost_for_good_fails_its_cell_and_is_told_in_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    placed = placed_cell(tmp_path)

    def lost(result: object) -> int:
        raise ray.exceptions.WorkerCrashedError

    monkeypatch.setattr(ray, "get", lost)
    assert ray_executor._RayProcess(ray, None, placed).wait() == 1
    assert "its worker was lost" in (placed.folder / "log.txt").read_text()


@pytest.fixture
def _one_thread() -> Iterator[None]:
    """Sum in the same order as a cell with one core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
