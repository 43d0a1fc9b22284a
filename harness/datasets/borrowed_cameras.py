"""Cameras for recorded motion that has none of its own.

Shared. Each subject borrows the four cameras of one subject of Human3.6M: in turn by subject
number, or by a hash of a name that is no number. They stand 1.46 to 1.63 m high, look down by 10 to
16 degrees and have one kind of lens, so what is trained before them has seen every camera that it
is tested with.

Unseen. Four cameras that are like none of these: lower or higher, level or steeper, with a wider or
a longer lens, in the gaps of their circle. A metre where people stand is 190 to 210 pixels long, of
195 to 260 before the shared ones.
"""

import math
from collections.abc import Sequence
from functools import cache
from typing import Literal

from harness.body.camera import Camera, h36m_cameras
from harness.datasets.prepared import Split
from harness.foundation.seeds import derive_seed

CameraChoice = Literal["shared", "unseen"]

_SIDE_PIXELS = 1000
_AIMED_AT_METRES = 0.9
"""Height of the point that unseen cameras look at; it stands above the world's origin."""
# Azimuth in degrees from +x, height and distance on the floor in metres, focal length in pixels.
# Human3.6M's stand at about 67, 110, -70 and -112 degrees, 4.4 to 5.9 m away, 1145 to 1150 pixels.
_UNSEEN = (
    (25, 0.5, 6.2, 1300),
    (155, 1.0, 5.2, 1000),
    (205, 2.8, 6.2, 1300),
    (-25, 3.3, 5.4, 1000),
)


def cameras_of(subject: str, split: Split, choice: CameraChoice) -> Sequence[Camera]:
    """Return the cameras that see a subject.

    Args:
        subject: whose motion it is.
        split: of the subject.
        choice: "shared": test subjects borrow cameras as all others do; "unseen": they get cameras
            that no subject who trains or validates has.
    """
    if choice == "unseen" and split == "test":
        return unseen_cameras()
    lent = list(h36m_cameras().values())
    return lent[_number(subject) % len(lent)]


@cache
def unseen_cameras() -> tuple[Camera, ...]:
    """Return the four cameras that none of Human3.6M's is like; pinholes without distortion."""
    return tuple(
        Camera(
            name=f"unseen{number}",
            width=_SIDE_PIXELS,
            height=_SIDE_PIXELS,
            focal_length=(focal_length, focal_length),
            center=(_SIDE_PIXELS / 2, _SIDE_PIXELS / 2),
            orientation=_looking(azimuth, height - _AIMED_AT_METRES, distance),
            translation=(
                distance * math.cos(math.radians(azimuth)),
                distance * math.sin(math.radians(azimuth)),
                height,
            ),
        )
        for number, (azimuth, height, distance, focal_length) in enumerate(_UNSEEN, start=1)
    )


def _looking(azimuth: float, above: float, distance: float) -> tuple[float, float, float, float]:
    """Return the orientation of a camera that looks back at the point that it stands around.

    That is a turn about x, which lays the camera's z level and then tilts it down, followed by one
    about the world's z. As quaternions (w, x, y, z) their product is written out.
    """
    tilt = -(math.pi / 2 + math.atan2(above, distance)) / 2
    turn = math.radians(azimuth + 180 - 90) / 2
    return (
        math.cos(turn) * math.cos(tilt),
        math.cos(turn) * math.sin(tilt),
        math.sin(turn) * math.sin(tilt),
        math.sin(turn) * math.cos(tilt),
    )


def _number(subject: str) -> int:
    if subject.isdecimal():
        return int(subject) - 1
    return derive_seed(0, "cameras of", subject)
