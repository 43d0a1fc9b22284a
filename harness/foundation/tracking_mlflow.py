"""Sending journals of tracking events to MLflow: a server, or the SQLite file of this folder.

Every call may be repeated: MLflow ignores a metric it has (key, step, time and value), accepts a
parameter again with the same value, and overwrites tags and artifacts.
"""

import contextlib
import fcntl
import itertools
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from harness.foundation.tracking_journal import UNSENT, Confirmed, Journal

# What MLflow takes in one request, and the longest value of a parameter.
_METRICS_A_REQUEST = 500
_PARAMETERS_A_REQUEST = 100
_LONGEST_VALUE = 6000
_STATUS = {"finished": "FINISHED", "failed": "FAILED", "killed": "KILLED"}


def tracking_uri() -> str:
    """Return where runs are tracked: MLFLOW_TRACKING_URI, or mlflow.db in this folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path('mlflow.db').absolute()}"


class MlflowSender:
    """Sends journals to one MLflow store."""

    def __init__(self, uri: str, warn: Callable[[str], None]) -> None:
        """Prepare to send to `uri`; events that MLflow will never take are told to `warn`."""
        self.uri = uri
        self._warn = warn
        self._client: Any = None

    def send(self, journal: Journal) -> int:
        """Send what the store has not confirmed and return how many events that were.

        Raises:
            Exception: whatever MLflow raises when a store does not answer; what was sent until
                then is confirmed and not sent again.
        """
        if self._client is None:
            self._client = _client(self.uri)
        confirmed = journal.confirmed(self.uri)
        if confirmed.mlflow_run is not None and not self._knows(confirmed.mlflow_run):
            confirmed = Confirmed(uri=self.uri)  # the store was set up anew: send everything
        sent = 0
        for events, offset in journal.blocks(confirmed.offset):
            if confirmed.mlflow_run is None:
                if events[0]["event"] != "open":
                    break  # killed before its first event was whole: there is no run to send
                run = self._run_of(journal.execution, events[0])
                confirmed = confirmed.model_copy(update={"mlflow_run": run})
                journal.confirm(confirmed)
            self._deliver(str(confirmed.mlflow_run), events)
            confirmed = confirmed.model_copy(update={"offset": offset})
            journal.confirm(confirmed)
            sent += len(events)
        return sent

    def _knows(self, run: str) -> bool:
        from mlflow.exceptions import MlflowException

        try:
            self._client.get_run(run)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise
        return True

    def _run_of(self, execution: str, opening: dict[str, Any]) -> str:
        """Return the MLflow run of an execution, made now if the store has none.

        So is the run it stands below, whose own events may be sent before or after.
        """
        tags = {**opening["tags"], "harness.execution": execution}
        if above := opening.get("parent"):
            parent = self._run_of(above["execution"], {**above, "time": opening["time"]})
            tags["mlflow.parentRunId"] = parent
        with _alone(self.uri):
            experiment = self._experiment(opening["experiment"])
            found = self._client.search_runs(
                [experiment], f"tags.\"harness.execution\" = '{execution}'", max_results=1
            )
            if found:
                return found[0].info.run_id
            run = self._client.create_run(
                experiment, start_time=opening["time"], tags=tags, run_name=opening["run_name"]
            )
            return run.info.run_id

    def _experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        for attempt in itertools.count():
            experiment = self._client.get_experiment_by_name(name)
            if experiment is not None:
                break
            try:
                return self._client.create_experiment(name)
            except MlflowException as error:
                # Another process made it between the two calls; it is there when asked again.
                if error.error_code != "RESOURCE_ALREADY_EXISTS" or attempt > 0:
                    raise
        return experiment.experiment_id

    def _deliver(self, run: str, events: list[dict[str, Any]]) -> None:
        """Send events in few requests; skip, with a warning, the single one MLflow refuses."""
        from mlflow.exceptions import MlflowException

        try:
            self._send_batch(run, events)
            for event in events:
                self._send_single(run, event)
        except MlflowException as error:
            if error.error_code != "INVALID_PARAMETER_VALUE":
                raise
            if len(events) > 1:
                for event in events:
                    self._deliver(run, [event])
            else:
                reason = str(error).splitlines()[0]
                self._warn(f"MLflow refuses one event ({reason}); it is left out")

    def _send_batch(self, run: str, events: list[dict[str, Any]]) -> None:
        from mlflow.entities import Metric, Param, RunTag

        metrics, parameters, tags = [], [], []
        for event in events:
            items = event.get("values", {}).items()
            if event["event"] == "metrics":
                time, step = event["time"], event["step"]
                metrics += [Metric(_key(key), value, time, step) for key, value in items]
            elif event["event"] == "parameters":
                parameters += [Param(_key(key), value[:_LONGEST_VALUE]) for key, value in items]
            elif event["event"] == "tags":
                tags += [RunTag(key, value) for key, value in items]
        for batch in _batches(metrics, _METRICS_A_REQUEST):
            self._client.log_batch(run, metrics=batch)
        for batch in _batches(parameters, _PARAMETERS_A_REQUEST):
            self._client.log_batch(run, params=batch)
        for batch in _batches(tags, _PARAMETERS_A_REQUEST):
            self._client.log_batch(run, tags=batch)

    def _send_single(self, run: str, event: dict[str, Any]) -> None:
        if event["event"] == "artifact":
            if Path(event["path"]).is_file():
                self._client.log_artifact(run, event["path"], event["folder"])
            else:
                self._warn(f"{event['path']}: is no longer there, so MLflow does not get it")
        elif event["event"] == "close":
            self._client.set_terminated(run, _STATUS[event["status"]], event["time"])


def _client(uri: str) -> Any:
    # We retry ourselves, from the journal: a request must fail soon rather than wait and repeat.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient

    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    with _alone(uri):
        return MlflowClient(tracking_uri=uri)


@contextlib.contextmanager
def _alone(uri: str) -> Iterator[None]:
    """Let one process of this folder at a time create tables, experiments and runs."""
    lock = UNSENT / "creating"
    if uri.startswith("sqlite:///"):
        lock = Path(uri.removeprefix("sqlite:///"))
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.with_name(lock.name + ".lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _key(name: str) -> str:
    """Return a metric's or parameter's name in the letters that MLflow allows."""
    return re.sub(r"[^\w\-. :/]", "_", name)[:250]


def _batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, size)):
        yield batch
