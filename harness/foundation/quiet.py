"""What native libraries print while they work, kept from the terminal."""

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Send what libraries print to the process's standard error nowhere; Python's goes on."""
    sys.stderr.flush()
    held = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        with os.fdopen(os.dup(held), "w") as own, contextlib.ExitStack() as stack:
            if _is_standard_error(sys.stderr):
                stack.enter_context(contextlib.redirect_stderr(own))
            yield
    finally:
        os.dup2(held, 2)
        os.close(held)


def _is_standard_error(stream: object) -> bool:
    """Return whether a stream writes to descriptor 2; a test's may lie in memory."""
    try:
        return stream.fileno() == 2  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return False
