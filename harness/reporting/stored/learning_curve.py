"""Whether a run had converged: what the end of its validation curve says."""

from pathlib import Path
from typing import Literal

import numpy as np

from harness.foundation.history import read_history

FLAT_MM = 1.0
FALLING = (
    "still falling: a line through the last quarter of the validation curve falls by "
    f"{FLAT_MM:g} mm or more, and by more than twice its standard error"
)

_LEAST_EPOCHS = 4

Convergence = Literal["flat", "still falling", "not known"]


def convergence_of(run: Path) -> Convergence:
    """Return how the validation MPJPE of a run's history.csv ends, see `FALLING`.

    From epoch to epoch the error of few validation subjects jumps by millimetres, so a fall counts
    only where it stands out of that. A curve of fewer than four epochs tells nothing, nor does a
    run without validation clips.

    Args:
        run: the run's folder.
    """
    path = run / "history.csv"
    if not path.is_file():
        return "not known"
    curve = np.array([record.validation_MPJPE for record in read_history(path)], dtype=np.float64)
    late = curve[-max(_LEAST_EPOCHS, len(curve) // 4) :]
    if len(late) < _LEAST_EPOCHS or np.isnan(late).any():
        return "not known"
    line, covariance = np.polyfit(np.arange(len(late)), late, 1, cov=True)
    fall, error = np.array([-line[0], np.sqrt(covariance[0, 0])]) * (len(late) - 1)
    return "still falling" if fall >= FLAT_MM and fall > 2 * error else "flat"
