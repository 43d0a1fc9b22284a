"""Work for a process that is to import nothing else, which would take seconds."""

import numpy as np


def hold(size: int) -> int:
    """Hold twice so many bytes and return how many were asked for."""
    return len(np.ones(size, np.uint8).tobytes())
