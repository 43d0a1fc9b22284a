"""Peak memory of a piece of work, measured in a process of its own (Linux)."""

import multiprocessing
import re
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.timing import seconds


class Usage(NamedTuple):
    """What a piece of work took.

    Attributes:
        result: what it returned.
        seconds: how long it took.
        processor: seconds of processor time it took, of all its threads.
        peak: bytes of memory that it came to hold beyond what the process held before.
    """

    result: Any
    seconds: float
    processor: float
    peak: int


def usage_of(work: Callable[..., Any], *arguments: Any) -> Usage:
    """Do `work` in a new process and return what it took.

    Imports belong to the process, not to the work: the module that defines `work` is imported
    before anything is measured. Pages of mapped files count as long as they are in memory.

    Args:
        work: a function of a module.
        arguments: for it; they and the result must pickle.
    """
    # Forked processes would inherit the pages of this one.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_used, work, *arguments).result()


def _used(work: Callable[..., Any], *arguments: Any) -> Usage:
    results: list[Any] = []
    held, begun = peak_begins(), time.process_time()
    taken = seconds(lambda: results.append(work(*arguments)))
    return Usage(results[0], taken, time.process_time() - begun, peak_since(held))


def peak_begins() -> int:
    """Forget the peak until now; return the bytes that this process holds."""
    Path("/proc/self/clear_refs").write_text("5")
    return resident("VmRSS")


def peak_since(held: int) -> int:
    """Return the bytes that this process has held at once beyond `held` since `peak_begins`."""
    return resident("VmHWM") - held


def resident(field: str) -> int:
    """Return a field of the kernel's account of this process, such as VmHWM, in bytes."""
    status = Path("/proc/self/status").read_text()
    found = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"/proc/self/status has no {field}")
    return 1024 * int(found[1])
