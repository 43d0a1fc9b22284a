"""A motion as the viewer shows it: poses over time, and beside them what is known of the input.

`motion_page` makes the page of a single motion; reports and the local server hand the same plain
values to the same viewer.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.foundation.errors import HarnessError
from harness.foundation.shown import shown
from harness.reporting.page.assemble import assembled_page

Floats = NDArray[np.floating]

_STEP_3D = 1e-4  # metres: a tenth of a millimetre
_STEP_2D = 0.1  # pixels
_MISSING = -32768
_LARGEST = 32767


@dataclass(frozen=True)
class Poses:
    """One body over time.

    Attributes:
        label: how the viewer calls it, such as the name of a method.
        positions: (frames, joints, 3) metres in camera space: x right, y down, z forward.
        truth: whether errors are measured from it.
    """

    label: str
    positions: Floats
    truth: bool = False


@dataclass(frozen=True)
class Picture:
    """The 2D input.

    Attributes:
        label: where it comes from.
        parents: index of each of its joints' parent, -1 for none.
        keypoints: (frames, joints of the 2D layout, 2) pixels; NaN where a joint was not seen.
        width: of the picture, pixels.
        height: of the picture, pixels.
        filled: (frames, joints) which keypoints were filled in, None where none were.
    """

    label: str
    parents: tuple[int, ...]
    keypoints: Floats
    width: int
    height: int
    filled: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Affinities:
    """Who listens to whom.

    Attributes:
        label: of the poses that the edges are drawn on.
        weights: (frames, joints, joints) in [0, 1]: a row weighs what its joint takes from others.
    """

    label: str
    weights: Floats


@dataclass(frozen=True)
class Motion:
    """A clip.

    Attributes:
        name: the clip's name.
        joints: names of the joints of all poses.
        parents: index of each joint's parent, -1 for one that hangs on none.
        fps: frames a second.
        poses: bodies over the same frames.
        picture: the 2D input, None where it is not known.
        affinities: who listens to whom, None where that is not known.
        filled: (frames,) which frames were filled in at least in part, None where none were.
        first_frame: number of the first frame shown.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    fps: float
    poses: tuple[Poses, ...]
    picture: Picture | None = None
    affinities: Affinities | None = None
    filled: NDArray[np.bool_] | None = None
    first_frame: int = 0

    def __post_init__(self) -> None:
        """Refuse poses, marks and pictures of other sizes."""
        joints = len(self.joints)
        if not self.poses or self.fps <= 0 or len(self.parents) != joints:
            raise HarnessError(
                f"motion {shown(self.name)}: needs poses, a frame rate above 0 and a parent for "
                f"each joint; it has {len(self.poses)}, {self.fps:g} and {len(self.parents)} for "
                f"{joints} joints"
            )
        frames = len(self.poses[0].positions)
        arrays: list[tuple[str, NDArray[Any], tuple[int, ...]]] = [
            (f"poses {shown(poses.label)}", poses.positions, (frames, joints, 3))
            for poses in self.poses
        ]
        if self.picture is not None:
            layout = len(self.picture.parents)
            arrays.append(("2D input", self.picture.keypoints, (frames, layout, 2)))
            if self.picture.filled is not None:
                arrays.append(("filled keypoints", self.picture.filled, (frames, layout)))
        if self.affinities is not None:
            arrays.append(("affinities", self.affinities.weights, (frames, joints, joints)))
        if self.filled is not None:
            arrays.append(("filled frames", self.filled, (frames,)))
        for what, array, expected in arrays:
            if array.shape != expected:
                raise HarnessError(
                    f"motion {shown(self.name)}: {what} have shape {array.shape}, "
                    f"expected {expected}"
                )


def plain_motion(motion: Motion) -> dict[str, Any]:
    """Return a motion as plain values; arrays are whole numbers of a step, base64 of 16 bits.

    Positions are kept to a tenth of a millimetre, or as well as 16 bits reach that far.
    """
    result: dict[str, Any] = {
        "name": shown(motion.name),
        "joints": [shown(joint) for joint in motion.joints],
        "parents": list(motion.parents),
        "fps": motion.fps,
        "frames": len(motion.poses[0].positions),
        "first_frame": motion.first_frame,
        "poses": [
            {
                "label": shown(poses.label),
                "truth": poses.truth,
                **_packed(poses.positions, _STEP_3D),
            }
            for poses in motion.poses
        ],
    }
    if motion.picture is not None:
        picture = motion.picture
        result["picture"] = {
            "label": shown(picture.label),
            "parents": list(picture.parents),
            "width": picture.width,
            "height": picture.height,
            **_packed(picture.keypoints, _STEP_2D),
        }
        if picture.filled is not None:
            result["picture"]["filled"] = _base64(picture.filled.astype(np.uint8))
    if motion.affinities is not None:
        weights = np.clip(motion.affinities.weights, 0.0, 1.0)
        result["affinities"] = {
            "label": shown(motion.affinities.label),
            "weights": _base64(np.rint(255 * weights).astype(np.uint8)),
        }
    if motion.filled is not None:
        result["filled"] = _base64(motion.filled.astype(np.uint8))
    return result


def motion_page(motions: Sequence[Motion], title: str, notes: Sequence[str] = ()) -> str:
    """Return a page that shows motions, as text of one HTML file that needs nothing else.

    Args:
        motions: the clips to choose from, the first of them shown first.
        title: the page's title.
        notes: what a reader must know, a sentence each.

    Raises:
        HarnessError: there is no motion.
    """
    if not motions:
        raise HarnessError(f"{shown(title)}: there is no motion to show")
    clips = [{"name": shown(motion.name), "motion": plain_motion(motion)} for motion in motions]
    return viewer_page({"clips": clips}, title, notes)


def viewer_page(
    viewer: dict[str, Any], title: str, notes: Sequence[str] = (), *, served: bool = False
) -> str:
    """Return the page of the viewer alone.

    Args:
        viewer: its "clips", each with a name and a plain "motion" or the "url" to get it from.
        title: the page's title.
        notes: what a reader must know, a sentence each.
        served: whether motions come from a server.
    """
    data = {"title": shown(title), "notes": [shown(note) for note in notes], "viewer": viewer}
    return assembled_page(shown(title), "viewer_page", data, served=served)


def _packed(values: Floats, step: float) -> dict[str, Any]:
    """Return an array as 16-bit numbers of a step that is as fine as asked for if they reach."""
    finite = np.isfinite(values)
    largest = float(np.abs(values[finite]).max(initial=0.0))
    step = max(step, largest / _LARGEST)
    whole = np.where(finite, np.rint(np.where(finite, values, 0.0) / step), _MISSING)
    return {"step": step, "values": _base64(whole.astype("<i2"))}


def _base64(array: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
