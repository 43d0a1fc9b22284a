"""Stored predictions: made once, scored many times, never separated from how they were made.

A folder of three files:

    predictions.npy   (rows, joints, 3) float32, root-relative camera-space metres
    clips.parquet     the clips predicted (columns of a prepared set; first_row counts rows here)
    contract.json     the PredictionContract, and the SHA-256 of the two files above
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.body.skeleton import skeleton_called
from harness.datasets.clip_table import Split, read_clips, write_clips
from harness.datasets.growing_array import GrowingArray, map_array
from harness.runs.errors import HarnessError
from harness.runs.files import atomic_folder, read_json, sha256_of_file, write_json


class PredictionContract(BaseModel):
    """The conditions under which predictions were made; scores of different ones never mix.

    Attributes:
        model: name of the model in params.yaml.
        run_id: the training run that made the checkpoint.
        checkpoint_sha256: SHA-256 of the checkpoint's bytes.
        dataset: name of the data set predicted.
        data_hash: identity of that data set.
        input_2d: the 2D source given to the lifter.
        trained_on_2d: the 2D source that the lifter was trained on; another one than `input_2d`
            only where that was asked for.
        split: the clips predicted.
        skeleton: the joints predicted.
        frames: length of the lifter's window.
        predicts: which frames a window gives: "all", the "middle" or the "last" one.
        flip_test: whether predictions on the input and on its mirror image were averaged.
        uses_root_depth: whether the lifter was given the true depth of the root.
        seed: the training seed.
        frame_rates: frames a second of the clips predicted; None where it was not recorded.
        trained_frame_rates: those of the clips trained on, likewise.
        corruption: noise added to the 2D input, such as
            {"kind": "gaussian", "sigma_px": 5, "draw": 0}, or none.
        space: "camera", root-relative metres, or "image25d": x, y and depth in the units of the
            normalised screen, relative to the root, as networks of MotionBERT's family put out.
        hypotheses: poses predicted for each frame; where more than one, they are the second axis.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    run_id: str
    checkpoint_sha256: str
    dataset: str
    data_hash: str
    input_2d: str
    trained_on_2d: str
    split: Split
    skeleton: str
    frames: int
    predicts: Literal["all", "middle", "last"]
    flip_test: bool
    uses_root_depth: bool
    seed: int
    corruption: dict[str, Any] | None = None
    frame_rates: tuple[float, ...] | None = None
    trained_frame_rates: tuple[float, ...] | None = None
    space: Literal["camera", "image25d"] = "camera"
    hypotheses: int = Field(default=1, ge=1)


@dataclass(frozen=True)
class Predictions:
    """Predictions as read from their folder.

    Attributes:
        contract: how they were made.
        clips: a row a clip; rows first_row ... first_row + frames - 1 of `positions` are its
            frames, and `clip` is the clip's number in the prepared set.
        positions: (rows, joints, 3) root-relative camera-space metres, memory-mapped.
    """

    contract: PredictionContract
    clips: pd.DataFrame
    positions: NDArray[np.float32]


def write_predictions(
    folder: Path,
    contract: PredictionContract,
    clips: pd.DataFrame,
    positions: NDArray[np.float32],
) -> None:
    """Write predictions so that `folder` is either whole or as it was before.

    Args:
        folder: where to; predictions already there are replaced.
        contract: how they were made.
        clips: the clips predicted, as `PreparedSet.select` returns them, in the order of
            `positions`; their first_row is renumbered to count rows of `positions`.
        positions: (rows, joints, 3) root-relative camera-space metres.

    Raises:
        HarnessError: shapes do not fit, a value is not finite, the place cannot be written.
    """
    clips = clips.reset_index(drop=True)
    clips = clips.assign(first_row=clips["frames"].cumsum() - clips["frames"])
    positions = np.ascontiguousarray(positions, dtype=np.float32)
    if positions.shape != _shape(contract, clips):
        raise HarnessError(
            f"{folder}: predictions have shape {positions.shape}, expected "
            f"{_shape(contract, clips)} from their clips and skeleton {contract.skeleton}"
        )
    finite = np.isfinite(positions).all(axis=(1, 2))
    if not finite.all():
        row = int(np.argmin(finite))
        clip = clips[clips["first_row"] <= row].iloc[-1]
        raise HarnessError(
            f"{contract.model} predicts NaN or infinity, first at frame {row - clip['first_row']} "
            f"of clip {clip['subject']} {clip['action']} {clip['subaction']} {clip['camera']}; "
            "train it again with a lower learning rate or a gradient clip"
        )
    with atomic_folder(folder) as temporary:
        array = GrowingArray(temporary / "predictions.npy", positions)
        array.append(positions)
        array.close()
        write_clips(temporary / "clips.parquet", clips)
        files = {
            name: sha256_of_file(temporary / name) for name in ("clips.parquet", "predictions.npy")
        }
        write_json(
            temporary / "contract.json",
            {"contract": contract.model_dump(mode="json"), "sha256": files},
        )


def read_predictions(folder: Path) -> Predictions:
    """Open the predictions in `folder`.

    Raises:
        HarnessError: a file is missing, was changed after it was written, or does not fit.
    """
    content = read_json(folder / "contract.json")
    try:
        contract = PredictionContract.model_validate(content["contract"])
        hashes = dict(content["sha256"])
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        raise HarnessError(
            f"{folder / 'contract.json'}: is not the contract of predictions that this version "
            "writes; predict again"
        ) from error
    for name in ("clips.parquet", "predictions.npy"):
        path = folder / name
        if not path.is_file():
            raise HarnessError(f"{path}: no such file; predict again")
        if sha256_of_file(path) != hashes.get(name):
            raise HarnessError(
                f"{path}: was changed or damaged after it was written; predict again"
            )
    clips = read_clips(folder / "clips.parquet", "predict again")
    shape = _shape(contract, clips)
    positions = map_array(folder / "predictions.npy", shape, np.dtype(np.float32), "predict again")
    return Predictions(contract, clips, positions)


def _shape(contract: PredictionContract, clips: pd.DataFrame) -> tuple[int, int, int]:
    return int(clips["frames"].sum()), len(skeleton_called(contract.skeleton)), 3
