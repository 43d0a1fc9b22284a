"""Tracking: a mirror of runs in MLflow that can neither fail, slow nor lose a run.

A tracker appends every event to a journal on disk (`tracking_journal.py` beside this file); a
thread sends the journal. Where the server is down, the user is told once, the run goes on, and
`harness sync` sends what was kept.

Importing MLflow and opening its store takes seconds. A pipeline has many short stages, so with
HARNESS_TRACKING=later a run that ends within a minute leaves its journal to whoever sends next.
"""

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from harness.foundation.dotted import dotted
from harness.foundation.errors import HarnessError
from harness.foundation.provenance import origin_tags
from harness.foundation.shown import shown
from harness.foundation.tracking_journal import UNSENT, Journal, journals
from harness.foundation.tracking_mlflow import MlflowSender, tracking_uri

Status = Literal["finished", "failed"]

_SECONDS_BETWEEN_ATTEMPTS = 30.0
_PATIENCE_SECONDS = 60.0
_LATER_SECONDS = 60.0
_RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "SLURM_PROCID")


class Tracker(Protocol):
    """Where a run's parameters, metrics and files are mirrored; no method ever raises."""

    def parameters(self, values: Mapping[str, Any]) -> None:
        """Record parameters; nested ones get dotted names."""

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Record metrics at an epoch or step."""

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Record a file as it is now, in a folder of the run's artifacts."""

    def tags(self, values: Mapping[str, str]) -> None:
        """Record tags."""

    def close(self, status: Status) -> None:
        """Say how the run ended; nothing may be recorded afterwards."""


class NullTracker:
    """Tracks nothing."""

    def parameters(self, values: Mapping[str, Any]) -> None:
        """Do nothing."""

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Do nothing."""

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Do nothing."""

    def tags(self, values: Mapping[str, str]) -> None:
        """Do nothing."""

    def close(self, status: Status) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class ParentRun:
    """A run that stands above others, such as a grid above its cells, in several processes.

    Attributes:
        execution: its identity; a run of the same identity goes on where it was.
        experiment: MLflow's experiment.
        run_name: name of the run.
        tags: its tags.
    """

    execution: str
    experiment: str
    run_name: str
    tags: Mapping[str, str]


@contextlib.contextmanager
def open_parent(parent: ParentRun) -> Iterator[Tracker]:
    """Track the run that stands above others; see `open_tracker`."""
    journal = Journal((UNSENT / parent.execution).absolute())
    with _closing(_tracker(journal, parent.experiment, parent.run_name, dict(parent.tags))) as run:
        yield run


@contextlib.contextmanager
def open_tracker(
    experiment: str,
    run_name: str,
    tags: Mapping[str, str] | None = None,
    *,
    within: Tracker | None = None,
    parent: ParentRun | None = None,
    identity: str | None = None,
) -> Iterator[Tracker]:
    """Track an execution in MLflow; it ends as "failed" when the block raises.

    Nothing is tracked with HARNESS_TRACKING=off, and on no process but the first of a distributed
    run; with HARNESS_TRACKING=later, a run of less than a minute is kept in the journal. A place
    that cannot be written costs a warning, never the run.

    Args:
        experiment: MLflow's experiment, such as the profile.
        run_name: name of the run, such as "quick/dgnet-seed0".
        tags: what leads back to the run's record, such as `RunRecord.tags()`.
        within: a tracker that is open; all is recorded there instead of in a run of its own.
        parent: the run that this one stands below.
        identity: what tells it from others of its name; an execution of the same name and identity,
            such as the scoring of what was trained, goes on in the same run of MLflow. Without it
            every execution is a run of its own.
    """
    if within is not None:
        within.tags(tags or {})
        yield within
        return
    journal = Journal.called(run_name, identity)
    with _closing(_tracker(journal, experiment, run_name, dict(tags or {}), parent)) as tracker:
        yield tracker


def track_files(written: Iterable[Path], folder: Path, *, experiment: str, run_name: str) -> None:
    """Record tables and figures in one run that each time is brought up to date."""
    with open_tracker(experiment, run_name, {"kind": "tables"}, identity="tables") as tracker:
        for path in written:
            place = path.parent.relative_to(folder)
            tracker.artifact(path, None if place == Path() else place.as_posix())


@contextlib.contextmanager
def _closing(tracker: Tracker) -> Iterator[Tracker]:
    try:
        yield tracker
    except BaseException:
        tracker.close("failed")
        raise
    tracker.close("finished")


def _tracker(
    journal: Journal,
    experiment: str,
    run_name: str,
    tags: dict[str, str],
    parent: ParentRun | None = None,
) -> Tracker:
    if _tracking() == "off" or any(os.environ.get(rank, "0") != "0" for rank in _RANKS):
        return NullTracker()
    try:
        return JournalTracker(journal, experiment, run_name, {**origin_tags(), **tags}, parent)
    except (HarnessError, OSError) as error:
        journal.remove()
        warn(f"this run is not tracked, no journal can be kept ({error})")
        return NullTracker()


def _tracking() -> str:
    return os.environ.get("HARNESS_TRACKING", "").lower()


