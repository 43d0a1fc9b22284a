"""Whether predictions, data set and protocol belong together, and where they depart from it."""

import pandas as pd

from harness.body.skeleton import skeleton_called
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.prediction.stored import PredictionContract, Predictions
from harness.scoring.protocols import Protocol
from harness.scoring.scored_clips import sees_input
from harness.scoring.sequences import IDENTITY


def clips_to_score(
    predictions: Predictions, prepared: PreparedSet, protocol: Protocol
) -> pd.DataFrame:
    """Return the prepared set's clips to score, or say why predictions, set and protocol clash."""
    contract = predictions.contract
    if contract.data_hash != prepared.data_hash:
        raise HarnessError(
            f"the predictions of {contract.model} were made on {contract.dataset} with data hash "
            f"{contract.data_hash[:12]}, {prepared.path} is {prepared.manifest.name} with "
            f"{prepared.data_hash[:12]}; score against the former or predict again"
        )
    for owner, skeleton in (
        (f"predictions of {contract.model}", skeleton_called(contract.skeleton)),
        (f"data set {prepared.path}", prepared.skeleton),
    ):
        try:
            protocol.skeleton.columns_in(skeleton)
        except HarnessError as error:
            raise HarnessError(f"{owner}: protocol {protocol.id} does not fit, {error}") from error
    annotation = prepared.manifest.settings.get("annotation")
    if protocol.annotation is not None and annotation != protocol.annotation:
        raise HarnessError(
            f"{prepared.path}: protocol {protocol.id} needs annotation '{protocol.annotation}', "
            f"the data set was prepared with '{annotation}'; prepare it again or choose another"
        )
    _refuse_other_target(predictions, prepared, protocol)
    if protocol.needs_valid and prepared.valid is None:
        raise HarnessError(
            f"{prepared.path}: protocol {protocol.id} counts valid frames only, but the data set "
            "does not say which are (no valid.npy); prepare it again"
        )
    expected = prepared.select(contract.split).sort_values("clip")
    found = predictions.clips.sort_values("clip")
    same = [*IDENTITY, "frames"]
    if not found[same].reset_index(drop=True).equals(expected[same].reset_index(drop=True)):
        raise HarnessError(
            f"the predictions of {contract.model} hold {len(found)} clips with "
            f"{found['frames'].sum()} frames, which are not the {len(expected)} clips with "
            f"{expected['frames'].sum()} frames of split {contract.split}; predict again"
        )
    kept = expected[protocol.keeps(expected)]
    if kept.empty:
        raise HarnessError(
            f"{prepared.path}: no clip of split {contract.split} is left under protocol "
            f"{protocol.id} (actions scored: {', '.join(protocol.actions) or 'all'})"
        )
    return kept


def _refuse_other_target(
    predictions: Predictions, prepared: PreparedSet, protocol: Protocol
) -> None:
    """Raise where the set does not hold what the protocol compares with."""
    if protocol.target == "image25d" and prepared.image_25d is None:
        raise HarnessError(
            f"{prepared.path}: protocol {protocol.id} needs the 2.5D truth and the factor of a "
            "file of MotionBERT's family (data set h36m_motionbert), which camera space does not "
            "give; h36m17-made25d shows what such a target does"
        )
    if protocol.target != "image25d":
        _ = prepared.positions_3d  # raises where there is no camera space
    if protocol.x_and_y_of_input and not sees_input(predictions, prepared):
        raise HarnessError(
            f"{prepared.path}: protocol {protocol.id} needs the 2D that was lifted "
            f"('{predictions.contract.input_2d}') as it was given, with all joints predicted; the "
            "set does not hold it"
        )


def departures_of(contract: PredictionContract, protocol: Protocol) -> tuple[str, ...]:
    """Say where the predictions depart from what the protocol's source does; tables print it."""
    found = []
    if protocol.flip_test not in (None, contract.flip_test):
        used, usual = ("with", "without") if contract.flip_test else ("without", "with")
        found.append(f"predicted {used} flip at test, the protocol's source {usual}")
    if contract.input_2d != contract.trained_on_2d:
        found.append(f"trained on {contract.trained_on_2d}, tested on {contract.input_2d}")
    if contract.uses_root_depth:
        found.append("given the true depth of the root")
    if contract.space == "image25d" and protocol.target == "camera":
        found.append("in units of the image, scaled by the true millimetres a pixel of each frame")
    if contract.hypotheses > 1:
        found.append(f"the mean of {contract.hypotheses} hypotheses (P-Agg)")
    if contract.corruption is not None:
        values = " ".join(f"{key}={value}" for key, value in contract.corruption.items())
        found.append(f"corrupted 2D input ({values})")
    return tuple(found)
