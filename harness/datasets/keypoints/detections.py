"""What every reader of a detector's files returns: who was found where in which frame."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.datasets.keypoints.layouts import JointOrder, order_of
from harness.foundation.errors import HarnessError

Floats = NDArray[np.float64]

_FARTHEST = 1e6  # pixels
_LARGEST = 100_000  # pixels
_RATES = (1.0, 1000.0)
# Where frames are named by numbers, gaps may be long; ids that are no frame numbers are longer.
_LEAST_SPAN, _MOST_GAPS = 10_000, 50


@dataclass(frozen=True)
class Detections:
    """All people of a file, a row for each person in each frame.

    Attributes:
        order: the joints.
        frame: (rows,) number of the frame, as the file counts; not sorted.
        points: (rows, joints, 2) pixels, or shares of the picture; NaN where nothing was found.
        confidence: (rows, joints), 0 where nothing was found.
        track: (rows,) whom the file says that it is, None where it does not.
        first: number of the first frame that the file tells of, empty ones included.
        last: number of its last frame.
        shares: whether points are shares of the picture's width and height.
        size: width and height of the picture in pixels, where the file says so.
        fps: frames a second, likewise.
    """

    order: JointOrder
    frame: NDArray[np.int64]
    points: Floats
    confidence: Floats
    track: tuple[str | None, ...]
    first: int
    last: int
    shares: bool = False
    size: tuple[int, int] | None = None
    fps: float | None = None


@dataclass
class DetectionsBuilder:
    """Takes people one by one, checks them and makes `Detections` of them.

    Attributes:
        where: the file; errors begin with it.
        allowed: numbers of joints that its format has.
        order: the joints; by the number of joints of the first person unless given.
    """

    where: str
    allowed: tuple[int, ...] = ()
    order: JointOrder | None = None
    _count: int = 0
    _frames: list[int] = field(default_factory=list)
    _empty: list[int] = field(default_factory=list)
    _people: list[Floats] = field(default_factory=list)
    _tracks: list[str | None] = field(default_factory=list)

    def add_frame(self, frame: int) -> None:
        """Say that the file tells of a frame, be it that nobody is in it."""
        self._empty.append(frame)

    def add(self, frame: int, person: Floats, track: Any = None) -> None:
        """Add a person.

        Args:
            frame: number of the frame.
            person: (joints, 3) x, y and confidence; NaN or a confidence of 0 where a joint was not
                found.
            track: the file's name or number for the person; None or below 0 for none.

        Raises:
            HarnessError: the number of joints is none of the format's, or another one than before,
                or a coordinate lies in no picture.
        """
        where = f"{self.where}: frame {frame}"
        if self.order is None:
            self.order = order_of(len(person), self.allowed, where)
        self._count = self._count or len(person)
        if len(person) != self._count:
            raise HarnessError(
                f"{where}: a person has {len(person)} joints, others have {self._count}; "
                "lift the output of one model at a time"
            )
        farthest = float(np.nanmax(np.abs(person[:, :2]), initial=0.0))
        if farthest > _FARTHEST:
            raise HarnessError(
                f"{where}: a coordinate is {farthest:g}, which is in no picture; detect this frame "
                "again"
            )
        self._frames.append(frame)
        self._people.append(person[: len(self.order.joints)])
        self._tracks.append(_track(track))

    def finish(
        self,
        *,
        shares: bool = False,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
    ) -> Detections:
        """Return what was added.

        Raises:
            HarnessError: nobody was, size or rate are no video's, or frames are numbered by what
                cannot be frame numbers.
        """
        if fps is not None and not _RATES[0] <= fps <= _RATES[1]:
            raise HarnessError(f"{self.where}: its frame rate is {fps:g}, expected 1 to 1000")
        if size is not None and not 0 < min(size) <= max(size) <= _LARGEST:
            raise HarnessError(
                f"{self.where}: its picture is {size[0]} x {size[1]}, expected 1 to {_LARGEST} "
                "pixels a side"
            )
        told = [*self._frames, *self._empty]
        if self.order is None or not self._frames:
            raise HarnessError(
                f"{self.where}: nobody was detected in any of {len(set(told))} frames; there is "
                "nothing to lift"
            )
        first, last = min(told), max(told)
        span = last - first + 1
        if span > max(_LEAST_SPAN, _MOST_GAPS * len(set(told))):
            raise HarnessError(
                f"{self.where}: frames are numbered {first} to {last}, but only "
                f"{len(set(told))} are told of; number the frames of a video one after the other"
            )
        people = np.stack(self._people)
        points, confidence = people[..., :2].copy(), people[..., 2].copy()
        # Detectors write what they did not find as zeros, or as numbers that are none.
        lost = np.isnan(people).any(axis=-1) | (points == 0).all(axis=-1) | ~(confidence > 0)
        points[lost], confidence[lost] = np.nan, 0.0
        return Detections(
            order=self.order,
            frame=np.array(self._frames, np.int64),
            points=points,
            confidence=confidence,
            track=tuple(self._tracks),
            first=first,
            last=last,
            shares=shares,
            size=size,
            fps=fps,
        )


def triples(values: Any, where: str) -> Floats:
    """Return the (joints, 3) of a flat list x, y, confidence, x, y, confidence, ...

    Raises:
        HarnessError: it is no such list.
    """
    flat = numbers(values, where, "x, y and confidence of each joint")
    if flat.ndim != 1 or len(flat) % 3:
        raise HarnessError(
            f"{where}: has {flat.size} numbers, expected x, y and confidence of each joint"
        )
    return flat.reshape(-1, 3)


def joined(points: Any, confidence: Any, where: str) -> Floats:
    """Return the (joints, 3) of a list of points and one of confidences.

    Args:
        points: (joints, 2) or more coordinates, of which the first two are taken.
        confidence: (joints,), or None for 1 everywhere.
        where: the file and place in it; errors name it.

    Raises:
        HarnessError: they are no numbers, or of other shapes.
    """
    places = numbers(points, where, "x and y of each joint")
    if places.ndim != 2 or places.shape[1] < 2:
        raise HarnessError(f"{where}: keypoints have shape {places.shape}, expected (joints, 2)")
    sure = np.ones(len(places)) if confidence is None else numbers(confidence, where, "confidence")
    if sure.shape != (len(places),):
        raise HarnessError(f"{where}: has {len(places)} joints but {sure.size} confidences")
    return np.column_stack([places[:, :2], sure])


def numbers(values: Any, where: str, what: str) -> Floats:
    """Return an array of plain numbers; None, an empty value of JSON, becomes NaN.

    Raises:
        HarnessError: something else stands there.
    """
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise HarnessError(f"{where}: holds no plain numbers, expected {what}") from error
    return array


def whole(value: Any, where: str, what: str) -> int:
    """Return a whole number.

    Raises:
        HarnessError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 2**53:
        raise HarnessError(f"{where}: {what} is {value!r}, expected a whole number")
    return value


def all_tracked(detections: Detections) -> bool:
    """Return whether the file says of everybody who it is."""
    return all(track is not None for track in detections.track)


def _track(told: Any) -> str | None:
    """Return the name of a track; detectors write -1, or a list of one number."""
    if isinstance(told, Sequence) and not isinstance(told, str):
        told = told[0] if len(told) == 1 else None
    if isinstance(told, float) and told.is_integer():
        told = int(told)
    if isinstance(told, bool) or told is None or (isinstance(told, int | float) and told < 0):
        return None
    return str(told) if isinstance(told, int | float | str) and str(told) else None
