"""Whether 3D positions can be a body before its camera: size, place, depth.

Files rarely say their unit or space, and a wrong one trains without complaint. Each clip of every
importer is looked at once; an error names the factor or the space that would fit.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from harness.body.camera import Camera, camera_to_world, project, world_to_camera
from harness.body.size import (
    LARGEST_LEG,
    SMALLEST_LEG,
    fitting_factor,
    judged_leg,
    leg_length,
)
from harness.body.skeleton import Skeleton
from harness.foundation.errors import HarnessError

_LARGEST_SPAN = 20.0
"""Metres; larger than anything with joints, far smaller than a body in millimetres."""
_AT_ORIGIN = 1e-3
_LEAST_SEEN = 0.1
"""Share of joints in the picture below which the camera does not see the clip."""
_LOOKED_AT = 200

Points = NDArray[np.floating]


def check_3d(
    origin: str, positions: Points, skeleton: Skeleton, camera: Camera, scored: NDArray[np.bool_]
) -> list[str]:
    """Refuse 3D positions that cannot be a body before this camera.

    Args:
        origin: where they come from; errors begin with it.
        positions: (frames, joints, 3) camera space, metres.
        skeleton: of the positions.
        camera: that saw them.
        scored: (frames,) frames that count; others may hold anything finite.

    Returns:
        What is possible but rare, for a note; mostly nothing.

    Raises:
        HarnessError: bones have no person's length, all joints are relative to the root, a joint is
            behind the camera, or nearly none is in the picture.
    """
    sound = positions[scored] if scored.any() else positions
    notes = check_body(origin, sound, skeleton)
    if _placed(camera):
        check_body(origin, camera_to_world(sound, camera), skeleton)
    behind = np.argwhere((positions[..., 2] <= 0) & scored[:, None])
    if len(behind):
        frame, joint = behind[0]
        raise HarnessError(
            f"{origin}: 3D is behind the camera, first at frame {frame}, joint {joint}; expected "
            f"metres, x right, y down, z forward{_other_space(sound, camera)}"
        )
    seen = _share_seen(_thinned(sound), camera)
    if seen < _LEAST_SEEN:
        raise HarnessError(
            f"{origin}: {100 * (1 - seen):.0f} % of the joints lie outside of the picture, "
            f"{camera.width} x {camera.height} pixels; the camera's place or lens, or the space of "
            f"3D is another{_other_space(sound, camera)}"
        )
    if seen < 0.5:
        notes.append(f"{100 * (1 - seen):.0f} % of the joints lie outside of the picture")
    return notes


def check_body(origin: str, positions: Points, skeleton: Skeleton) -> list[str]:
    """Refuse positions of any space that have no person's size or are relative to the root.

    Args:
        origin: where they come from; errors begin with it.
        positions: (frames, joints, 3) metres.
        skeleton: of the positions.

    Returns:
        What is possible but rare.

    Raises:
        HarnessError: they cannot be metres, or the root is 0 in every frame.
    """
    notes = _check_size(origin, positions, skeleton)
    if np.linalg.norm(positions[:, skeleton.root], axis=-1).max() < _AT_ORIGIN:
        raise HarnessError(
            f"{origin}: 3D is relative to the root, {skeleton.joints[skeleton.root]} is 0 in every "
            "frame; where the person stood is needed, so use the original positions"
        )
    return notes


def _check_size(origin: str, positions: Points, skeleton: Skeleton) -> list[str]:
    leg = leg_length(positions, skeleton)
    if leg is None:
        span = float(np.abs(positions - positions[:, :1]).max(initial=0))
        if span > _LARGEST_SPAN:
            raise HarnessError(
                f"{origin}: joints of one frame are {span:.3g} m apart, expected at most "
                f"{_LARGEST_SPAN:g}; 3D must be in metres"
            )
        return []
    fitting = fitting_factor(leg)
    fit = "" if fitting is None else f"; multiplied by {fitting[0]:.3g} it fits ({fitting[1]})"
    if judged_leg(leg) == "no":
        raise HarnessError(
            f"{origin}: legs, hip over knee to ankle, are {leg:.3g} m long, expected "
            f"{SMALLEST_LEG:g} to {LARGEST_LEG:g}; 3D must be in metres and in the skeleton's "
            f"order of joints{fit}"
        )
    if judged_leg(leg) == "rare":
        return [f"legs are {leg:.2f} m long, which is rare; is the unit right?"]
    return []


def _other_space(positions: Points, camera: Camera) -> str:
    """Say which space would put these positions before the camera, if one does."""
    if not _placed(camera):
        return ""
    spaces: dict[str, Callable[[Points, Camera], Points]] = {
        "they fit as they are in the file, so they are in camera space already": camera_to_world,
        "moved by the camera's place they fit, so they are in the world's space": world_to_camera,
    }
    for told, move in spaces.items():
        moved = _thinned(move(positions, camera))
        if (moved[..., 2] > 0).all() and _share_seen(moved, camera) > 0.9:
            return f"; {told}"
    return ""


def _share_seen(positions: Points, camera: Camera) -> float:
    pixels = project(positions, camera)
    inside = (pixels >= 0) & (pixels <= (camera.width, camera.height))
    return float(inside.all(axis=-1).mean())


def _thinned(positions: Points) -> Points:
    return positions[:: max(1, len(positions) // _LOOKED_AT)]


def _placed(camera: Camera) -> bool:
    return camera.orientation is not None and camera.translation is not None
