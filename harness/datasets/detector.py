"""A stand-in for a 2D detector: exact keypoints in, keypoints with a detector's errors out.

The expected error of a joint, in metres at its depth, is

    (joint's own error + blur time * apparent speed) * (1 + factor * occlusion)

and becomes pixels by the apparent size of the person. The error itself wanders as an
Ornstein-Uhlenbeck process, so it is correlated over a time in seconds whatever the frame rate.
Now and then the left and right limbs are taken for each other, more often the closer they appear.
Left and right are treated alike. The sizes are chosen, not fitted to a detector: they give the
5 to 8 pixels of mean error that detectors fine-tuned on Human3.6M have on its images.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from harness.body.skeleton import Skeleton

Array = NDArray[np.float64]

# How much harder than a shoulder a joint is to find, by name without its side.
_DIFFICULTY = {
    "Wrist": 1.6,
    "Foot": 1.5,
    "Elbow": 1.25,
    "Knee": 1.1,
    "Hip": 1.0,
    "Head": 0.8,
    "Neck/Nose": 0.8,
}
# Half thickness in metres of the body part around the bone that ends at a joint.
_THICKNESS = {
    "Spine": 0.13,
    "Thorax": 0.14,
    "Neck/Nose": 0.07,
    "Head": 0.10,
    "Hip": 0.10,
    "Knee": 0.08,
    "Foot": 0.05,
    "Shoulder": 0.08,
    "Elbow": 0.05,
    "Wrist": 0.04,
}
_USUAL_THICKNESS = 0.05
# Over these distances in metres a joint goes from seen to hidden.
_EDGE = 0.02
_DEPTH_MARGIN = 0.06


class DetectorSettings(BaseModel):
    """How large the errors are and how they behave.

    Attributes:
        error_metres: standard deviation along each image axis of a shoulder that is in plain view
            and at rest.
        blur_seconds: how much of a joint's apparent velocity is added to its error.
        occlusion_factor: how much larger the error of a hidden joint is, 0 for no larger.
        correlation_seconds: time after which errors are correlated by 1/e.
        swap_share: share of frames with left and right limbs swapped, where they appear together.
        confidence_metres: expected error at which confidence has fallen to 1/e.
        scale: multiplies every error of place, not the share of swaps.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    error_metres: float = Field(default=0.013, ge=0)
    blur_seconds: float = Field(default=0.012, ge=0)
    occlusion_factor: float = Field(default=1.8, ge=0)
    correlation_seconds: float = Field(default=0.4, gt=0)
    swap_share: float = Field(default=0.02, ge=0, lt=0.5)
    confidence_metres: float = Field(default=0.12, gt=0)
    scale: float = Field(default=1.0, ge=0)


def detect(
    keypoints_pixels: NDArray[np.floating],
    positions_camera: NDArray[np.floating],
    fps: float,
    seed: int,
    settings: DetectorSettings,
    skeleton: Skeleton,
) -> tuple[Array, Array]:
    """Return keypoints with a detector's errors, and its confidence.

    Args:
        keypoints_pixels: (frames, joints, 2) exact projection.
        positions_camera: (frames, joints, 3) the same joints in camera space, metres.
        fps: frames a second.
        seed: of the errors; the same arguments give the same errors.
        settings: size and behaviour of the errors.
        skeleton: of both arrays.

    Returns:
        Keypoints (frames, joints, 2) in pixels and confidence (frames, joints) in [0, 1].
    """
    generator = np.random.default_rng(seed)
    exact = np.asarray(keypoints_pixels, dtype=np.float64)
    positions = np.asarray(positions_camera, dtype=np.float64)
    expected = expected_error(exact, positions, fps, settings, skeleton)
    found = _swapped_joints(positions, fps, settings, skeleton, generator)
    swapped = found != np.arange(len(skeleton))
    expected = np.take_along_axis(expected, found, axis=1)
    deviation = expected * _pixels_per_metre(exact, positions)[:, None]
    exact = np.take_along_axis(exact, found[..., None], axis=1)
    wandering = ornstein_uhlenbeck(exact.shape, fps, settings.correlation_seconds, generator)
    doubt = 1.0 + 0.1 * np.abs(
        ornstein_uhlenbeck(expected.shape, fps, settings.correlation_seconds, generator)
    )
    confidence = np.exp(-doubt * expected / settings.confidence_metres) * np.where(swapped, 0.8, 1)
    return exact + deviation[..., None] * wandering, confidence


def expected_error(
    keypoints_pixels: Array,
    positions_camera: Array,
    fps: float,
    settings: DetectorSettings,
    skeleton: Skeleton,
) -> Array:
    """Return the errors' standard deviations (frames, joints), in metres at the joints' depth."""
    own = settings.error_metres * _by_joint(_DIFFICULTY, 1.0, skeleton)
    speed = np.zeros(keypoints_pixels.shape[:2])
    if len(keypoints_pixels) > 1:
        speed = np.linalg.norm(np.gradient(keypoints_pixels, axis=0), axis=-1) * fps
    speed /= _pixels_per_metre(keypoints_pixels, positions_camera)[:, None]
    hidden = occlusion(positions_camera, skeleton)
    visible = settings.scale * (own + settings.blur_seconds * speed)
    return visible * (1 + settings.occlusion_factor * hidden)


