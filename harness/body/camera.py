"""Cameras: from world to camera space, from camera space to pixels, from pixels to the screen.

World: metres, z up. Camera space: metres, x right, y down, z forward. Pixels: x right, y down.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

FloatArray = NDArray[np.floating]

ScreenSide = Literal["width", "longer"]

_PORTRAIT = 1.05
"""Higher than wide by so much is a portrait video; Human3.6M's 1000 x 1002 is not one."""


class Camera(BaseModel):
    """A calibrated camera.

    Attributes:
        name: identity within a data set, such as "54138969".
        width: image width in pixels.
        height: image height in pixels.
        focal_length: (x, y) in pixels.
        center: principal point (x, y) in pixels.
        radial_distortion: k1, k2, k3.
        tangential_distortion: p1, p2.
        orientation: unit quaternion (w, x, y, z) of the camera-to-world rotation.
        translation: camera centre in world metres.
        screen: which side of the picture the normalised screen spans; where not given, the width,
            or the height of a portrait video.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    focal_length: tuple[float, float]
    center: tuple[float, float]
    radial_distortion: tuple[float, float, float] = (0.0, 0.0, 0.0)
    tangential_distortion: tuple[float, float] = (0.0, 0.0)
    orientation: tuple[float, float, float, float] | None = None
    translation: tuple[float, float, float] | None = None
    screen: ScreenSide | None = None

    @model_serializer(mode="wrap")
    def _without_a_default(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out a choice that was not made: prepared sets keep the data hash they had."""
        values = handler(self)
        if values["screen"] is None:
            del values["screen"]
        return values

    @property
    def portrait(self) -> bool:
        """Whether the picture is clearly higher than wide."""
        return self.height > _PORTRAIT * self.width

    @property
    def screen_side(self) -> int:
        """The pixels that the normalised screen spans from -1 to 1."""
        return screen_side(self.width, self.height, self.screen)

    def normalized_intrinsics(self) -> NDArray[np.float32]:
        """Return (9,) [f2, c2, k3, p2] in normalised screen units, as VideoPose3D's vector."""
        scale = 2.0 / self.screen_side
        center = normalize_screen(np.asarray(self.center), self.width, self.height, self.screen)
        return np.concatenate(
            [
                np.asarray(self.focal_length) * scale,
                center,
                self.radial_distortion,
                self.tangential_distortion,
            ]
        ).astype(np.float32)


def screen_side(width: int, height: int, screen: ScreenSide | None = None) -> int:
    """Return the side, in pixels, that the normalised screen spans.

    VideoPose3D's code divides by the width, always; its author advises the longer side for portrait
    videos (facebookresearch/VideoPose3D#47), whose y would else leave what lifters were trained on.

    Args:
        width: of the picture.
        height: of the picture.
        screen: "width" or "longer"; where not given, the longer side of a portrait video only.
    """
    if screen is None:
        screen = "longer" if height > _PORTRAIT * width else "width"
    return max(width, height) if screen == "longer" else width


def normalize_screen(
    pixels: FloatArray, width: int, height: int, screen: ScreenSide | None = None
) -> FloatArray:
    """Map pixels (..., 2) to the normalised screen: (2 x - w) / s, (2 y - h) / s.

    s is `screen_side`: the width w, as in VideoPose3D, or the height of a portrait video.
    """
    side = screen_side(width, height, screen)
    return pixels * (2.0 / side) - np.array([width / side, height / side], dtype=pixels.dtype)


def rotation_of_quaternion(quaternion: Sequence[float]) -> NDArray[np.float64]:
    """Return the (3, 3) rotation matrix of a unit quaternion (w, x, y, z)."""
    w, x, y, z = np.asarray(quaternion, dtype=np.float64) / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def world_to_camera(points: FloatArray, camera: Camera) -> FloatArray:
    """Move world points (..., 3), metres, into camera space: R^-1 (x - t)."""
    rotation = rotation_of_quaternion(_known(camera, camera.orientation))
    centered = points - np.asarray(_known(camera, camera.translation))
    return (centered @ rotation).astype(points.dtype)


def camera_to_world(points: FloatArray, camera: Camera) -> FloatArray:
    """Move camera-space points (..., 3), metres, into the world: R x + t."""
    rotation = rotation_of_quaternion(_known(camera, camera.orientation))
    moved = points @ rotation.T + np.asarray(_known(camera, camera.translation))
    return moved.astype(points.dtype)


def project(points: FloatArray, camera: Camera) -> FloatArray:
    """Project camera-space points (..., 3) to pixels (..., 2) with lens distortion.

    VideoPose3D's formula (common/camera.py, project_to_2d), from which ground-truth 2D of the
    field is made: x/z and y/z are clamped to [-1, 1]; radial terms in r2, r4, r6; tangential terms.

    What is not before the camera (z not above 0) is in no picture: NaN.
    """
    depth = np.where(points[..., 2:] > 0, points[..., 2:], np.nan)
    xy = np.clip(points[..., :2] / depth, -1.0, 1.0)
    r2 = np.sum(xy**2, axis=-1, keepdims=True)
    k1, k2, k3 = camera.radial_distortion
    radial = 1.0 + k1 * r2 + k2 * r2**2 + k3 * r2**3
    p = np.asarray(camera.tangential_distortion)
    tangential = np.sum(p * xy, axis=-1, keepdims=True)
    distorted = xy * (radial + tangential) + p * r2
    pixels = distorted * np.asarray(camera.focal_length) + np.asarray(camera.center)
    return pixels.astype(points.dtype)


@cache
def h36m_cameras() -> Mapping[str, tuple[Camera, ...]]:
    """Return the four cameras of Human3.6M as each subject saw them: subject -> cameras."""
    text = resources.files("harness.body").joinpath("h36m_cameras.json").read_text("utf-8")
    data = json.loads(text)
    return {
        subject: tuple(
            Camera(
                name=inner["id"],
                width=inner["res_w"],
                height=inner["res_h"],
                focal_length=inner["focal_length"],
                center=inner["center"],
                radial_distortion=inner["radial_distortion"],
                tangential_distortion=inner["tangential_distortion"],
                orientation=outer["orientation"],
                translation=tuple(value / 1000.0 for value in outer["translation"]),
            )
            for inner, outer in zip(data["intrinsics"], placements, strict=True)
        )
        for subject, placements in data["extrinsics"].items()
    }


def _known(camera: Camera, value: tuple[float, ...] | None) -> tuple[float, ...]:
    if value is None:
        raise ValueError(f"camera {camera.name} has no known place in the world")
    return value
