"""Corruptions of the 2D input at test time, drawn from what they are for, never from order."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from harness.datasets.prepared import PreparedSet
from harness.runs.seeds import derive_seed
from harness.runs.settings import validated


class GaussianNoise(BaseModel):
    """Independent normal noise on every coordinate of every joint and frame (DG-Net, table X).

    Attributes:
        kind: "gaussian".
        sigma_px: standard deviation in pixels.
        draw: number of the draw; one draw at two sigmas is the same noise scaled.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["gaussian"]
    sigma_px: float = Field(ge=0)
    draw: int = Field(default=0, ge=0)


def corrupted_keypoints(
    prepared: PreparedSet, clips: pd.DataFrame, input_2d: str, corruption: Mapping[str, Any]
) -> NDArray[np.float32]:
    """Return the pixels of a 2D source with noise on the rows of `clips`.

    Args:
        prepared: the data set.
        clips: the clips to corrupt; rows of other clips are not filled in.
        input_2d: the 2D source.
        corruption: fields of `GaussianNoise`.

    Returns:
        (rows of the set, joints of the layout, 2) pixels; a clip's noise depends on the draw and on
        the clip's subject, action, subaction and camera alone.

    Raises:
        HarnessError: the corruption is unknown or wrong.
    """
    noise = validated(GaussianNoise, corruption, "corruption")
    exact = prepared.keypoints_2d(input_2d)
    result = np.empty(exact.shape, np.float32)  # rows never written take no memory
    for clip in clips.to_dict("records"):
        rows = slice(clip["first_row"], clip["first_row"] + clip["frames"])
        names = (clip[column] for column in ("subject", "action", "subaction", "camera"))
        random = np.random.default_rng(derive_seed(noise.draw, "corruption", *names))
        draw = random.standard_normal(exact[rows].shape, np.float32)
        result[rows] = exact[rows] + np.float32(noise.sigma_px) * draw
    return result