def occlusion(positions_camera: Array, skeleton: Skeleton) -> Array:
    """Return how hidden each joint is by other parts of the body, (frames, joints) in [0, 1].

    Each bone is a bar of some thickness around the line between its joints. A joint is hidden
    where the image of a bone that it does not belong to covers it and the bone is nearer.

    Args:
        positions_camera: (frames, joints, 3) camera space, metres.
        skeleton: joints and bones.
    """
    depth = positions_camera[..., 2]
    image = positions_camera[..., :2] / depth[..., None]
    thickness = _by_joint(_THICKNESS, _USUAL_THICKNESS, skeleton)
    hidden = np.zeros(depth.shape)
    for parent, child in skeleton.edges:
        others = [joint for joint in range(len(skeleton)) if joint not in (parent, child)]
        along = image[:, None, child] - image[:, None, parent]
        to_joint = image[:, others] - image[:, None, parent]
        length = np.maximum(np.einsum("fjc,fjc->fj", along, along), 1e-12)
        nearest = np.clip(np.einsum("fjc,fjc->fj", to_joint, along) / length, 0.0, 1.0)
        away = np.linalg.norm(to_joint - nearest[..., None] * along, axis=-1) * depth[:, others]
        bone_depth = (
            depth[:, None, parent] + nearest * (depth[:, child] - depth[:, parent])[:, None]
        )
        behind = depth[:, others] - bone_depth
        covered = _step((thickness[child] - away) / _EDGE)
        hidden[:, others] = np.maximum(
            hidden[:, others], covered * _step((behind - _DEPTH_MARGIN) / _EDGE)
        )
    return hidden


def ornstein_uhlenbeck(
    shape: tuple[int, ...], fps: float, seconds: float, generator: np.random.Generator
) -> Array:
    """Return stationary noise of unit variance whose correlation along axis 0 is exp(-t / seconds).

    In discrete time it is x[t] = a x[t-1] + sqrt(1 - a^2) e[t] with a = exp(-1 / (fps seconds)).
    """
    from scipy.signal import lfilter

    keep = np.exp(-1.0 / (fps * seconds))
    steps = generator.standard_normal(shape)
    steps[1:] *= np.sqrt(1.0 - keep**2)
    return lfilter([1.0], [1.0, -keep], steps, axis=0)


def _swapped_joints(
    positions: Array,
    fps: float,
    settings: DetectorSettings,
    skeleton: Skeleton,
    generator: np.random.Generator,
) -> NDArray[np.intp]:
    """Return for each frame and joint the joint that is found in its place, (frames, joints)."""
    from scipy.special import ndtri

    limbs: dict[tuple[int, int], tuple[int, int]] = {}
    pairs = sorted(zip(skeleton.left, skeleton.right, strict=True))
    for left, right in pairs:
        above = (skeleton.parents[left], skeleton.parents[right])
        limbs[left, right] = limbs.get(above, (left, right))
    tops = sorted(set(limbs.values()))
    moods = ornstein_uhlenbeck(
        (len(positions), len(tops)), fps, settings.correlation_seconds, generator
    )
    found = np.tile(np.arange(len(skeleton)), (len(positions), 1))
    for top, mood in zip(tops, moods.T, strict=True):
        apart = np.abs(positions[:, top[0], 0] - positions[:, top[1], 0])
        chance = settings.swap_share * np.exp(-apart / 0.1)
        swapped = mood < ndtri(np.maximum(chance, 1e-12))
        for left, right in (pair for pair in pairs if limbs[pair] == top):
            found[swapped, left], found[swapped, right] = right, left
    return found


def _pixels_per_metre(keypoints: Array, positions: Array) -> Array:
    """Return (frames,) how many pixels a metre at the person's depth takes in the image.

    The focal length is the ratio of the spreads of pixels and of x/z, y/z: no camera is needed.
    """
    image = positions[..., :2] / positions[..., 2:]
    spread = np.linalg.norm(image - image.mean(axis=1, keepdims=True))
    pixels = np.linalg.norm(keypoints - keypoints.mean(axis=1, keepdims=True))
    return pixels / spread / positions[..., 2].mean(axis=1)


def _by_joint(table: dict[str, float], usual: float, skeleton: Skeleton) -> Array:
    sided = {*skeleton.left, *skeleton.right}
    names = [name[1:] if joint in sided else name for joint, name in enumerate(skeleton.joints)]
    return np.array([table.get(name, usual) for name in names])


def _step(value: Array) -> Array:
    return 0.5 + 0.5 * np.tanh(value)
