"""The cameras of HumanEva-I: where they stand is published, their lenses are found from the data.

VideoPose3D lists places and image sizes only. Ground-truth 2D was projected by the data set's own
tools, so 3D in camera space and its 2D together give focal length and centre of each camera.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np

from harness.body.camera import Camera, world_to_camera
from harness.datasets.humaneva.lens import fitted_lens
from harness.datasets.humaneva.recordings import Chunk
from harness.foundation.errors import HarnessError

_TOLERANCE_PX = 10.0


@dataclass(frozen=True)
class FoundCameras:
    """The three cameras of one subject, and the mean distance of 2D from their projection."""

    cameras: tuple[Camera, ...]
    residual_px: tuple[float, ...]


def find_cameras(subject: str, chunks: Sequence[Chunk]) -> FoundCameras:
    """Return the cameras that a subject's chunks were seen by.

    Raises:
        HarnessError: 3D and 2D do not fit the published places of the cameras.
    """
    text = resources.files("harness.body").joinpath("humaneva_cameras.json").read_text("utf-8")
    data = json.loads(text)
    world = np.concatenate([chunk.positions for chunk in chunks]).astype(np.float64)
    cameras, residuals = [], []
    for index, (inner, outer) in enumerate(
        zip(data["intrinsics"], data["extrinsics"][subject], strict=True)
    ):
        placed = Camera(
            name=inner["id"],
            width=inner["res_w"],
            height=inner["res_h"],
            focal_length=(1.0, 1.0),
            center=(0.0, 0.0),
            orientation=outer["orientation"],
            translation=tuple(value / 1000 for value in outer["translation"]),
        )
        pixels = np.concatenate([chunk.ground_truth[index] for chunk in chunks])
        space = world_to_camera(world, placed)
        lens = fitted_lens(space, pixels)
        distance = lens.residual_px
        if distance > _TOLERANCE_PX or min(lens.focal_length) <= 0 or space[..., 2].min() <= 0:
            raise HarnessError(
                f"{chunks[0].origin}: 2D of {subject} camera {placed.name} is {distance:.1f} "
                f"pixels from any projection of 3D, expected less than {_TOLERANCE_PX:g}; correct "
                "the order of cameras, or convert the files again"
            )
        found = {"focal_length": lens.focal_length, "center": lens.center}
        cameras.append(placed.model_copy(update=found))
        residuals.append(distance)
    return FoundCameras(tuple(cameras), tuple(residuals))
