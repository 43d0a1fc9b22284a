"""Who is who: people followed from frame to frame, and one or all of them chosen.

Where the file says who somebody is, it is believed. Otherwise people are followed: in each frame,
people and tracks are paired so that the sum of their distances is least (Hungarian method), the
distance being the mean over joints that both have, in diagonals of the track's box. Beyond
MOST_DISTANCE they are not the same; a track that was not continued for MOST_FRAMES_AWAY frames has
ended, and whoever comes then is somebody new. Where no frame has two people, whoever comes after
nobody was there for so long is taken to be the one who went.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.datasets.keypoints.detections import Detections, Floats, all_tracked
from harness.datasets.keypoints.layouts import JointOrder
from harness.foundation.errors import HarnessError
from harness.foundation.suggest import unknown_name

MOST_DISTANCE = 0.5
MOST_FRAMES_AWAY = 30
LEAST_FRAMES = 10
"""Somebody seen in fewer frames is left out where all people are asked for."""


@dataclass(frozen=True)
class Person:
    """Somebody through a video, from the first to the last frame that they are seen in.

    Attributes:
        name: the file's, or a number in the order of appearance.
        order: the joints.
        first_frame: number of the first frame, as the file counts.
        points: (frames, joints, 2); NaN where a joint was not found.
        confidence: (frames, joints), 0 where it was not.
        frames_seen: how many of the frames they were found in.
    """

    name: str
    order: JointOrder
    first_frame: int
    points: Floats
    confidence: Floats
    frames_seen: int


def people_of(detections: Detections) -> Mapping[str, Person]:
    """Return all people by name, in the order of appearance; see the module for the rule."""
    tracks = detections.track if all_tracked(detections) else tuple(map(str, _followed(detections)))
    rows: dict[str, list[int]] = {}
    for row in np.argsort(detections.frame, kind="stable"):
        rows.setdefault(str(tracks[row]), []).append(int(row))
    return {name: _person(name, detections, np.array(chosen)) for name, chosen in rows.items()}


def choose_people(people: Mapping[str, Person], which: str | None, where: str) -> list[Person]:
    """Return the people asked for.

    Args:
        people: all of them.
        which: a name, "largest" (the largest box, summed over the frames), or "all" who are seen
            in at least LEAST_FRAMES frames; None for the only one there is, or the largest.
        where: the file; errors name it.

    Raises:
        HarnessError: nobody goes by that name.
    """
    if which == "all":
        lasting = [person for person in people.values() if person.frames_seen >= LEAST_FRAMES]
        return lasting or list(people.values())
    if which in people:
        return [people[str(which)]]
    if which not in (None, "largest"):
        raise HarnessError(f"{where}: {unknown_name('person', str(which), people)}")
    return [max(people.values(), key=_size)]


def confident(person: Person, least: float, where: str) -> Person:
    """Return the person without joints that the detector is less sure of than `least`.

    Raises:
        HarnessError: nothing is left.
    """
    unsure = person.confidence < least
    if unsure.all():
        best = float(person.confidence.max())
        raise HarnessError(
            f"{where}: person '{person.name}' is never seen with a confidence of {least:g} or more "
            f"(the highest is {best:.3g}); lower --confidence"
        )
    points = np.where(unsure[..., None], np.nan, person.points)
    return replace(person, points=points, confidence=np.where(unsure, 0.0, person.confidence))


def _followed(detections: Detections) -> NDArray[np.int64]:
    """Return the number, from 1, of each row's person."""
    from scipy.optimize import linear_sum_assignment

    frames = detections.frame
    alone = len(np.unique(frames)) == len(frames)
    numbers = np.zeros(len(frames), np.int64)
    last_seen: dict[int, int] = {}  # track -> row
    order = np.argsort(frames, kind="stable")
    if alone:  # the usual file of one person, frame after frame
        ordered = detections.points[order]
        away = np.diff(frames[order]) > MOST_FRAMES_AWAY
        if (away | (_distances(ordered[:-1], ordered[1:]) <= MOST_DISTANCE)).all():
            return numbers + 1
    for rows in np.split(order, np.flatnonzero(np.diff(frames[order])) + 1):
        frame = int(frames[rows[0]])
        open_tracks = [
            track
            for track, row in last_seen.items()
            if frame - int(frames[row]) <= MOST_FRAMES_AWAY
        ]
        free = list(rows)
        if open_tracks:
            before = detections.points[[last_seen[track] for track in open_tracks]]
            distance = _distances(before[:, None], detections.points[rows][None])
            # A pair beyond the limit costs more than any number of pairs within it.
            cost = np.where(distance <= MOST_DISTANCE, distance, 1e6)
            for track, person in zip(*linear_sum_assignment(cost), strict=True):
                if distance[track, person] <= MOST_DISTANCE:
                    numbers[rows[person]] = open_tracks[track]
                    free.remove(rows[person])
        elif alone and last_seen:
            numbers[free.pop()] = numbers[order[np.searchsorted(frames[order], frame) - 1]]
        for row in free:
            numbers[row] = numbers.max() + 1
        last_seen.update({int(numbers[row]): int(row) for row in rows})
    return numbers


def _distances(before: Floats, now: Floats) -> Floats:
    """Return (...) mean distances in diagonals of the boxes of `before`; inf where unknown.

    Args:
        before: (..., joints, 2) where people were.
        now: likewise; their leading axes are broadcast.
    """
    apart = np.linalg.norm(before - now, axis=-1)
    both = np.isfinite(apart)
    mean = np.where(both, apart, 0.0).sum(axis=-1) / np.maximum(both.sum(axis=-1), 1)
    diagonal = np.maximum(np.linalg.norm(_extent(before), axis=-1), 1e-9)
    return np.where(both.any(axis=-1), mean / diagonal, np.inf)


def _extent(points: Floats) -> Floats:
    """Return (..., 2) width and height of the box around (..., joints, 2); 0 where nobody is."""
    low = np.where(np.isnan(points), np.inf, points).min(axis=-2)
    high = np.where(np.isnan(points), -np.inf, points).max(axis=-2)
    return np.where(np.isfinite(low), high - low, 0.0)


def _size(person: Person) -> float:
    return float(_extent(person.points).prod(axis=-1).sum())


def _person(name: str, detections: Detections, rows: NDArray[np.int64]) -> Person:
    """Return the person of some rows, in the order of frames; of two in one frame the surer."""
    frames = detections.frame[rows]
    first, last = int(frames.min()), int(frames.max())
    joints = len(detections.order.joints)
    points = np.full((last - first + 1, joints, 2), np.nan)
    confidence = np.zeros(points.shape[:2])
    surest = np.argsort(detections.confidence[rows].sum(axis=-1), kind="stable")
    places = frames[surest] - first
    points[places] = detections.points[rows[surest]]
    confidence[places] = detections.confidence[rows[surest]]
    seen = len(np.unique(frames))
    return Person(name, detections.order, first, points, confidence, seen)
