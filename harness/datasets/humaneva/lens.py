"""The lens of a camera whose calibration is not given, found from 3D and its ground-truth 2D.

Both came from one calibration, so focal length and centre follow by least squares. Distortion is
left out; what it and rounding amount to is the residual.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Lens:
    """What a pinhole camera without distortion does.

    Attributes:
        focal_length: (x, y) in pixels.
        center: principal point (x, y) in pixels.
        residual_px: mean distance of 2D from the projection of 3D.
    """

    focal_length: tuple[float, float]
    center: tuple[float, float]
    residual_px: float


def fitted_lens(space: Floats, pixels: Floats) -> Lens:
    """Return the lens that brings 3D nearest to 2D.

    Args:
        space: (..., 3) positions in camera space, in any unit.
        pixels: (..., 2) where they were seen.
    """
    screen = space[..., :2].astype(np.float64) / space[..., 2:]
    (fx, cx), (fy, cy) = (_fitted_line(screen[..., axis], pixels[..., axis]) for axis in (0, 1))
    distance = np.linalg.norm(screen * (fx, fy) + (cx, cy) - pixels, axis=-1).mean()
    return Lens((fx, fy), (cx, cy), float(distance))


def _fitted_line(x: Floats, y: Floats) -> tuple[float, float]:
    """Return slope and intercept of y over x by least squares."""
    design = np.stack([x.ravel(), np.ones(x.size)], axis=1)
    (slope, intercept), *_ = np.linalg.lstsq(design, y.ravel().astype(np.float64), rcond=None)
    return float(slope), float(intercept)
