"""Whether 2D keypoints can be pixels of a picture: missing ones, other units, another size.

Detectors write what they did not find as (0, 0) or (-1, -1), some tools write shares of the
picture, and keypoints are often of a smaller copy of the video. What most of a source has is an
error, what some of it has is a note with counts.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harness.body.camera import Camera
from harness.foundation.errors import HarnessError

_PLACEHOLDERS = (0.0, -1.0)
_LEAST_EXTENT_PX = 3.0
_MOST = 0.5
_NOTED_OUTSIDE = 0.05
# Another size of the video: so far off, and so much nearer when scaled, and scaled by so much.
_FAR_SHARE, _NEARER, _SCALED = 0.05, 4.0, 0.1

Points = NDArray[np.floating]


def check_2d(
    origin: str, source: str, points: Points, camera: Camera, exact: Points | None = None
) -> None:
    """Refuse keypoints of a clip that are no pixels of the camera's picture.

    Args:
        origin: where they come from; errors begin with it.
        source: the name of the 2D source.
        points: (frames, joints, 2); what was not found is a placeholder or not a number.
        camera: that saw them.
        exact: (frames, joints, 2) where the same joints are projected from 3D.

    Raises:
        HarnessError: they are shares of the picture, or fit the projection of 3D once scaled.
    """
    found = ~is_placeholder(points) & np.isfinite(points).all(axis=-1)
    if not found.any():
        return
    _check_unit(f"{origin}: 2D keypoints '{source}'", points, found, camera)
    if exact is not None:
        _check_picture(f"{origin}: 2D keypoints '{source}'", points, exact, found, camera)


def is_placeholder(points: Points) -> NDArray[np.bool_]:
    """Return (...) which points of (..., 2) are exactly (0, 0) or (-1, -1)."""
    at = [np.all(points == value, axis=-1) for value in _PLACEHOLDERS]
    return np.logical_or.reduce(at)


@dataclass
class SourceCounts:
    """Counts over all clips of one 2D source; `notes` tells them.

    Attributes:
        points: all of its points.
        placeholders: those at (0, 0) or (-1, -1).
        unsure: those of confidence 0.
        outside: those outside of the picture.
        reach: the largest share of width and of height that any point reaches.
    """

    points: int = 0
    placeholders: int = 0
    unsure: int = 0
    outside: int = 0
    reach: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))

    def add(self, points: Points, confidence: Points | None, camera: Camera) -> None:
        """Count a clip's points (frames, joints, 2) and their confidence (frames, joints)."""
        size = np.array([camera.width, camera.height])
        missing = is_placeholder(points)
        self.points += missing.size
        self.placeholders += int(missing.sum())
        self.unsure += 0 if confidence is None else int((confidence == 0).sum())
        beyond = np.any((points < 0) | (points > size), axis=-1) & ~missing
        self.outside += int(beyond.sum())
        if len(points):  # no frame of a clip may be valid
            self.reach = np.maximum(self.reach, points.max(axis=(0, 1)) / size)

    def notes(self, source: str) -> list[str]:
        """Return what is odd about the source, a line each.

        Raises:
            HarnessError: most of its points were not found, or lie outside of the picture.
        """
        told, total = f"2D source {source}", f"of {self.points:,} points"
        if self.placeholders > _MOST * self.points:
            raise HarnessError(
                f"{told}: {self.placeholders:,} {total} lie exactly at (0, 0) or (-1, -1), which "
                "detectors write for what they did not find; fill these in, or leave out the clips"
            )
        if self.outside > _MOST * self.points:
            raise HarnessError(
                f"{told}: {self.outside:,} {total} lie outside of the picture; keypoints must be "
                "pixels of the picture whose size is given, so scale them, or correct the size"
            )
        notes = []
        if self.placeholders:
            notes.append(
                f"{told}: {self.placeholders:,} {total} lie exactly at (0, 0) or (-1, -1), as "
                "detectors write what they did not find; they are taken as they are"
            )
        if self.unsure:
            notes.append(f"{told}: {self.unsure:,} {total} have confidence 0 (not detected)")
        if self.outside > _NOTED_OUTSIDE * self.points:
            notes.append(f"{told}: {self.outside:,} {total} lie outside of the picture")
        if self.points and (self.reach < _MOST).all():
            notes.append(
                f"{told}: no point lies in the right or the lower half of the picture; are they of "
                "a smaller copy of the video?"
            )
        return notes


def _check_unit(what: str, points: Points, found: NDArray[np.bool_], camera: Camera) -> None:
    held = np.where(found[..., None], points, np.nan)[found.any(axis=1)]
    extent = np.nanmax(held, axis=1) - np.nanmin(held, axis=1)
    if np.median(extent.max(axis=-1)) >= _LEAST_EXTENT_PX:
        return
    low, high = float(np.nanmin(held)), float(np.nanmax(held))
    if high > 2 or low < -2:
        unit = "everybody would be smaller than that"
    elif low < 0:
        unit = (
            "they seem to be normalised to -1 ... 1: pixels are (x + 1) * width / 2 and "
            "(y + height / width) * width / 2"
        )
    else:
        unit = "they seem to be shares of the picture: multiply x by its width and y by its height"
    raise HarnessError(
        f"{what} span less than {_LEAST_EXTENT_PX:g} pixels a person, from {low:.3g} to "
        f"{high:.3g}; "
        f"expected pixels of a picture of {camera.width} x {camera.height}; {unit}"
    )


def _check_picture(
    what: str, points: Points, exact: Points, found: NDArray[np.bool_], camera: Camera
) -> None:
    """Refuse keypoints that are the projection in a picture of another size."""
    given, truth = points[found].astype(np.float64), exact[found].astype(np.float64)
    off = float(np.linalg.norm(given - truth, axis=-1).mean())
    if off < _FAR_SHARE * camera.width:
        return
    scale = (given * truth).sum() / (given * given).sum()
    left = float(np.linalg.norm(scale * given - truth, axis=-1).mean())
    if left * _NEARER < off and abs(scale - 1) > _SCALED:
        raise HarnessError(
            f"{what} are {off:.0f} pixels from the projection of 3D on average, but {left:.0f} "
            f"when multiplied by {scale:.3g}; they seem to be of a picture of "
            f"{camera.width / scale:.0f} x {camera.height / scale:.0f}, expected {camera.width} x "
            f"{camera.height}"
        )
