"""Cameras: from world to camera space, from camera space to pixels, from pixels to the screen.

World: metres, z up. Camera space: metres, x right, y down, z forward. Pixels: x right, y down.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

FloatArray = NDArray[np.floating]


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

    def normalized_intrinsics(self) -> NDArray[np.float32]:
        """Return (9,) [f2, c2, k3, p2] in normalised screen units, as VideoPose3D's vector."""
        scale = 2.0 / self.width
        center = normalize_screen(np.asarray(self.center), self.width, self.height)
        return np.concatenate(
            [
                np.asarray(self.focal_length) * scale,
                center,
                self.radial_distortion,
                self.tangential_distortion,
            ]
        ).astype(np.float32)


def normalize_screen(pixels: FloatArray, width: int, height: int) -> FloatArray:
    """Map pixels (..., 2) to the normalised screen: x/w*2 - 1, y/w*2 - h/w (both divided by w)."""
    return pixels * (2.0 / width) - np.array([1.0, height / width], dtype=pixels.dtype)


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
