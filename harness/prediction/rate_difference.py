"""Frame rates of what a lifter was trained on and of what it predicts.

A window of 27 frames is half a second at 50 frames a second and three at 10: lifters of more than
one frame have learnt how far people move between frames.
"""

import math
from collections.abc import Sequence


def nearest_rate(trained: Sequence[float], rate: float) -> float:
    """Return the rate trained at that is fewest times faster or slower than `rate`."""
    return min(trained, key=lambda one: abs(math.log(one / rate)))


def rate_difference(
    trained: Sequence[float] | None, predicted: Sequence[float], frames: int
) -> str | None:
    """Say how the rates of clips differ from those trained at; None where they do not.

    Args:
        trained: frames a second trained at; None where that is not known.
        predicted: those of the clips to predict.
        frames: length of the lifter's window; one frame has no rate.
    """
    if frames == 1:
        return None
    told = f"clips have {_listed(predicted)} frames a second"
    if trained is None:
        return f"{told}; what rate the weights were trained at is not recorded"
    odd = [rate for rate in predicted if rate not in trained]
    if not odd:
        return None
    nearest = nearest_rate(trained, odd[0])
    return (
        f"{told}, trained at {_listed(trained)}: a window of {frames} frames spans "
        f"{frames / odd[0]:.2g} s in place of {frames / nearest:.2g} s; resample the 2D to the "
        "rate trained at for what the lifter can do"
    )


def _listed(rates: Sequence[float]) -> str:
    return ", ".join(f"{rate:g}" for rate in rates)
