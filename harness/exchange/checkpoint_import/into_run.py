"""Importing a public checkpoint into a run's folder, from which it predicts like our own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from harness.body.skeleton import skeleton_called
from harness.exchange.checkpoint_import.d3dp import D3DPImporter
from harness.exchange.checkpoint_import.importer import (
    Conditions,
    PublicImporter,
    matched,
    spelled,
)
from harness.exchange.checkpoint_import.mixste import MixSTEImporter
from harness.exchange.checkpoint_import.motionagformer import MotionAGFormerImporter
from harness.exchange.checkpoint_import.motionbert import MotionBERTImporter
from harness.exchange.checkpoint_import.poseformerv2 import PoseFormerV2Importer
from harness.exchange.checkpoint_import.public_file import read_weights
from harness.exchange.checkpoint_import.semgcn_code import (
    MartinezImporter,
    SemGCNImporter,
    WSGCNImporter,
)
from harness.exchange.checkpoint_import.stgcn import STGCNImporter
from harness.exchange.checkpoint_import.videopose3d import VideoPose3DImporter
from harness.foundation.errors import HarnessError
from harness.foundation.files import only_writer, sha256_of_file, sha256_of_json
from harness.foundation.provenance import RunRecord, collect, write_record
from harness.foundation.settings import validated
from harness.foundation.suggest import unknown_name
from harness.lifting.build import build_lifter
from harness.lifting.checkpoint import (
    CHECKPOINT,
    ModelContract,
    Origin,
    parameter_count,
    save_checkpoint,
)
from harness.lifting.contract import Lifter
from harness.lifting.registry import method_called, method_sources

# Public weights are of the data sets as they were recorded.
_FRAME_RATES = {"h36m": (50.0,), "humaneva": (60.0,)}
_IMPORTERS: tuple[PublicImporter, ...] = (
    D3DPImporter(),
    MartinezImporter(),
    MixSTEImporter(),
    MotionAGFormerImporter(),
    MotionBERTImporter(),
    PoseFormerV2Importer(),
    SemGCNImporter(),
    STGCNImporter(),
    VideoPose3DImporter(),
    WSGCNImporter(),
)
IMPORTERS = {importer.method: importer for importer in _IMPORTERS}
"""The importers by our name of the method."""

UNKNOWN_DATA = "unknown"
"""What a record says of the data's hash: the weights were trained on somebody else's files."""


def import_checkpoint(
    files: Sequence[Path],
    model: str,
    folder: Path,
    *,
    told: Mapping[str, Any] | None = None,
    input_2d: str | None = None,
    layout: str | None = None,
) -> RunRecord:
    """Import public weights into `folder` as a finished run.

    Args:
        files: the release's file, or files where it has several for one model.
        model: our name of the method.
        folder: where run.json and model.safetensors go.
        told: network parameters that weights cannot tell, such as the frames of ST-GCN.
        input_2d: the 2D source trained on; by default the one that the release is known for.
        layout: joints of the 2D source, where the release's usual ones are not meant.

    Raises:
        HarnessError: there is no importer for the model; a file is damaged, would run code or
            holds another model's weights; the place cannot be written.
    """
    if model not in IMPORTERS:
        raise unknown_name("model with an importer", model, IMPORTERS)
    importer = IMPORTERS[model]
    weights = read_weights(files, importer.entry, importer.exact)
    try:
        lifter, network, conditions = _converted(
            importer, files[0].name, weights, told or {}, layout
        )
    except HarnessError as error:
        raise HarnessError(f"{files[0]}: {error}") from error
    origin = Origin(
        release=importer.release,
        files={path.name: sha256_of_file(path) for path in files},
        unit="metres" if lifter.space == "camera" else "normalised screen",
        root=conditions.root,
    )
    source = conditions.input_2d if input_2d is None else input_2d
    record = collect(
        run="/".join(filter(None, (folder.parent.parent.name, folder.name))),
        kind="import",
        model=model,
        seed=0,
        parameters={
            "network": network,
            "training": {},
            "input_2d": source,
            "train_actions": None,
            "origin": origin.model_dump(mode="json"),
        },
        dataset=conditions.dataset,
        data_hash=UNKNOWN_DATA,
        code=sha256_of_json(method_sources(model)),
    )
    contract = ModelContract(
        run_id=record.run_id,
        method=model,
        network=network,
        data_skeleton=conditions.data_skeleton,
        data_layout=conditions.data_layout,
        skeleton=lifter.skeleton.name,
        layout=lifter.layout.name,
        frames=lifter.frames,
        predicts=lifter.predicts,
        input_2d=source,
        train_actions=None,
        dataset=conditions.dataset,
        data_hash=None,
        frame_rates=_FRAME_RATES.get(conditions.dataset),
        uses_root_depth=lifter.uses_root_depth,
        uses_confidence=lifter.uses_confidence,
        space=lifter.space,
        hypotheses=lifter.hypotheses,
        seed=0,
        recipe={},
        selection="last",
        epoch=0,
        parameters=parameter_count(lifter),
        origin=origin,
    )
    with only_writer(folder):
        save_checkpoint(folder / CHECKPOINT, lifter.state_dict(), contract)
        results = {
            "parameters": contract.parameters,
            "checkpoint_sha256": sha256_of_file(folder / CHECKPOINT),
        }
        record = record.ended("finished", results)
        write_record(folder / "run.json", record)
    return record


def _converted(
    importer: PublicImporter,
    file_name: str,
    weights: Mapping[str, Tensor],
    told: Mapping[str, Any],
    layout: str | None,
) -> tuple[Lifter, dict[str, Any], Conditions]:
    """Return the lifter with the public weights, its network parameters and its conditions."""
    method = method_called(importer.method)
    weights = spelled(importer, weights)
    seen = importer.network(weights)
    contradicted = sorted(key for key in told if key in seen and seen[key] != told[key])
    if contradicted:
        key = contradicted[0]
        raise HarnessError(f"its weights are of {key} {seen[key]}, not {told[key]}")
    untold = [key for key in importer.required if key not in seen and key not in told]
    if untold:
        raise HarnessError(
            f"its weights do not tell {untold[0]} ({importer.required[untold[0]]}); "
            f"add --{untold[0]}"
        )
    network = validated(method.settings, {**seen, **told}, f"network of {importer.method}")
    conditions = importer.conditions(file_name, weights)
    if layout is not None:
        conditions = replace(conditions, data_layout=layout)
    lifter = build_lifter(
        method,
        {**seen, **told},
        skeleton_called(conditions.data_skeleton),
        skeleton_called(conditions.data_layout),
        seed=0,
    )
    parameters = network.model_dump(mode="json")
    lifter.load_state_dict(matched(importer, parameters, lifter, weights))
    return lifter.eval(), parameters, conditions
