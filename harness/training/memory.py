"""Memory that steps of training use again."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_NEVER, _LARGEST = 2**31 - 1, 2**25
"""The largest numbers that glibc takes (malloc.h; mallopt(3))."""


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, and return whether the C library could be told so.

    A training step frees all its intermediate results at its end. glibc then hands their memory
    back to the system, and the next step gets it page by page, each filled with zeros: up to a
    tenth of a step. Other C libraries decide for themselves.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_TRIM_THRESHOLD, _NEVER)) and bool(mallopt(_MMAP_THRESHOLD, _LARGEST))
