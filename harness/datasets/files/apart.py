"""Reading strangers' files in a process of its own, which may die, hang or fill its memory.

Libraries that parse MATLAB and CDF files trust what the bytes say. A damaged file can end one of
them by a signal, and the process with it; here that is one plain error. One process reads file
after file, so that its start is paid once.
"""

import atexit
import json
import math
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from harness.foundation.budget import BUDGET
from harness.foundation.errors import HarnessError
from harness.foundation.plain_json import parse_json
from harness.foundation.shown import shown

READY = b"ready"
"""What the process says once it takes requests."""

_START_SECONDS = 120.0
_AT_ONCE = 2**24
_KINDS = "biufU"


class ReaderFailed(Exception):
    """A file could not be read; the message says why."""


def read_apart(reader: str, path: Path, *arguments: str) -> dict[str, Any]:
    """Return what a function reads from a file, called in another process.

    Args:
        reader: the function as module:name; it takes the path and the arguments and returns
            arrays of numbers or text, arrays of such arrays, or lists of text, by name.
        path: the file.
        arguments: what else the function takes.

    Raises:
        ReaderFailed: the function raised, took longer or more memory than the budget allows, or
            its process died.
    """
    global _server
    if _server is None:
        _server = _Server()
    try:
        return _server.read(reader, path, arguments)
    except ReaderFailed:
        if not _server.alive:
            _server = None
        raise


class _Server:
    """The process, and the pipes to and from it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "harness.datasets.files.reader_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise ReaderFailed("no process to read it in could be started")
        self._requests, self._answers = self._process.stdin, self._process.stdout
        atexit.register(self.stop)
        # Its start, on a busy machine seconds, is not the first file's.
        self._deadline = time.monotonic() + _START_SECONDS
        try:
            self._bytes(len(READY))
        except (TimeoutError, EOFError) as error:
            self.stop()
            raise ReaderFailed("the process to read it in does not start") from error

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._requests.close()
        self._answers.close()
        atexit.unregister(self.stop)

    def read(self, reader: str, path: Path, arguments: tuple[str, ...]) -> dict[str, Any]:
        size = path.stat().st_size
        self._deadline = time.monotonic() + BUDGET.seconds(size)
        request = json.dumps([reader, str(path.absolute()), *arguments])
        try:
            self._requests.write(f"{request}\n".encode())
            length = int.from_bytes(self._bytes(8), "little")
            if length > BUDGET.text_bytes:
                raise EOFError
            answer = parse_json(self._bytes(length).decode(), "the answer")
            if "failed" not in answer:
                return {name: self._value(value) for name, value in answer["read"].items()}
        except TimeoutError as error:
            self.stop()
            raise ReaderFailed(
                f"it takes longer than {BUDGET.seconds(size):.0f} s to read, which no sound file "
                f"of {size:,} bytes does"
            ) from error
        except (EOFError, BrokenPipeError, HarnessError) as error:
            self.stop()
            raise ReaderFailed(
                f"it ended the process that read it (status {self._process.returncode})"
            ) from error
        raise ReaderFailed(shown(answer["failed"]))

    def _value(self, told: Any) -> Any:
        """Return a value from what is told of it; the bytes of arrays follow on the pipe."""
        if "text" in told:
            return told["text"]
        shape = tuple(told["shape"])
        if "cells" in told:
            cells = np.empty(len(told["cells"]), dtype=object)
            for index, cell in enumerate(told["cells"]):
                cells[index] = self._value(cell)
            return cells.reshape(shape)
        dtype = np.dtype(told["dtype"])
        if dtype.kind not in _KINDS:
            raise EOFError
        content = self._bytes(math.prod(shape) * dtype.itemsize)
        return np.ndarray(shape, dtype, buffer=content)

    def _bytes(self, count: int) -> bytearray:
        """Return so many bytes of the answer; raises EOFError or TimeoutError."""
        content = bytearray(count)
        view, done = memoryview(content), 0
        while done < count:
            left = self._deadline - time.monotonic()
            if left <= 0 or not select.select([self._answers], [], [], left)[0]:
                raise TimeoutError
            part = os.read(self._answers.fileno(), min(count - done, _AT_ONCE))
            if not part:
                raise EOFError
            view[done : done + len(part)] = part
            done += len(part)
        return content


_server: _Server | None = None
