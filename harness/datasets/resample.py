"""Another frame rate for recorded motion, without aliasing."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

# What lies above half the lower rate would fold back as motion that never was. The filter passes
# up to 76 % of that limit (19 Hz at 50 frames a second) and holds back 80 dB from the limit on.
_PASSED = 0.76
_ATTENUATION_DB = 80.0


def resample(positions: NDArray[np.floating], rate: float, new_rate: float) -> NDArray[np.floating]:
    """Return positions (frames, ...) taken at `rate` as they are at `new_rate` frames a second.

    A linear-phase low-pass filter (windowed sinc, Kaiser) comes first: steps of one frame, which
    the new rate cannot show, are averaged out. The first new frame is the first old frame's instant
    and the last lies within the recording. Beyond its ends the motion is thought to go on as its
    point reflection, which keeps place and velocity, so that ends do not ring.

    Raises:
        ValueError: a rate is not positive, or their ratio is not that of small whole numbers.
    """
    from scipy.signal import firwin, kaiserord, resample_poly

    if not (rate > 0 and new_rate > 0):
        raise ValueError(f"frame rates must be positive, got {rate} and {new_rate}")
    ratio = Fraction(new_rate / rate).limit_denominator(1000)
    if not np.isclose(float(ratio), new_rate / rate, rtol=1e-9):
        raise ValueError(f"{rate} to {new_rate} frames a second is no ratio of small numbers")
    up, down = ratio.numerator, ratio.denominator
    if up == down:
        return positions.copy()
    between = rate * up
    limit = min(rate, new_rate) / 2
    width = (1 - _PASSED) * limit
    taps, beta = kaiserord(_ATTENUATION_DB, width / (between / 2))
    half = taps // 2
    window = firwin(2 * half + 1, limit - width / 2, window=("kaiser", beta), fs=between)
    reach = -(-(half // up + 1) // down) * down
    around = [(reach, reach)] + [(0, 0)] * (positions.ndim - 1)
    extended = np.pad(positions, around, mode="reflect", reflect_type="odd")
    filtered = resample_poly(extended, up, down, axis=0, window=window.tolist(), padtype="line")
    frames = (len(positions) - 1) * up // down + 1
    first = reach * up // down
    return np.asarray(filtered[first : first + frames], dtype=np.float64)
