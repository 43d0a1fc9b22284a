"""Lifting what a detector wrote: from its file to the motion of each person, and what to know."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.body.camera import Camera
from harness.body.size import leg_length
from harness.body.skeleton import Skeleton
from harness.body.unknown_lens import camera_of
from harness.datasets.keypoints.content import is_video
from harness.datasets.keypoints.detections import Detections
from harness.datasets.keypoints.filling import longest_gap
from harness.datasets.keypoints.mapping import lifter_keypoints
from harness.datasets.keypoints.people import Person, choose_people, confident, people_of
from harness.datasets.keypoints.read import FORMATS, read_keypoints
from harness.datasets.plausible_2d import check_2d
from harness.datasets.video.detect import TITLE, detect_people
from harness.foundation.errors import HarnessError
from harness.foundation.shown import shown
from harness.lifting.checkpoint import ModelContract
from harness.lifting.contract import Lifter
from harness.prediction.lift_person import lift_person
from harness.prediction.motion import Motion, Unit
from harness.prediction.trained_rate import rate_to_lift_at, rate_warning

Value = TypeVar("Value")

_LONG_GAP_SECONDS = 0.5
_MANY_FILLED, _MANY_OUTSIDE = 0.2, 0.05


@dataclass(frozen=True)
class LiftOptions:
    """What a file does not say, and what is wanted of it.

    Attributes:
        input_format: name of the file's format; found by its content unless given.
        person: a person's name, "largest" or "all"; the only one or the largest unless given.
        confidence: joints that the detector is less sure of count as not found.
        image_size: width and height of the picture in pixels, where the file does not say.
        fps: frames a second, likewise.
        flip_test: average with the prediction on the mirrored input.
        leg_length: metres from hip over knee to ankle that poses are scaled to; as lifted unless
            given.
        batch_size: windows at a time; by default what suits the lifter.
        detector: file of the model that finds people in a video; see `landmark_model`.
        people: how many at most it looks for.
    """

    input_format: str | None = None
    person: str | None = None
    confidence: float = 0.3
    image_size: tuple[int, int] | None = None
    fps: float | None = None
    flip_test: bool = True
    leg_length: float | None = None
    batch_size: int | None = None
    detector: Path | None = None
    people: int = 1


@dataclass
class Lifted:
    """The motions of a file.

    Attributes:
        title: of the file's format.
        frames: frames that the file tells of.
        people: everybody found in it, by name.
        motions: of the people chosen, by their names.
        rate: frames a second that the lifter got.
        derived: how joints of the lifter were derived from those found: joint -> weights.
        warnings: what to know of it, a line each.
    """

    title: str
    frames: int
    people: Mapping[str, Person]
    rate: float
    motions: dict[str, Motion] = field(default_factory=dict)
    derived: dict[str, Mapping[str, float]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def lift_file(path: Path, lifter: Lifter, contract: ModelContract, options: LiftOptions) -> Lifted:
    """Lift the people in a detector's file or folder, or in a video.

    Args:
        path: what the detector wrote, or the video.
        lifter: from a checkpoint, on the device to use.
        contract: what the checkpoint says of it.
        options: what the file does not say, and what is wanted.

    Raises:
        HarnessError: the file is missing, damaged, of no known format or without anybody; its size
            or rate is not known; the person is not in it, or a joint is never seen; a video needs
            what is not installed.
    """
    title, detections = _detections(path, options)
    return lift_detections(path, title, detections, lifter, contract, options)


def lift_detections(
    path: Path,
    title: str,
    detections: Detections,
    lifter: Lifter,
    contract: ModelContract,
    options: LiftOptions,
) -> Lifted:
    """Lift people that were found; as `lift_file`, which reads them first.

    Args:
        path: where they were found; errors name it.
        title: what summaries call that.
        detections: the people.
        lifter: from a checkpoint, on the device to use.
        contract: what the checkpoint says of it.
        options: what the detections do not say, and what is wanted.

    Raises:
        HarnessError: size or rate are not known; the person is not there, or a joint is never seen.
    """
    size = _known(detections.size, options.image_size, path, "image size", "--image-size")
    fps = _known(detections.fps, options.fps, path, "frame rate", "--fps")
    if size is None or fps is None:
        lacks = {
            "its image size": (size, "--image-size WxH"),
            "its frame rate": (fps, "--fps RATE"),
        }
        names = [name for name, (value, _) in lacks.items() if value is None]
        raise HarnessError(
            f"{path}: does not say {' and '.join(names)}; tell it with "
            f"{' '.join(lacks[name][1] for name in names)}"
        )
    if not np.isfinite(detections.points).any():
        raise HarnessError(f"{path}: has people, but no joint of theirs was found")
    if detections.shares:
        detections = replace(detections, points=detections.points * np.array(size))
    camera = camera_of(size)
    check_2d(str(path), title, detections.points, camera)
    rate = rate_to_lift_at(contract.frame_rates, fps, contract.frames)
    lifted = Lifted(
        title=title,
        frames=detections.last - detections.first + 1,
        people=people_of(detections),
        rate=rate,
        warnings=_warnings(detections, camera, contract, unit_of(contract, options), fps, rate),
    )
    chosen = choose_people(lifted.people, options.person, str(path))
    if options.person is None and len(lifted.people) > 1:
        lifted.warnings.append(
            f"person {chosen[0].name} of {len(lifted.people)} is lifted, the largest; --person "
            "names another, or all"
        )
    for person in chosen:
        motion = _motion(person, path, lifter, contract, camera, fps, options, lifted)
        lifted.motions[person.name] = motion
    return lifted


def _detections(path: Path, options: LiftOptions) -> tuple[str, Detections]:
    """Return what summaries call a file, and who was found in it."""
    if is_video(path) and options.input_format is None:
        return TITLE, detect_people(path, options.detector, options.people)
    name, detections = read_keypoints(path, options.input_format)
    return FORMATS[name].title, detections


def unit_of(contract: ModelContract, options: LiftOptions) -> Unit:
    """Return the unit that motions have: the lifter's, or metres where legs are scaled to some."""
    return "m" if contract.space == "camera" or options.leg_length is not None else "screen"


