"""Frames a second from a frame time, which files round to a few digits."""

import re
from pathlib import Path

from harness.foundation.errors import HarnessError
from harness.foundation.shown import shown

SHORTEST_SECONDS, _LONGEST_SECONDS = 1e-4, 10.0
"""From one frame to the next, whatever recorded them."""
_VIDEO = 1000 / 1001
"""What video of 24, 30 and 60 frames a second really has of them."""


def rate_of(path: Path, frame_time: str) -> float:
    """Return the frames a second that a frame time in seconds means.

    Of the whole rates, or else those of video (29.97), the nearest is taken where its frame time
    differs by at most one in the last digit that the file gives: .0083333 is 120, 0.033367 is
    30000/1001. Otherwise it is one over the frame time.

    Args:
        path: the file; errors name it.
        frame_time: as it stands there.

    Raises:
        HarnessError: it is no number, or no time that anything records at.
    """
    number = re.fullmatch(r"\d*(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?", frame_time, re.ASCII)
    try:
        seconds = float(frame_time) if number else 0.0
    except ValueError:
        seconds = 0.0
    if number is None or not SHORTEST_SECONDS <= seconds <= _LONGEST_SECONDS:
        raise HarnessError(
            f"{path}: Frame Time is '{shown(frame_time, 40)}', expected the seconds from one frame "
            f"to the next, {SHORTEST_SECONDS:g} to {_LONGEST_SECONDS:g}, such as 0.0333333"
        )
    last_digit = 10.0 ** (int(number[2] or 0) - len(number[1] or ""))
    for unit in (1.0, _VIDEO):
        rate = max(1, round(1 / seconds / unit)) * unit
        if abs(1 / rate - seconds) <= last_digit:
            return rate
    return 1 / seconds
