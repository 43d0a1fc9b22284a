"""Memory that a process uses again and again."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_NEVER = 2**31 - 1
_LARGEST = (2**31 - 1, 2**25)
"""Numbers of malloc.h; of the last two, older versions of glibc take only the smaller one."""


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, and return whether the C library could be told so.

    A step of training, or a batch that is lifted, frees its intermediate results. glibc then hands
    their memory back to the system, and the next step gets it page by page, each filled with
    zeros: up to a tenth of a training step, and a third of the time of lifting with a network of
    wide features. Other C libraries decide for themselves.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_TRIM_THRESHOLD, _NEVER)) and any(
        mallopt(_MMAP_THRESHOLD, size) for size in _LARGEST
    )
