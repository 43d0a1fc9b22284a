"""Predicting with a finished run: its checkpoint's predictions, stored in its folder."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from harness.datasets.frame_rates import frame_rates
from harness.datasets.prepared import PreparedSet, Split
from harness.foundation.errors import HarnessError
from harness.foundation.files import only_writer, sha256_of_file
from harness.foundation.provenance import read_record
from harness.lifting.checkpoint import CHECKPOINT, ModelContract, load_checkpoint
from harness.prediction.accelerator import accelerator_called
from harness.prediction.predict_split import predict
from harness.prediction.rate_difference import rate_difference
from harness.prediction.stored import PredictionContract, write_predictions


def predict_run(
    folder: Path,
    prepared_folder: Path,
    *,
    flip_test: bool,
    split: Split = "test",
    input_2d: str | None = None,
    corruption: Mapping[str, Any] | None = None,
    allow_other_input: bool = False,
    out: Path | None = None,
    batch_size: int | None = None,
    accelerator: str = "auto",
    say: Callable[[str], None] | None = None,
) -> Path:
    """Predict a split with a finished run and return the folder of the predictions.

    Args:
        folder: the run's folder.
        prepared_folder: folder of the prepared set to predict.
        flip_test: average with the prediction on the mirrored input.
        split: which clips.
        input_2d: the 2D source to lift; by default the one trained on.
        corruption: what is done to the 2D input; see `harness.prediction.corruption`.
        allow_other_input: lift data or a 2D source that the run was not trained on.
        out: where to; by default `predictions` in the run's folder.
        batch_size: windows at a time; by default what suits the lifter.
        accelerator: "cpu", "cuda", or "auto" for a GPU where there is one.
        say: told where the clips have another frame rate than those trained on.

    Raises:
        HarnessError: the run is not finished, its checkpoint is not the one it wrote, or the input
            is not what it was trained on.
    """
    path = folder / CHECKPOINT
    record = read_record(folder / "run.json")
    prepared = PreparedSet(prepared_folder)  # first, for it may define the checkpoint's skeleton
    lifter, contract = load_checkpoint(path)
    digest = sha256_of_file(path)
    if record.status != "finished" or record.results.get("checkpoint_sha256") != digest:
        raise HarnessError(
            f"{path}: is not the checkpoint that {folder / 'run.json'} ({record.status}) "
            "tells of; train the run to its end first"
        )
    device = accelerator_called(accelerator)
    source = contract.input_2d if input_2d is None else input_2d
    clips, positions = predict(
        lifter.to(device),
        contract,
        prepared,
        split,
        input_2d=source,
        flip_test=flip_test,
        batch_size=batch_size,
        corruption=corruption,
        allow_other_input=allow_other_input,
    )
    predictions = prediction_contract(
        contract,
        digest,
        prepared,
        split,
        clips,
        input_2d=source,
        flip_test=flip_test,
        corruption=corruption,
    )
    difference = rate_difference(contract.frame_rates, frame_rates(clips), contract.frames)
    if difference is not None and say is not None:
        say(difference)
    out = out or folder / "predictions"
    with only_writer(out):
        write_predictions(out, predictions, clips, positions)
    return out


def prediction_contract(
    contract: ModelContract,
    checkpoint_sha256: str,
    prepared: PreparedSet,
    split: Split,
    clips: pd.DataFrame,
    *,
    input_2d: str,
    flip_test: bool,
    corruption: Mapping[str, Any] | None = None,
) -> PredictionContract:
    """Return what is stored with predictions: the checkpoint's contract, and what was predicted."""
    return PredictionContract(
        model=contract.method,
        run_id=contract.run_id,
        checkpoint_sha256=checkpoint_sha256,
        dataset=prepared.manifest.name,
        data_hash=prepared.data_hash,
        input_2d=input_2d,
        trained_on_2d=contract.input_2d,
        split=split,
        skeleton=contract.skeleton,
        frames=contract.frames,
        predicts=contract.predicts,
        flip_test=flip_test,
        uses_root_depth=contract.uses_root_depth,
        confidence=_confidence(contract, prepared, input_2d),
        seed=contract.seed,
        corruption=None if corruption is None else dict(corruption),
        frame_rates=frame_rates(clips),
        trained_frame_rates=contract.frame_rates,
        space=contract.space,
        hypotheses=contract.hypotheses,
    )


def _confidence(
    contract: ModelContract, prepared: PreparedSet, source: str
) -> Literal["given", "ones"] | None:
    """Return what the lifter was told of how sure its 2D is."""
    if not contract.uses_confidence:
        return None
    return "ones" if prepared.confidence(source) is None else "given"
