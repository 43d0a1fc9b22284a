"""Stored predictions: made once, scored many times, never separated from how they were made.

A folder of these files:

    predictions.npy   (rows, joints, 3) float32, root-relative camera-space metres, or with several
                      hypotheses (rows, hypotheses, joints, 3)
    root.npy          (rows, 3) float32, camera-space metres, where the root's path is predicted too
    clips.parquet     the clips predicted (columns of a prepared set; first_row counts rows here)
    contract.json     the PredictionContract, and the SHA-256 of the files above
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
from harness.foundation.errors import HarnessError
from harness.foundation.files import atomic_folder, read_json, sha256_of_file, write_json

OF_ONE_RUN = frozenset({"run_id", "checkpoint_sha256", "seed"})
"""What of a contract differs between runs of one method under equal conditions."""


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
        predicts_root: whether the path of the root in camera space is predicted too.
        confidence: whether the lifter was "given" the confidence of the 2D source, or "ones"
            because the source has none; None for lifters that take none.
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
    predicts_root: bool = False
    confidence: Literal["given", "ones"] | None = None


@dataclass(frozen=True)
class Predictions:
    """Predictions as read from their folder.

    Attributes:
        contract: how they were made.
        clips: a row a clip; rows first_row ... first_row + frames - 1 of `positions` are its
            frames, and `clip` is the clip's number in the prepared set.
        positions: (rows, joints, 3) root-relative camera-space metres, memory-mapped; with several
            hypotheses they are the second axis.
        roots: (rows, 3) camera-space metres, memory-mapped, or None.
    """

    contract: PredictionContract
    clips: pd.DataFrame
    positions: NDArray[np.float32]
    roots: NDArray[np.float32] | None = None


def write_predictions(
    folder: Path,
    contract: PredictionContract,
    clips: pd.DataFrame,
    positions: NDArray[np.float32],
    roots: NDArray[np.float32] | None = None,
) -> None:
    """Write predictions so that `folder` is either whole or as it was before.

    Args:
        folder: where to; predictions already there are replaced.
        contract: how they were made.
        clips: the clips predicted, as `PreparedSet.select` returns them, in the order of
            `positions`; their first_row is renumbered to count rows of `positions`.
        positions: (rows, joints, 3) root-relative camera-space metres; with several hypotheses they
            are the second axis.
        roots: (rows, 3) camera-space metres, where the contract says that they are predicted.

    Raises:
        HarnessError: shapes do not fit, a value is not finite, the place cannot be written.
    """
    clips = clips.reset_index(drop=True)
    clips = clips.assign(first_row=clips["frames"].cumsum() - clips["frames"])
    positions = np.ascontiguousarray(positions, dtype=np.float32)
    _check_shape(folder, contract, clips, positions)
    arrays = {"predictions.npy": positions}
    if contract.predicts_root:
        arrays["root.npy"] = _checked_roots(folder, clips, roots)
    for array in arrays.values():
        _refuse_not_finite(contract, clips, array)
    with atomic_folder(folder) as temporary:
        for name, array in arrays.items():
            file = GrowingArray(temporary / name, array)
            file.append(array)
            file.close()
        write_clips(temporary / "clips.parquet", clips)
        files = {name: sha256_of_file(temporary / name) for name in ("clips.parquet", *arrays)}
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
    names = ["clips.parquet", "predictions.npy", *(["root.npy"] if contract.predicts_root else [])]
    for name in names:
        path = folder / name
        if not path.is_file():
            raise HarnessError(f"{path}: no such file; predict again")
        if sha256_of_file(path) != hashes.get(name):
            raise HarnessError(
                f"{path}: was changed or damaged after it was written; predict again"
            )
    clips = read_clips(folder / "clips.parquet", "predict again")
    float32 = np.dtype(np.float32)
    shape = _shape(contract, clips)
    positions = map_array(folder / "predictions.npy", shape, float32, "predict again")
    roots = None
    if contract.predicts_root:
        roots = map_array(folder / "root.npy", (shape[0], 3), float32, "predict again")
    return Predictions(contract, clips, positions, roots)


def _shape(contract: PredictionContract, clips: pd.DataFrame) -> tuple[int, ...]:
    several = (contract.hypotheses,) if contract.hypotheses > 1 else ()
    return int(clips["frames"].sum()), *several, len(skeleton_called(contract.skeleton)), 3


def _check_shape(
    folder: Path,
    contract: PredictionContract,
    clips: pd.DataFrame,
    positions: NDArray[np.float32],
) -> None:
    expected = _shape(contract, clips)
    if positions.shape != expected:
        raise HarnessError(
            f"{folder}: predictions have shape {positions.shape}, expected {expected} from their "
            f"clips and skeleton {contract.skeleton}"
        )


def _checked_roots(
    folder: Path, clips: pd.DataFrame, roots: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """Return the path of the root, or raise unless there is one with a row a frame."""
    expected = (int(clips["frames"].sum()), 3)
    found = "none" if roots is None else f"{roots.shape} ({roots.dtype})"
    if roots is None or roots.shape != expected or roots.dtype != np.float32:
        raise HarnessError(
            f"{folder}: the root's path is {found}, expected {expected} (float32) from the clips"
        )
    return roots


def _refuse_not_finite(
    contract: PredictionContract, clips: pd.DataFrame, array: NDArray[np.float32]
) -> None:
    """Raise where a value is not finite; clip by clip, for hypotheses fill the memory."""
    for clip in clips.to_dict("records"):
        first = int(clip["first_row"])
        rows = array[first : first + int(clip["frames"])]
        finite = np.isfinite(rows).reshape(len(rows), -1).all(axis=1)
        if not finite.all():
            raise HarnessError(
                f"{contract.model} predicts NaN or infinity, first at frame {np.argmin(finite)} of "
                f"clip {clip['subject']} {clip['action']} {clip['subaction']} {clip['camera']}; "
                "train it again with a lower learning rate or a gradient clip"
            )