def _motion(
    person: Person,
    path: Path,
    lifter: Lifter,
    contract: ModelContract,
    camera: Camera,
    fps: float,
    options: LiftOptions,
    lifted: Lifted,
) -> Motion:
    """Return a person's motion; what to know of it goes to `lifted`."""
    sure = confident(person, options.confidence, str(path))
    points, confidence, gaps, derived = lifter_keypoints(sure, lifter.layout.joints, str(path))
    lifted.derived.update(derived)
    lifted.warnings += _gap_warnings(person.name, gaps, fps)
    positions = lift_person(
        lifter,
        points,
        confidence,
        camera,
        fps=fps,
        rate=lifted.rate,
        flip_test=options.flip_test,
        batch_size=options.batch_size,
        progress=f"lifting person {shown(person.name)}",
    )
    if options.leg_length is not None:
        positions = positions * _scale(positions, lifter.skeleton, options.leg_length)
    return Motion(
        source=f"{path.name}, person {person.name}",
        model=f"{contract.method}, {contract.run_id}",
        skeleton=lifter.skeleton,
        positions=positions,
        unit=unit_of(contract, options),
        fps=fps,
        first_frame=person.first_frame,
        filled=_filled_3d(gaps, lifter.layout, lifter.skeleton),
        layout=lifter.layout,
        keypoints=points,
        size=(camera.width, camera.height),
    )


def _known(
    held: Value | None, told: Value | None, path: Path, what: str, option: str
) -> Value | None:
    """Return what the file or the option says, None where neither does; raises if they differ."""
    if held is not None and told is not None and held != told:
        raise HarnessError(
            f"{path}: its {what} is {_worded(held)}, not {_worded(told)}; leave out {option}"
        )
    return told if held is None else held


def _worded(value: object) -> str:
    return " x ".join(map(str, value)) if isinstance(value, tuple) else f"{value}"


def _filled_3d(gaps: NDArray[np.bool_], layout: Skeleton, skeleton: Skeleton) -> NDArray[np.bool_]:
    """Return (frames, joints of the skeleton) from (frames, joints of the layout); see Motion."""
    anything = gaps.any(axis=1)
    columns = [
        gaps[:, layout.index(joint)] if joint in layout.joints else anything
        for joint in skeleton.joints
    ]
    return np.stack(columns, axis=1)


def _scale(positions: NDArray[np.float64], skeleton: Skeleton, wanted: float) -> float:
    leg = leg_length(positions, skeleton)
    if not leg:
        raise HarnessError(
            f"skeleton {skeleton.name} has no legs by name (LHip, LKnee, LFoot) that --leg-length "
            "could scale; leave it out"
        )
    return wanted / leg


def _warnings(
    detections: Detections,
    camera: Camera,
    contract: ModelContract,
    unit: Unit,
    fps: float,
    rate: float,
) -> list[str]:
    """Return what to know of the file as a whole."""
    warnings = []
    far = rate_warning(rate, fps)
    if far is not None:
        warnings.append(far)
    if contract.frames > 1 and contract.frame_rates is None:
        warnings.append(
            f"what rate {contract.method} was trained at is not recorded; the video's {fps:g} "
            "frames a second are taken as they are"
        )
    picture = np.array([camera.width, camera.height])
    with np.errstate(invalid="ignore"):
        outside = ((detections.points < 0) | (detections.points > picture)).any(axis=-1)
    found = np.isfinite(detections.points).all(axis=-1)
    if outside.sum() > _MANY_OUTSIDE * found.sum():
        warnings.append(
            f"{outside.sum() / found.sum():.0%} of the joints lie outside of the picture of "
            f"{camera.width} x {camera.height}; is that the video's size?"
        )
    if unit == "screen":
        warnings.append("this lifter predicts in units of the screen, not metres")
    return warnings


def _gap_warnings(name: str, gaps: NDArray[np.bool_], fps: float) -> list[str]:
    warnings = []
    longest = longest_gap(gaps)
    if longest > _LONG_GAP_SECONDS * fps:
        warnings.append(
            f"person {name}: a joint is missing for {longest} frames on end "
            f"({longest / fps:.2g} s); what is filled in there is a straight line, not motion"
        )
    if gaps.mean() > _MANY_FILLED:
        warnings.append(f"person {name}: {gaps.mean():.0%} of the joints are filled in")
    return warnings
