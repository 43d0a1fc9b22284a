"""Third stage of the check: what committed small weights predict for a few clips.

Predicting goes the way it always does, flip at test included, but in float64, so that predictions
are the same on every processor up to the float32 in which they are stored.
"""

from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.foundation.files import sha256_of_file
from harness.foundation.settings import Profile
from harness.lifting.checkpoint import (
    CHECKPOINT,
    ModelContract,
    load_checkpoint,
    save_checkpoint,
)
from harness.lifting.contract import Lifter
from harness.prediction.predict_run import prediction_contract
from harness.prediction.predict_split import predict
from harness.prediction.stored import Predictions, read_predictions, write_predictions
from harness.reporting.regression.golden_file import damaged
from harness.reporting.regression.probe_steps import float64_lifter, float64_training
from harness.scoring.protocols import protocol_called
from harness.training.plan import TrainingPlan
from harness.training.train_run import model_contract

FOLDER = "predictions"
"""Below the model's folder of committed files."""
TOLERANCE_MM = 1e-3
_FRAMES = 40
_LARGEST_BYTES = 700_000
_TRAINING_STEPS = 60


def probe_set(prepared: PreparedSet, profile: Profile) -> PreparedSet:
    """Return the beginnings of the first and the last test clip that each protocol scores."""
    clips = prepared.select("test")
    chosen: set[int] = set()
    for protocol in profile.protocols:
        kept = clips["clip"][protocol_called(protocol).keeps(clips)].tolist()
        chosen.update(kept[:1] + kept[-1:])
    clips = clips[clips["clip"].isin(chosen)]
    return prepared.part(clips.assign(frames=clips["frames"].clip(upper=_FRAMES)))


def committed_predictions(folder: Path) -> Predictions:
    """Read a model's committed predictions.

    Raises:
        HarnessError: a file is missing or damaged.
    """
    try:
        return read_predictions(folder / FOLDER)
    except HarnessError as error:
        raise damaged(folder / FOLDER, error) from error


def predictions_difference(folder: Path, prepared: PreparedSet) -> str:
    """Predict with a model's committed weights; say how that differs from what is committed.

    Args:
        folder: the model's committed files.
        prepared: the prepared set, whole.

    Raises:
        HarnessError: a committed file is missing or damaged.
    """
    expected = committed_predictions(folder)
    path = folder / CHECKPOINT
    if not path.is_file() or sha256_of_file(path) != expected.contract.checkpoint_sha256:
        raise damaged(path, "it is not the file that the committed predictions were made with")
    try:
        lifter, contract = load_checkpoint(path)
        clips, positions = _predicted(
            lifter, contract, same_clips(prepared, expected.clips), expected.contract.flip_test
        )
    except HarnessError as error:
        return f"committed weights no longer predict: {error}"
    return _largest_difference(expected, clips, positions, lifter)


def write_prediction_golden(
    folder: Path, plan: TrainingPlan, prepared: PreparedSet, profile: Profile
) -> None:
    """Make small weights and their predictions and write both.

    Args:
        folder: the model's committed files.
        plan: a run of the model with a network small enough for git.
        prepared: the prepared set, whole.
        profile: says which protocols and whether predictions are flipped.

    Raises:
        HarnessError: settings or data are wrong, or the network is too large.
    """
    lifter = float64_lifter(plan, prepared)
    training = float64_training(plan, prepared, lifter)
    for _ in islice(training.steps(1), _TRAINING_STEPS):  # so that batch norms know the data
        pass
    contract = model_contract(plan, prepared, lifter, run_id=f"{plan.model}-reference", epoch=1)
    if 4 * contract.parameters > _LARGEST_BYTES:
        raise HarnessError(
            f"{plan.model}: weights of {4 * contract.parameters:,} bytes are too large to commit "
            f"(at most {_LARGEST_BYTES:,}); give it a smaller network in params.yaml: profiles.tiny"
        )
    save_checkpoint(folder / CHECKPOINT, lifter.float().state_dict(), contract)
    lifter, contract = load_checkpoint(folder / CHECKPOINT)
    part = probe_set(prepared, profile)
    clips, positions = _predicted(lifter, contract, part, profile.flip_test)
    write_predictions(
        folder / FOLDER,
        prediction_contract(
            contract,
            sha256_of_file(folder / CHECKPOINT),
            prepared,
            "test",
            clips,
            input_2d=contract.input_2d,
            flip_test=profile.flip_test,
        ),
        clips,
        positions,
    )


def _predicted(
    lifter: Lifter, contract: ModelContract, prepared: PreparedSet, flip_test: bool
) -> tuple[pd.DataFrame, NDArray[np.float32]]:
    return predict(
        lifter.to(torch.float64),
        contract,
        prepared,
        "test",
        input_2d=contract.input_2d,
        flip_test=flip_test,
    )


def same_clips(prepared: PreparedSet, predicted: pd.DataFrame) -> PreparedSet:
    """Return the part of the set that committed predictions are of."""
    clips = prepared.clips[prepared.clips["clip"].isin(predicted["clip"])]
    lengths = predicted.set_index("clip")["frames"]
    return prepared.part(clips.assign(frames=clips["clip"].map(lengths).astype("int64")))


def _largest_difference(
    expected: Predictions, clips: pd.DataFrame, positions: NDArray[np.float32], lifter: Lifter
) -> str:
    if positions.shape != expected.positions.shape:
        return f"predictions have shape {positions.shape}, expected {expected.positions.shape}"
    errors = 1000.0 * np.linalg.norm(positions.astype(np.float64) - expected.positions, axis=-1)
    if errors.max() <= TOLERANCE_MM:
        return ""
    row, joint = np.unravel_index(np.nanargmax(errors), errors.shape)
    clip = expected.clips[expected.clips["first_row"] <= row].iloc[-1]
    return (
        f"predictions of committed weights differ by up to {errors[row, joint]:.3g} mm "
        f"({lifter.skeleton.joints[joint]} in frame {row - clip['first_row']} of clip "
        f"{clip['subject']} {clip['action']}; {(errors > TOLERANCE_MM).mean():.0%} of joints "
        "differ): network, windows, or flip at test"
    )
