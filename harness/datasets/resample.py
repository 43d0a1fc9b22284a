"""Another frame rate for recorded motion, without aliasing."""

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from harness.foundation.errors import HarnessError

# What lies above half the lower rate would fold back as motion that never was. The filter passes
# up to 76 % of that limit (19 Hz at 50 frames a second) and holds back 80 dB from the limit on.
_PASSED = 0.76
_ATTENUATION_DB = 80.0


def resample(positions: NDArray[np.float64], rate: float, new_rate: float) -> NDArray[np.float64]:
    """Return positions (frames, ...) taken at `rate` as they are at `new_rate` frames a second.

    A linear-phase low-pass filter (Kaiser-windowed sinc) runs with the conversion. The first new
    frame is the first old frame's instant; the last lies within the recording. Beyond its ends the
    motion is continued as its point reflection, which keeps place and velocity there, so that ends
    do not ring.

    Raises:
        HarnessError: a rate is not positive, or their ratio is not that of small whole numbers.
    """
    from scipy.signal import firwin, kaiserord, upfirdn

    possible = 0 < rate < math.inf and 0 < new_rate < math.inf
    ratio = Fraction(new_rate / rate if possible else 0.0).limit_denominator(1000)
    if not ratio or abs(float(ratio) * rate - new_rate) > 1e-6 * new_rate:
        raise HarnessError(
            f"motion cannot be resampled from {rate:g} to {new_rate:g} frames a second; their "
            "ratio must be that of two whole numbers up to 1000"
        )
    up, down = ratio.numerator, ratio.denominator
    if up == down:
        return positions.copy()
    between, limit = rate * up, min(rate, new_rate) / 2
    width = (1 - _PASSED) * limit
    taps, beta = kaiserord(_ATTENUATION_DB, width / (between / 2))
    half = _rounded_up(taps / 2, down)
    window = firwin(2 * half + 1, limit - width / 2, window=("kaiser", beta), fs=between)
    for phase in range(up):
        # Every new frame is a weighted mean of old ones: a still body stays where it is.
        window[phase::up] /= window[phase::up].sum()
    reach = _rounded_up(half / up + 1, down)
    around = [(reach, reach)] + [(0, 0)] * (positions.ndim - 1)
    extended = np.pad(positions, around, mode="reflect", reflect_type="odd")
    filtered = np.asarray(upfirdn(window, extended, up, down, axis=0), dtype=np.float64)
    first = (reach * up + half) // down
    return filtered[first : first + (len(positions) - 1) * up // down + 1]


def _rounded_up(value: float, multiple: int) -> int:
    return math.ceil(value / multiple) * multiple
