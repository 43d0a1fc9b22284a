"""Tracking against a real MLflow: the SQLite file of a folder, and a server that is up or down."""

import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from full_disk import full_disk

from harness.cli.sync import sync
from harness.foundation import tracking
from harness.foundation.errors import HarnessError
from harness.foundation.provenance import origin_tags
from harness.foundation.tracking import (
    NullTracker,
    ParentRun,
    _not_sent,
    open_parent,
    open_tracker,
    send_unsent,
    send_waiting,
)
from harness.foundation.tracking_journal import UNSENT, Journal, journals

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
EPOCHS = 6


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test in an empty folder with tracking switched on and no server named."""
    monkeypatch.chdir(tmp_path)
    for name in ("HARNESS_TRACKING", "MLFLOW_TRACKING_URI", *tracking._RANKS):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def store(empty_store: Path, tmp_path: Path) -> str:
    """The default store of the current folder, its tables made already; its URI."""
    shutil.copyfile(empty_store, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


class Server:
    """An `mlflow server` on loopback that can be killed and started again on the same data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"]
        command += ["--port", str(self.port), "--workers", "1"]
        command += ["--backend-store-uri", f"sqlite:///{self.folder / 'server.db'}"]
        command += ["--artifacts-destination", str(self.folder / "artifacts")]
        # Without the workers for background jobs, which tracking does not use.
        environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self.folder / "server.log").open("a") as log:
            self.process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=environment,
                start_new_session=True,
            )
        deadline = time.monotonic() + 120
        while not self._answers():
            assert self.process.poll() is None, (self.folder / "server.log").read_text()
            assert time.monotonic() < deadline, "the MLflow server did not start"
            time.sleep(0.1)

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=1) as reply:
                return reply.status == 200
        except (urllib.error.URLError, OSError):
            return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("mlflow"))
    server.start()
    yield server
    server.kill()


def runs_at(uri: str, experiment: str) -> list[Any]:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(experiment)
    return [] if found is None else list(client.search_runs([found.experiment_id]))


def curve(uri: str, run: Any, metric: str) -> list[tuple[int, float]]:
    from mlflow import MlflowClient

    history = MlflowClient(tracking_uri=uri).get_metric_history(run.info.run_id, metric)
    return sorted((item.step, item.value) for item in history)


def artifact_text(uri: str, run: Any, path: str, folder: Path) -> str:
    from mlflow.artifacts import download_artifacts

    return Path(
        download_artifacts(
            run_id=run.info.run_id, artifact_path=path, dst_path=str(folder), tracking_uri=uri
        )
    ).read_text()


def wait_until_sent(journal: Journal, uri: str, before: float = 60) -> None:
    """Return once the server has confirmed everything written so far."""
    deadline = time.monotonic() + before
    while any(journal.blocks(journal.confirmed(uri).offset)):
        assert time.monotonic() < deadline, "events were not sent"
        time.sleep(0.02)


EXPECTED = [(epoch, 50.0 - epoch) for epoch in range(EPOCHS)]


