"""A disk that is full, as far as a process can tell: a limit on the size of the files it writes."""

import contextlib
import resource
import signal
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def full_disk() -> Iterator[Callable[[int], None]]:
    """Yield what limits how many bytes this process may write into a file, until the block ends.

    What is imported meanwhile leaves no bytecode: Python 3.11 would keep it cut off at the limit,
    and no later process could import the module.
    """
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, usual[1]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
        signal.signal(signal.SIGXFSZ, handler)
        sys.dont_write_bytecode = bytecode
