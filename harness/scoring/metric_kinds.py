"""What is known of a metric before anything is computed, and what it is computed from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.body.joint_angles import Bend, bends_of, joint_angles
from harness.body.skeleton import Skeleton
from harness.body.vectors import between, lengths
from harness.scoring.procrustes import similar_and_rigid_distances

Floats = NDArray[np.floating]
FrameNumbers = NDArray[np.integer]

MILLIMETRES = 1000.0


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What is known of a metric before anything is computed.

    Attributes:
        name: how files and tables call it.
        unit: the unit of printed values.
        better: which direction is better.
        lowest: the smallest value possible, in `unit`.
        highest: the largest, in `unit`.
        description: what it measures, in one sentence.
        factor: a mean of stored values times this is a value in `unit`.
        extra_decimals: digits printed beyond those of the protocol.
    """

    name: str
    unit: str
    better: Literal["lower", "higher"]
    lowest: float
    highest: float
    description: str
    factor: float = 1.0
    extra_decimals: int = 0


@dataclass(frozen=True, kw_only=True)
class PositionMetric(Metric):
    """A metric that every joint has in every frame; its errors by frame and joint are stored.

    Attributes:
        errors: of the poses of a clip returns (frames, joints) in `unit`.
    """

    errors: Callable[["ClipPoses"], Floats]


@dataclass(frozen=True, kw_only=True)
class DistanceMetric(Metric):
    """A metric computed from stored MPJPE.

    Attributes:
        credits: of distances in mm returns the credit of each, between 0 and 1.
    """

    credits: Callable[[Floats], Floats]


@dataclass(frozen=True)
class ClipPoses:
    """The scored frames of one clip, as a protocol places them, and what several metrics need.

    All is computed when first asked for and kept, so that no two metrics align a pose twice.

    Attributes:
        predicted: (frames, joints, 3) metres.
        target: the same shape.
        frames: (frames,) numbers within the clip, ascending; frames that a protocol counts twice
            come again after the last one.
        skeleton: the joints, and how they hang together.
        fps: frames a second.
        window: length of the lifter's window.
        roots: by origin ("predicted", "fitted"), (frames, 3) camera-space metres: the estimated
            path of the root minus the true one.
    """

    predicted: NDArray[np.float64]
    target: NDArray[np.float64]
    frames: FrameNumbers
    skeleton: Skeleton
    fps: float
    window: int
    roots: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    @cached_property
    def error(self) -> NDArray[np.float64]:
        """(frames, joints, 3): predicted minus true positions, metres."""
        return self.predicted - self.target

    @cached_property
    def aligned_distances(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(frames, joints) mm left by each frame's best similarity and best rigid transform."""
        similar, rigid = similar_and_rigid_distances(self.predicted, self.target)
        return similar * MILLIMETRES, rigid * MILLIMETRES

    @cached_property
    def bone_lengths(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Predicted and true lengths of the skeleton's bones: (frames, bones), mm."""
        parents, children = zip(*self.skeleton.edges, strict=True)
        return (
            millimetres_long(between(self.predicted, parents, children)),
            millimetres_long(between(self.target, parents, children)),
        )

    @cached_property
    def bends(self) -> list[Bend]:
        """The angles of the body that these joints have."""
        return bends_of(self.skeleton)

    @cached_property
    def angles(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The predicted and the true angles: (frames, bends) degrees."""
        return joint_angles(self.predicted, self.bends), joint_angles(self.target, self.bends)

    @cached_property
    def third_of_three(self) -> NDArray[np.intp]:
        """The rows whose two neighbours before them are there."""
        step = np.diff(self.frames) == 1
        return np.flatnonzero(step[1:] & step[:-1]) + 2

    @cached_property
    def second_differences(self) -> NDArray[np.float64]:
        """(rows of `third_of_three`, joints): lengths of the error's second difference, mm."""
        error = self.error
        everywhere = millimetres_long(error[2:] - 2 * error[1:-1] + error[:-2])
        gaps = len(self.third_of_three) < len(everywhere)
        return everywhere[self.third_of_three - 2] if gaps else everywhere

    def windows(self, length: int) -> tuple[FrameNumbers, FrameNumbers]:
        """Return (frames,) each the window of a frame, from 0, and its place in that window.

        Windows of `length` frames lie end to end from the clip's start. Where frames do not go on,
        a last window aligned to the clip's end begins.
        """
        numbers, places = self.frames // length, self.frames % length
        for aligned in np.flatnonzero(np.diff(self.frames) <= 0) + 1:
            numbers[aligned:] = numbers[aligned - 1] + 1
            places[aligned:] = self.frames[aligned:] - self.frames[aligned]
        return numbers, places

    def undefined(self) -> NDArray[np.float64]:
        """Return (frames, joints) of NaN, for a metric to fill in."""
        return np.full(self.predicted.shape[1::-1], np.nan).T


@dataclass(frozen=True, kw_only=True)
class PoseMetric(Metric):
    """A metric that describes a score under any protocol; only its sums by clip are stored.

    Attributes:
        errors: of the poses of a clip returns (frames, joints) in `unit`, NaN in the columns of
            joints that it does not count and in the rows of frames where it is undefined; None
            where the joints or the predictions do not allow it at all.
    """

    errors: Callable[[ClipPoses], NDArray[np.float64] | None]


def millimetres_long(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lengths (frames, joints) in millimetres of vectors (frames, joints, 3), metres."""
    return lengths(vectors) * MILLIMETRES
