"""The frame rates of clips."""

import pandas as pd


def frame_rates(clips: pd.DataFrame) -> tuple[float, ...]:
    """Return the frames a second that clips of a prepared set have, each rate once, in order."""
    return tuple(sorted(float(rate) for rate in clips["fps"].unique()))
