"""Whether a run had converged: what the end of its validation curve says."""

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

FLAT_MM = 1.0
"""A curve is flat where a line through its last third falls by less than this."""

Convergence = Literal["flat", "still falling", "not known"]


def convergence_of(run: Path) -> Convergence:
    """Return how the validation MPJPE of a run's history.csv ends.

    A curve of fewer than three epochs, and a run without validation clips, tell nothing.

    Args:
        run: the run's folder.
    """
    path = run / "history.csv"
    if not path.is_file():
        return "not known"
    curve = pd.read_csv(path)["validation_MPJPE"].to_numpy(np.float64)
    late = curve[-max(3, len(curve) // 3) :]
    if len(late) < 3 or np.isnan(late).any():
        return "not known"
    slope = np.polyfit(np.arange(len(late)), late, 1)[0]
    return "still falling" if -slope * (len(late) - 1) >= FLAT_MM else "flat"
