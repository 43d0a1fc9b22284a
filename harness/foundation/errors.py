"""Errors a user can act on."""

from harness.foundation.shown import escaped


class HarnessError(Exception):
    """A mistake in what the harness was given: wrong use, bad input, unusable file.

    The message is one plain line: which file, clip or key; what was found; what was expected;
    what to do. The command line prints it without a traceback and exits with 2. What a file says
    in it can neither break the line nor write to the terminal.
    """

    exit_code = 2

    def __str__(self) -> str:
        """Return the message on one line, everything that does not print escaped."""
        return escaped(super().__str__())


class CheckFailed(HarnessError):
    """A check ran properly and its answer is no: MPJPE worse than its reference (exit 1)."""

    exit_code = 1