class JournalTracker:
    """Appends events to a journal, which a thread of its own sends to MLflow."""

    def __init__(
        self,
        journal: Journal,
        experiment: str,
        run_name: str,
        tags: Mapping[str, str],
        parent: ParentRun | None = None,
    ) -> None:
        """Open the journal and start to send it.

        Raises:
            HarnessError: the journal's folder cannot be written.
            OSError: its first event cannot be written.
        """
        self._journal = journal
        self._holding = contextlib.ExitStack()
        self._holding.enter_context(journal.lock())
        above = {} if parent is None else {"parent": asdict(parent)}
        journal.append("open", experiment=experiment, run_name=run_name, tags=dict(tags), **above)
        self._told: set[str] = set()
        self._closing = False
        self._not_before = time.monotonic() + (_LATER_SECONDS if _tracking() == "later" else 0.0)
        self._news = threading.Event()
        self._news.set()
        self._sender = MlflowSender(tracking_uri(), warn)
        self._thread = threading.Thread(target=self._send_until_closed, daemon=True)
        self._thread.start()

    def parameters(self, values: Mapping[str, Any]) -> None:
        """Record parameters; nested ones get dotted names."""
        plain = {
            key: value if isinstance(value, str) else json.dumps(value, default=str)
            for key, value in dotted(values).items()
        }
        self._append("parameters", values=plain)

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Record metrics at an epoch or step."""
        plain = {key: float(value) for key, value in values.items()}
        self._append("metrics", values=plain, step=int(step))

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Record a file as it is now, in a folder of the run's artifacts."""
        with self._never_failing():
            self._journal.append_artifact(path, folder)
        self._news.set()

    def tags(self, values: Mapping[str, str]) -> None:
        """Record tags."""
        self._append("tags", values={key: str(value) for key, value in values.items()})

    def close(self, status: Status) -> None:
        """Say how the run ended and wait while the rest is being sent."""
        if self._closing:
            return
        self._append("close", status=status)
        self._closing = True
        self._news.set()
        self._thread.join(_PATIENCE_SECONDS)
        if self._thread.is_alive():
            self._tell("slow", f"MLflow at {self._sender.uri} is slow; {_KEPT}")

    def _append(self, event: str, **values: Any) -> None:
        with self._never_failing():
            self._journal.append(event, **values)
        self._news.set()

    @contextlib.contextmanager
    def _never_failing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._tell("journal", f"tracking loses an event, which could not be kept ({error})")

    def _send_until_closed(self) -> None:
        next_attempt = self._not_before
        while True:
            # Without news, wake up to try again what a server that was down did not take.
            self._news.wait(_SECONDS_BETWEEN_ATTEMPTS)
            self._news.clear()
            closing = self._closing
            now = time.monotonic()
            if now >= next_attempt or (closing and now >= self._not_before):
                try:
                    self._sender.send(self._journal)
                    if closing:
                        self._journal.remove()
                except Exception as error:  # of any kind: tracking must not fail a run
                    self._tell("server", f"{_not_sent(self._sender.uri, error)}; {_KEPT}")
                    next_attempt = time.monotonic() + _SECONDS_BETWEEN_ATTEMPTS
            if closing:
                self._holding.close()
                return

    def _tell(self, subject: str, text: str) -> None:
        """Warn once a subject."""
        if subject not in self._told:
            self._told.add(subject)
            warn(text)


@dataclass(frozen=True)
class Synchronised:
    """What became of a journal.

    Attributes:
        name: the journal's folder.
        events: events sent now, or None where the run still goes on and sends them itself.
    """

    name: str
    events: int | None


def send_unsent(root: Path = UNSENT) -> Iterator[Synchronised]:
    """Send every journal kept below `root`, and yield each as it is done.

    A run that was killed before it could write its end is marked as killed.

    Raises:
        HarnessError: the server does not answer; what was sent until then is not sent again.
    """
    sender = MlflowSender(tracking_uri(), warn)
    for journal in journals(root):
        with contextlib.ExitStack() as holding:
            try:
                holding.enter_context(journal.lock())
            except HarnessError:
                yield Synchronised(journal.folder.name, None)
                continue
            if not journal.is_there():  # sent by another process since it was listed
                journal.remove()
                continue
            try:
                if not journal.is_closed():
                    journal.append("close", status="killed")
                events = sender.send(journal)
            except Exception as error:  # of any kind: MLflow raises what its libraries raise
                raise HarnessError(
                    f"{_not_sent(sender.uri, error)}; events stay in {root}, "
                    "run 'harness sync' again when it answers"
                ) from error
            journal.remove()
        yield Synchronised(journal.folder.name, events)


def send_waiting() -> None:
    """Send every journal kept, as far as MLflow takes it; one that cannot be sent stays."""
    if _tracking() == "off":
        return
    try:
        for _ in send_unsent():
            pass
    except HarnessError as error:
        warn(str(error))


def warn(text: str) -> None:
    """Print a warning beside the run's output."""
    print(f"Warning: {text}", file=sys.stderr, flush=True)


_KEPT = f"the run goes on and keeps its events in {UNSENT}, send them later with 'harness sync'"


def _not_sent(uri: str, error: Exception) -> str:
    innermost: BaseException = error
    while innermost.__cause__ or innermost.__context__:
        innermost = innermost.__cause__ or innermost.__context__ or innermost
    # MLflow's advice, such as to migrate its database, stands at the end of long sentences.
    return f"MLflow at {uri} does not take events ({shown(innermost, longest=2000)})"
