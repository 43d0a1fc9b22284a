"""Tracking events on disk until a tracking server has confirmed them.

One folder an execution below .harness/unsent:

    events.jsonl   an event a line, appended as it happens
    artifacts/     copies of artifacts, since the files themselves may change before they are sent
    sent.json      how far which server has confirmed

Events are lost neither by a killed run nor by a server that dies: every line that ends in a newline
counts, and sending an event twice does no harm.
"""

import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.foundation.errors import HarnessError
from harness.foundation.files import only_writer, read_json, write_json
from harness.foundation.plain_json import parse_json

UNSENT = Path(".harness/unsent")
# A larger artifact, such as weights, is sent from where it lies; it may be gone by then.
_LARGEST_COPY_BYTES = 64 * 2**20


class Confirmed(BaseModel):
    """How much of a journal which server has confirmed.

    Attributes:
        uri: the server.
        mlflow_run: the run made there, or None before it was made.
        offset: bytes of events.jsonl confirmed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str
    mlflow_run: str | None = None
    offset: int = 0


class Journal:
    """The events of one execution; the process that holds `lock` may append or send."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._events = folder / "events.jsonl"

    @classmethod
    def called(cls, run_name: str, identity: str | None = None, root: Path = UNSENT) -> "Journal":
        """Return the journal of an execution of `run_name`; nothing is written yet.

        Args:
            run_name: how MLflow calls the run.
            identity: executions of the same name and identity share a journal and a run; without
                one the journal is new.
            root: where journals are kept.
        """
        readable = re.sub(r"[^\w.=-]+", "-", run_name)
        own = uuid.uuid4().hex[:12] if identity is None else re.sub(r"[^\w.=-]+", "-", identity)
        return cls((root / f"{readable}-{own}").absolute())

    @property
    def execution(self) -> str:
        """Identity of the execution, by which a server is asked whether it has the run."""
        return self.folder.name

    def lock(self) -> AbstractContextManager[None]:
        """Hold the journal; raises HarnessError where another process does."""
        return only_writer(self._events)

    def append(self, event: str, **values: Any) -> None:
        """Append an event with the time it happened (milliseconds since 1970).

        Raises:
            OSError: the disk is full or the folder cannot be written.
        """
        line = json.dumps({"event": event, "time": time.time_ns() // 1_000_000, **values})
        data = f"{line}\n".encode()
        with self._events.open("ab+", buffering=0) as stream:
            if stream.tell() > 0:
                stream.seek(-1, os.SEEK_END)
                if stream.read(1) != b"\n":
                    data = b"\n" + data  # after a line that a kill or a full disk cut short
            if stream.write(data) != len(data):
                raise OSError("the disk is full")

    def append_artifact(self, path: Path, folder: str | None) -> None:
        """Append an artifact: a copy of it, or where it lies if it is large.

        Raises:
            OSError: it cannot be read or copied.
        """
        source = path.absolute()
        if source.stat().st_size <= _LARGEST_COPY_BYTES:
            # The file keeps its name, under which the server will show it.
            kept = self.folder / "artifacts" / uuid.uuid4().hex[:12] / path.name
            kept.parent.mkdir(parents=True)
            shutil.copyfile(source, kept)
            source = kept
        self.append("artifact", path=str(source), folder=folder)

    def blocks(self, offset: int, size: int = 100) -> Iterator[tuple[list[dict[str, Any]], int]]:
        """Yield the events after `offset` in blocks of up to `size`, each with the offset after it.

        A line that a kill or a full disk cut short is left out.
        """
        with self._events.open("rb") as stream:
            stream.seek(offset)
            block: list[dict[str, Any]] = []
            for line in stream:
                if not line.endswith(b"\n"):
                    break
                offset += len(line)
                block.extend(_decoded(line))
                if len(block) == size:
                    yield block, offset
                    block = []
            if block:
                yield block, offset

    def confirmed(self, uri: str) -> Confirmed:
        """Return how much the server at `uri` has confirmed; nothing where it was another."""
        try:
            confirmed = Confirmed.model_validate(read_json(self.folder / "sent.json"))
        except (HarnessError, ValidationError):
            return Confirmed(uri=uri)
        return confirmed if confirmed.uri == uri else Confirmed(uri=uri)

    def confirm(self, confirmed: Confirmed) -> None:
        """Write down how much is confirmed."""
        write_json(self.folder / "sent.json", confirmed.model_dump())

    def is_there(self) -> bool:
        """Return whether it has events: another process may have sent and removed it."""
        return self._events.is_file()

    def is_closed(self) -> bool:
        """Return whether the execution wrote its end; one that was killed did not."""
        return any(event["event"] == "close" for block, _ in self.blocks(0) for event in block)

    def remove(self) -> None:
        """Delete the journal; call only when all of it is confirmed, or nothing is there."""
        shutil.rmtree(self.folder, ignore_errors=True)


def journals(root: Path = UNSENT) -> list[Journal]:
    """Return the journals kept below `root`; a folder in place of the events is none."""
    files = (path for path in sorted(root.glob("*/events.jsonl")) if path.is_file())
    return [Journal(path.parent.absolute()) for path in files]


def _decoded(line: bytes) -> list[dict[str, Any]]:
    try:
        event = parse_json(line.decode(errors="replace"), "an event")
    except HarnessError:
        return []
    return [event] if isinstance(event, dict) and {"event", "time"} <= event.keys() else []
