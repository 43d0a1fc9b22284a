"""The process that reads strangers' files for `harness.datasets.files.apart`.

A request is a line of JSON: the reader as module:name, the file, further arguments. An answer is
the length of a JSON text (8 bytes, little-endian), the text, and the bytes of the arrays it tells
of, one after the other.
"""

import importlib
import json
import os
import resource
import sys
from pathlib import Path
from typing import IO, Any

import numpy as np

from harness.datasets.files.apart import READY
from harness.foundation.budget import BUDGET
from harness.foundation.processes import end_with_parent


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Say that requests are taken, and answer them until there are no more."""
    answers.write(READY)
    answers.flush()
    for line in requests:
        reader, path, *arguments = json.loads(line)
        arrays: list[bytes] = []
        answer: dict[str, Any]
        try:
            module, _, name = reader.partition(":")
            read = getattr(importlib.import_module(module), name)
            size = Path(path).stat().st_size
            _limit_memory(BUDGET.process_bytes + 2 * BUDGET.unpacked(size))
            found = read(Path(path), *arguments)
            room = [BUDGET.unpacked(size)]
            answer = {"read": {key: _told(value, arrays, room) for key, value in found.items()}}
        except MemoryError:
            arrays, answer = [], {"failed": "it takes more memory than a file of its size may"}
        except Exception as error:  # damaged bytes can be parsed into any error at all
            arrays, answer = [], {"failed": str(error) or type(error).__name__}
        text = json.dumps(answer).encode()
        for part in (len(text).to_bytes(8, "little"), text, *arrays):
            answers.write(part)
        answers.flush()


def _limit_memory(beside: int) -> None:
    """Let this process take so many bytes more than it has now."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + beside, hard))


def _told(value: Any, arrays: list[bytes], room: list[int]) -> dict[str, Any]:
    """Return what is told of a value in JSON; the bytes of its arrays are appended to `arrays`."""
    if not isinstance(value, np.ndarray):
        return {"text": value}
    if value.dtype.kind == "O":
        return {
            "shape": value.shape,
            "cells": [_told(cell, arrays, room) for cell in value.ravel()],
        }
    room[0] -= value.nbytes
    if room[0] < 0:
        raise MemoryError
    arrays.append(value.tobytes())
    return {"shape": value.shape, "dtype": value.dtype.str}


if __name__ == "__main__":
    end_with_parent()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    serve(sys.stdin.buffer, answers)
