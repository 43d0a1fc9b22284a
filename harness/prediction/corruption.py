"""Corruptions of the 2D input at test time, drawn from what they are for, never from order."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from harness.body.camera import Camera
from harness.body.skeleton import Skeleton
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.foundation.seeds import derive_seed
from harness.foundation.settings import validated
from harness.foundation.suggest import unknown_name

Floats = NDArray[np.float32]
Random = np.random.Generator


class _Corruption(BaseModel):
    """What all corruptions have: `draw`, the number of the draw."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    draw: int = Field(default=0, ge=0)


class GaussianNoise(_Corruption):
    """Independent normal noise on every coordinate of every joint and frame (DG-Net, table X).

    Attributes:
        kind: "gaussian".
        sigma_px: standard deviation in pixels.
        draw: number of the draw; one draw at two sigmas is the same noise scaled.
    """

    kind: Literal["gaussian"]
    sigma_px: float = Field(ge=0)

    def applied(
        self, pixels: Floats, sure: Floats, layout: Skeleton, camera: Camera, random: Random
    ) -> tuple[Floats, Floats]:
        """Return the pixels of a clip, (frames, joints, 2), with noise, and their confidence."""
        draw = random.standard_normal(pixels.shape, np.float32)
        return pixels + np.float32(self.sigma_px) * draw, sure


class JointDropout(_Corruption):
    """Every joint of every frame goes missing, independently; ours, no table of the paper's.

    A missing joint lies in the middle of the image, which is zero for the network.

    Attributes:
        kind: "dropout".
        probability: that a joint is missing in a frame.
        draw: number of the draw; what is missing at one probability is at every larger one.
    """

    kind: Literal["dropout"]
    probability: float = Field(ge=0, le=1)

    def applied(
        self, pixels: Floats, sure: Floats, layout: Skeleton, camera: Camera, random: Random
    ) -> tuple[Floats, Floats]:
        """Return the pixels of a clip, (frames, joints, 2), with joints missing: confidence 0."""
        missing = random.random(pixels.shape[:2]) < self.probability
        centre = np.array([camera.width / 2, camera.height / 2], np.float32)
        return np.where(missing[..., None], centre, pixels), np.where(missing, 0, sure)


class SideSwaps(_Corruption):
    """All joints of the left side change places with those of the right, frame by frame; ours.

    Attributes:
        kind: "swaps".
        probability: that the sides of a frame are swapped.
        draw: number of the draw; what is swapped at one probability is at every larger one.
    """

    kind: Literal["swaps"]
    probability: float = Field(ge=0, le=1)

    def applied(
        self, pixels: Floats, sure: Floats, layout: Skeleton, camera: Camera, random: Random
    ) -> tuple[Floats, Floats]:
        """Return the pixels of a clip, (frames, joints, 2), with frames swapped, and confidence.

        Raises:
            HarnessError: the layout names no left and right joints.
        """
        if not layout.left:
            raise HarnessError(f"joint layout {layout.name} has no sides that could be swapped")
        swapped = random.random(len(pixels)) < self.probability
        mirror = list(layout.mirror)
        return (
            np.where(swapped[:, None, None], pixels[:, mirror], pixels),
            np.where(swapped[:, None], sure[:, mirror], sure),
        )


Corruption = GaussianNoise | JointDropout | SideSwaps

_KINDS: dict[str, type[Corruption]] = {
    "gaussian": GaussianNoise,
    "dropout": JointDropout,
    "swaps": SideSwaps,
}


def corruption_settings(values: Mapping[str, Any]) -> Corruption:
    """Return the corruption that plain values describe, such as {"kind": "swaps", ...}.

    Raises:
        HarnessError: its kind is unknown, or a key or value wrong.
    """
    kind = str(values.get("kind"))
    if kind not in _KINDS:
        raise unknown_name("kind of corruption", kind, _KINDS)
    return validated(_KINDS[kind], values, "corruption")


def corrupted_keypoints(
    prepared: PreparedSet, clips: pd.DataFrame, input_2d: str, corruption: Mapping[str, Any]
) -> tuple[Floats, Floats]:
    """Return the pixels of a 2D source with the rows of `clips` corrupted, and their confidence.

    Args:
        prepared: the data set.
        clips: the clips to corrupt; rows of other clips are not filled in.
        input_2d: the 2D source.
        corruption: fields of one of the corruptions above.

    Returns:
        (rows of the set, joints of the layout, 2) pixels and (rows, joints) confidence, which is
        one before where the source has none; what is drawn for a clip depends on the draw and on
        the clip's subject, action, subaction and camera alone.

    Raises:
        HarnessError: the corruption is unknown or wrong.
    """
    chosen = corruption_settings(corruption)
    exact, layout = prepared.keypoints_2d(input_2d), prepared.layout(input_2d)
    stored = prepared.confidence(input_2d)
    pixels = np.empty(exact.shape, np.float32)  # rows never written take no memory
    confidence = np.empty(exact.shape[:2], np.float32)
    for clip in clips.to_dict("records"):
        rows = slice(clip["first_row"], clip["first_row"] + clip["frames"])
        names = (clip[column] for column in ("subject", "action", "subaction", "camera"))
        random = np.random.default_rng(derive_seed(chosen.draw, "corruption", *names))
        camera = prepared.camera(clip["camera"])
        sure = np.ones(exact[rows].shape[:2], np.float32) if stored is None else stored[rows]
        pixels[rows], confidence[rows] = chosen.applied(exact[rows], sure, layout, camera, random)
    return pixels, confidence
