"""Predicting a split of a data set with a trained lifter, on the input it was trained for."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.datasets.prepared import PreparedSet, Split
from harness.foundation.errors import HarnessError
from harness.lifting.checkpoint import ModelContract
from harness.lifting.contract import Lifter
from harness.lifting.lift import lift
from harness.lifting.windows import WindowReader
from harness.prediction.corruption import corrupted_keypoints


def predict(
    lifter: Lifter,
    contract: ModelContract,
    prepared: PreparedSet,
    split: Split,
    *,
    input_2d: str,
    flip_test: bool,
    batch_size: int | None = None,
    corruption: Mapping[str, Any] | None = None,
    allow_other_input: bool = False,
) -> tuple[pd.DataFrame, NDArray[np.float32]]:
    """Predict every frame of a split once.

    Args:
        lifter: from a checkpoint, on the device to use.
        contract: what the checkpoint says of it.
        prepared: the data set to predict.
        split: which of its clips.
        input_2d: the 2D source to lift.
        flip_test: average with the prediction on the mirrored input.
        batch_size: windows at a time; by default what suits the lifter.
        corruption: what is done to the 2D input; see `harness.prediction.corruption`.
        allow_other_input: lift data or a 2D source that the checkpoint was not trained on.

    Returns:
        The clips, and (rows, joints, 3) predictions, clip after clip; see `lift`.

    Raises:
        HarnessError: the 2D source or the data are not those of the checkpoint and that was not
            asked for, or they lack a joint.
    """
    if not allow_other_input:
        check_input(contract, prepared, input_2d)
    clips = prepared.select(split)
    keypoints = confidence = None
    if corruption is not None:
        keypoints, confidence = corrupted_keypoints(prepared, clips, input_2d, corruption)
    reader = WindowReader(
        prepared, clips, input_2d, lifter, keypoints=keypoints, confidence=confidence
    )
    return clips, lift(lifter, reader, flip_test=flip_test, batch_size=batch_size)


def check_input(contract: ModelContract, prepared: PreparedSet, input_2d: str) -> None:
    """Raise where predictions would be taken for something they are not.

    Raises:
        HarnessError: data or 2D source are not those that the lifter was trained on.
    """
    layout = prepared.layout(input_2d).name
    if input_2d != contract.input_2d or layout != contract.data_layout:
        raise HarnessError(
            f"{contract.run_id} was trained on 2D source '{contract.input_2d}' "
            f"({contract.data_layout}), not on '{input_2d}' ({layout}); train on that source, or "
            "say that another input is meant (--allow-other-input)"
        )
    if contract.data_hash is None:
        if prepared.manifest.name != contract.dataset:
            raise HarnessError(
                f"{contract.run_id} was trained on data set {contract.dataset}, {prepared.path} is "
                f"{prepared.manifest.name}; predict the former, or say that other data are meant "
                "(--allow-other-input)"
            )
    elif prepared.data_hash != contract.data_hash:
        raise HarnessError(
            f"{contract.run_id} was trained on data set {contract.dataset} "
            f"({contract.data_hash[:10]}), {prepared.path} is {prepared.manifest.name} "
            f"({prepared.data_hash[:10]}), so its test clips may have been trained on; "
            "train again, or say that other data are meant (--allow-other-input)"
        )