def test_by_default_a_run_goes_to_the_sqlite_file_of_the_folder(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("history.csv").write_text("epoch\n0\n")
    with open_tracker("quick", "quick/dgnet-seed0", {"run_id": "dgnet-0123456789"}) as tracker:
        tracker.parameters({"network": {"channels": 8, "groups": [1, 2]}, "name": "x" * 9000})
        for epoch in range(EPOCHS):
            tracker.metrics({"validation MPJPE": 50 - epoch, "PCK@150 (S9)": epoch}, step=epoch)
        tracker.artifact(Path("history.csv"), "training")
        tracker.tags({"data_hash": "abc"})
    assert capfd.readouterr() == ("", "")  # no warning, no noise of MLflow's migrations
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    (run,) = runs_at(uri, "quick")
    assert (run.info.run_name, run.info.status) == ("quick/dgnet-seed0", "FINISHED")
    assert run.data.tags["run_id"] == "dgnet-0123456789"
    assert run.data.tags["data_hash"] == "abc"
    assert run.data.tags["mlflow.source.name"] == origin_tags()["mlflow.source.name"]
    assert run.data.params["network.channels"] == "8"
    assert run.data.params["network.groups"] == "[1, 2]"
    assert run.data.params["name"] == "x" * 6000
    assert curve(uri, run, "validation MPJPE") == EXPECTED
    assert "PCK_150 _S9_" in run.data.metrics
    assert artifact_text(uri, run, "training/history.csv", tmp_path) == "epoch\n0\n"
    assert journals() == []


def test_a_failed_run_is_marked_as_failed(store: str) -> None:
    def train() -> None:
        with open_tracker("quick", "quick/a") as tracker:
            tracker.metrics({"loss": float("nan")}, step=0)
            raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        train()
    (run,) = runs_at(store, "quick")
    assert run.info.status == "FAILED"


def test_each_execution_is_a_run_of_its_own(store: str) -> None:
    for width in (8, 16):  # a parameter of one MLflow run could never be changed
        with open_tracker("quick", "quick/dgnet-seed0") as tracker:
            tracker.parameters({"width": width})
    runs = runs_at(store, "quick")
    assert sorted(run.data.params["width"] for run in runs) == ["16", "8"]


def test_what_has_one_identity_is_one_run_that_goes_on(store: str) -> None:
    for values in ({"loss": 2.0}, {"MPJPE": 50.0}):
        with open_tracker("quick", "quick/a", identity="a-0123456789") as tracker:
            tracker.parameters(dict.fromkeys(values, 1))
            tracker.metrics(values)
    with open_tracker("quick", "quick/a", identity="a-9999999999"):
        pass
    runs = runs_at(store, "quick")
    assert len(runs) == 2
    (whole,) = (run for run in runs if run.data.metrics)
    assert whole.data.metrics == {"loss": 2.0, "MPJPE": 50.0}
    assert whole.data.params == {"loss": "1", "MPJPE": "1"}
    assert whole.info.status == "FINISHED"


def test_an_event_mlflow_refuses_costs_a_warning_and_nothing_else(
    store: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with open_tracker("quick", "quick/a") as tracker:
        tracker.parameters({"width": 8})
        tracker.parameters({"width": 16})
        tracker.metrics({"loss": 1.0}, step=3)
        tracker.artifact(Path("nowhere.csv"))
    (run,) = runs_at(store, "quick")
    assert run.data.params["width"] == "8"
    assert curve(store, run, "loss") == [(3, 1.0)]
    assert run.info.status == "FINISHED"
    warnings = capfd.readouterr().err.splitlines()
    assert [line for line in warnings if "refuses one event" in line]
    assert [line for line in warnings if "nowhere.csv" in line]


def forked(work: Callable[[str], None], name: str) -> multiprocessing.Process:
    """Start a process that need not import MLflow again."""
    process = multiprocessing.get_context("fork").Process(target=work, args=(name,))
    process.start()
    return process


def ended_well(process: multiprocessing.Process, capfd: pytest.CaptureFixture[str]) -> bool:
    process.join(120)
    return (process.exitcode, capfd.readouterr().err) == (0, "")


def two_runs(name: str) -> None:
    for number in range(2):
        with open_tracker("quick", f"quick/{name}-{number}") as tracker:
            for epoch in range(20):
                tracker.metrics({"loss": epoch}, step=epoch)


def test_two_processes_share_a_new_sqlite_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for process in [forked(two_runs, name) for name in ("a", "b")]:
        assert ended_well(process, capfd)
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    runs = runs_at(uri, "quick")
    assert len(runs) == 4
    assert all(len(curve(uri, run, "loss")) == 20 for run in runs)
    assert journals() == []


GRID = ParentRun("grid-1", "grids", "quick units", {"kind": "grid"})


def a_cell(name: str) -> None:
    with open_tracker("grids", name, parent=GRID) as tracker:
        tracker.metrics({"MPJPE": 50.0})


def family(uri: str) -> tuple[Any, list[Any]]:
    """Return the one run without a parent, and the runs that stand below it."""
    runs = runs_at(uri, "grids")
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    below = [run for run in runs if run is not parent]
    assert {run.data.tags["mlflow.parentRunId"] for run in below} <= {parent.info.run_id}
    return parent, below


def test_cells_in_processes_of_their_own_stand_below_one_run_of_their_grid(
    store: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whoever comes first makes the run of the grid, which a second execution goes on with."""
    processes = [forked(a_cell, name) for name in ("a", "b")]
    with open_parent(GRID) as tracker:
        for process in processes:
            assert ended_well(process, capfd)
        tracker.metrics({"cells finished": 2})
    with open_parent(GRID) as tracker:
        tracker.metrics({"cells finished": 3}, step=1)
    parent, below = family(store)
    assert sorted(run.info.run_name for run in below) == ["a", "b"]
    assert (parent.info.run_name, parent.info.status) == ("quick units", "FINISHED")
    assert parent.data.tags["kind"] == "grid"
    assert curve(store, parent, "cells finished") == [(0, 2.0), (1, 3.0)]


def test_a_grid_that_found_no_server_is_sent_later_with_its_cells_below_it(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", Server(tmp_path).uri)  # nothing listens there
    with open_parent(GRID), open_tracker("grids", "a", parent=GRID) as tracker:
        tracker.metrics({"MPJPE": 50.0})
    assert len(journals()) == 2
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    assert len(list(send_unsent())) == 2
    parent, (cell,) = family(store)
    assert (parent.info.status, cell.info.status) == ("FINISHED", "FINISHED")
    assert cell.data.metrics == {"MPJPE": 50.0}


def test_what_is_tracked_within_an_open_run_is_part_of_it(store: str) -> None:
    with (
        open_tracker("quick", "cell", {"kind": "cell"}) as outer,
        open_tracker("quick", "training", {"run_id": "dgnet-1"}, within=outer) as inner,
    ):
        inner.metrics({"loss": 1.0})
    (run,) = runs_at(store, "quick")
    assert (run.info.run_name, run.data.tags["run_id"]) == ("cell", "dgnet-1")
    assert run.data.metrics == {"loss": 1.0}


def test_a_server_that_is_up_gets_everything(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    Path("table.md").write_text("| a |\n")
    with open_tracker("up", "quick/dgnet-seed0", {"kind": "train"}) as tracker:
        tracker.parameters({"epochs": EPOCHS})
        for epoch in range(EPOCHS):
            tracker.metrics({"validation_MPJPE": 50 - epoch}, step=epoch)
        tracker.artifact(Path("table.md"))
    (run,) = runs_at(server.uri, "up")
    assert run.info.status == "FINISHED"
    assert run.data.params == {"epochs": "6"}
    assert curve(server.uri, run, "validation_MPJPE") == EXPECTED
    assert artifact_text(server.uri, run, "table.md", tmp_path) == "| a |\n"
    assert journals() == []
    assert not Path("mlflow.db").exists()


def test_with_the_server_down_a_run_is_kept_and_sent_later(
    store: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    nowhere = Server(tmp_path)  # a free port where nothing listens
    monkeypatch.setenv("MLFLOW_TRACKING_URI", nowhere.uri)
    Path("table.md").write_text("before")
    started = time.monotonic()
    with open_tracker("down", "quick/dgnet-seed0") as tracker:
        for epoch in range(EPOCHS):
            tracker.metrics({"validation_MPJPE": 50 - epoch}, step=epoch)
        tracker.artifact(Path("table.md"))
    assert time.monotonic() - started < 30  # no long series of HTTP retries
    warnings = [line for line in capfd.readouterr().err.splitlines() if "Warning" in line]
    assert len(warnings) == 1
    assert nowhere.uri in warnings[0]
    assert "Connection refused" in warnings[0]
    assert "harness sync" in warnings[0]
    Path("table.md").write_text("changed after the run")

    with pytest.raises(HarnessError, match=r"Connection refused.*run 'harness sync' again"):
        list(send_unsent())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    result = CliRunner().invoke(sync)
    assert "sent 9 events" in result.output  # opening, six epochs, artifact, end
    (run,) = runs_at(store, "down")
    assert run.info.status == "FINISHED"
    assert curve(store, run, "validation_MPJPE") == EXPECTED
    assert artifact_text(store, run, "table.md", tmp_path / "down") == "before"
    assert CliRunner().invoke(sync).output == "nothing to send\n"


@pytest.mark.slow
def test_a_server_that_dies_in_the_middle_loses_nothing(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    Path("model.txt").write_text("weights")
    with open_tracker("dies", "quick/dgnet-seed0") as tracker:
        tracker.parameters({"epochs": EPOCHS})
        for epoch in range(EPOCHS):
            tracker.metrics({"validation_MPJPE": 50 - epoch}, step=epoch)
            if epoch == 2:
                wait_until_sent(journals()[0], server.uri)
                server.kill()
        tracker.artifact(Path("model.txt"))
    assert capfd.readouterr().err.count("Warning") == 1
    server.start()
    (half,) = runs_at(server.uri, "dies")
    assert half.info.status == "RUNNING"
    assert curve(server.uri, half, "validation_MPJPE") == EXPECTED[:3]

    (sent,) = send_unsent()
    assert sent.events == 5  # the later three epochs, the artifact and the end
    (run,) = runs_at(server.uri, "dies")
    assert run.info.run_id == half.info.run_id
    assert run.info.status == "FINISHED"
    assert curve(server.uri, run, "validation_MPJPE") == EXPECTED
    assert artifact_text(server.uri, run, "model.txt", tmp_path / "down") == "weights"
    assert journals() == []


def test_a_server_that_comes_back_during_a_run_gets_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "_SECONDS_BETWEEN_ATTEMPTS", 0.1)
    blocked = tmp_path / "store"
    blocked.write_text("a file where the store's folder should be")
    uri = f"sqlite:///{blocked / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with open_tracker("back", "quick/a") as tracker:
        tracker.metrics({"loss": 1.0}, step=0)
        time.sleep(0.3)
        blocked.unlink()
        wait_until_sent(journals()[0], uri)
        tracker.metrics({"loss": 2.0}, step=1)
    (run,) = runs_at(uri, "back")
    assert curve(uri, run, "loss") == [(0, 1.0), (1, 2.0)]


def killed_run(name: str) -> None:
    with open_tracker("killed", name) as tracker:
        tracker.metrics({"loss": 1.0}, step=0)
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_run_is_sent_by_sync_and_marked_as_killed(store: str) -> None:
    killed = forked(killed_run, "quick/a")
    killed.join(120)
    assert killed.exitcode == -signal.SIGKILL
    (journal,) = journals()
    with (journal.folder / "events.jsonl").open("a") as stream:
        stream.write('{"event": "metrics", "val')  # as a kill in the middle of a line leaves it
    (sent,) = send_unsent()
    assert sent.events == 3  # the opening, the epoch and the end that sync writes for it
    (run,) = runs_at(store, "killed")
    assert run.info.status == "KILLED"
    assert curve(store, run, "loss") == [(0, 1.0)]


def test_sync_repeats_without_harm_what_was_sent_but_not_confirmed(store: str) -> None:
    journal = Journal.called("quick/a")
    with journal.lock():
        journal.append("open", experiment="again", run_name="quick/a", tags={})
        journal.append("metrics", values={"loss": 1.0}, step=0)
        journal.append("close", status="finished")
        sender = tracking.MlflowSender(tracking.tracking_uri(), tracking.warn)
        assert sender.send(journal) == 3
        assert sender.send(journal) == 0
        (journal.folder / "sent.json").unlink()
        assert sender.send(journal) == 3
    (run,) = runs_at(store, "again")
    assert curve(store, run, "loss") == [(0, 1.0)]


def test_advice_of_mlflow_is_told_to_its_end() -> None:
    advice = "take a backup, then run 'mlflow db upgrade sqlite:///mlflow.db'"
    told = _not_sent("uri", RuntimeError(f"{'out of date ' * 40}\n{advice}"))
    assert told.endswith(f"{advice})")
    assert "\n" not in told


def test_sync_leaves_a_run_that_still_goes_on_alone() -> None:
    journal = Journal.called("quick/a")
    with journal.lock():
        journal.append("open", experiment="e", run_name="quick/a", tags={})
        result = CliRunner().invoke(sync)
    assert "still running" in result.output
    assert journals()[0].execution == journal.execution


def test_a_journal_that_another_process_sent_meanwhile_leaves_nothing_behind(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = [Journal((UNSENT / "quick-dgnet-seed0-gone").absolute())]
    monkeypatch.setattr(tracking, "journals", lambda root: listed)
    assert list(send_unsent()) == []
    assert not listed[0].folder.exists()


@pytest.mark.parametrize("name", ["HARNESS_TRACKING", "RANK", "LOCAL_RANK", "NODE_RANK"])
def test_nothing_is_tracked_when_off_or_on_later_ranks(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "off" if name == "HARNESS_TRACKING" else "1")
    with open_tracker("quick", "quick/a") as tracker:
        tracker.metrics({"loss": 1.0})
        assert isinstance(tracker, NullTracker)
    assert not UNSENT.exists()


def test_a_place_that_cannot_be_written_costs_a_warning_not_the_run(
    capfd: pytest.CaptureFixture[str],
) -> None:
    Path(".harness").write_text("a file where the folder should be")
    with open_tracker("quick", "quick/a") as tracker:
        tracker.metrics({"loss": 1.0})
    assert "this run is not tracked" in capfd.readouterr().err


def test_a_folder_in_place_of_events_is_no_journal(tmp_path: Path) -> None:
    (tmp_path / "damaged" / "events.jsonl").mkdir(parents=True)
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / "events.jsonl").write_text("")
    assert [journal.folder.name for journal in journals(tmp_path)] == ["whole"]


def test_events_survive_a_disk_that_was_full_for_a_while() -> None:
    journal = Journal.called("quick/a")
    with journal.lock():
        journal.append("first")
        events = journal.folder / "events.jsonl"
        with full_disk() as limit:
            limit(events.stat().st_size + 10)
            with pytest.raises(OSError, match="disk is full"):
                journal.append("second")
        assert not events.read_bytes().endswith(b"\n")
        journal.append("third")
    names = [event["event"] for block, _ in journal.blocks(0) for event in block]
    assert names == ["first", "third"]


def test_a_short_run_may_leave_its_journal_to_whoever_sends_next(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_TRACKING", "later")
    with open_tracker("short", "short/run") as tracker:
        tracker.metrics({"loss": 1.5})
    assert runs_at(store, "short") == []
    assert len(list(journals(UNSENT))) == 1
    send_waiting()
    (run,) = runs_at(store, "short")
    assert run.data.metrics["loss"] == 1.5
    assert run.info.status == "FINISHED"
    assert list(journals(UNSENT)) == []


def test_a_run_longer_than_that_is_sent_as_it_goes(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_TRACKING", "later")
    monkeypatch.setattr(tracking, "_LATER_SECONDS", 0.0)
    with open_tracker("long", "long/run") as tracker:
        tracker.metrics({"loss": 1.5})
    assert len(runs_at(store, "long")) == 1


def test_what_waits_stays_with_one_warning_where_no_server_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HARNESS_TRACKING", "later")
    with open_tracker("kept", "kept/run"):
        pass
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    send_waiting()
    assert "harness sync" in capsys.readouterr().err
    assert len(list(journals(UNSENT))) == 1
