"""Readers that do what damaged files make of libraries: `read_apart` calls them elsewhere."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np


def numbers(path: Path, *names: str) -> dict[str, Any]:
    print("what a library prints is no answer")
    return {name: np.arange(6.0).reshape(2, 3) for name in names}


def by_signal(path: Path) -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def by_exit(path: Path) -> dict[str, Any]:
    os._exit(0)


def hanging(path: Path) -> dict[str, Any]:
    time.sleep(60)
    return {}


def in_memory(path: Path) -> dict[str, Any]:
    return {"ones": np.ones(2**30)}


def in_bulk(path: Path) -> dict[str, Any]:
    return {"ones": np.ones(2**24)}


def raising(path: Path) -> dict[str, Any]:
    raise ValueError("one\x1b[31m\ntwo")
