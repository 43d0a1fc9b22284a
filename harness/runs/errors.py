"""Errors a user can act on."""


class HarnessError(Exception):
    """A mistake in what the harness was given: wrong use, bad input, unusable file.

    The message is one or two plain lines: which file, clip or key; what was found; what was
    expected; what to do. The command line prints it without a traceback and exits with 2.
    """

    exit_code = 2


class CheckFailed(HarnessError):
    """A check ran properly and its answer is no: MPJPE worse than its reference (exit 1)."""

    exit_code = 1
