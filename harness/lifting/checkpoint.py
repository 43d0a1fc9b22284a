"""Checkpoints: weights with the contract they were trained under, in one safetensors file.

Equal weights and contracts give equal bytes. Reading one runs no code from it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from harness.body.skeleton import skeleton_called
from harness.foundation.errors import HarnessError
from harness.foundation.files import atomic_file
from harness.foundation.plain_json import parse_json
from harness.foundation.shown import shown
from harness.lifting.build import build_lifter
from harness.lifting.contract import Lifter, Predicts, Space
from harness.lifting.registry import method_called

CHECKPOINT = "model.safetensors"
"""The name of the file in a run's folder."""

_KEY = "contract"  # the one key of the metadata; more would leave their order to chance
_UNSTORED = 1_000_000  # numbers of buffers that are made anew, such as which joints are neighbours


class Origin(BaseModel):
    """Where weights that were not trained here come from.

    Attributes:
        release: the repository that released them.
        files: SHA-256 of each file by its name.
        normalisation: of the 2D input; w and h are the image's width and height.
        unit: of the 3D output.
        root: what became of the root joint in training.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    release: str
    files: dict[str, str]
    normalisation: Literal["x / w * 2 - 1, y / w * 2 - h / w"] = "x / w * 2 - 1, y / w * 2 - h / w"
    unit: Literal["metres", "normalised screen"] = "metres"
    root: str


class ModelContract(BaseModel):
    """What weights belong to, and what they may be used on.

    Attributes:
        run_id: the training run.
        method: the method that builds the lifter.
        network: its parameters, defaults included.
        data_skeleton: joints of the training set's 3D, from which the method picked its own.
        data_layout: joints of the 2D source trained on, likewise.
        skeleton: joints predicted.
        layout: joints of the 2D input.
        frames: length of the window.
        predicts: which frames a window gives: "all", the "middle" or the "last" one.
        input_2d: the 2D source trained on.
        train_actions: the only actions trained on, or None for all.
        dataset: the data set trained on.
        data_hash: identity of that data set, or None where weights come from elsewhere.
        frame_rates: frames a second of the clips trained on; None where it is not known.
        uses_root_depth: whether the lifter is given the true depth of the root.
        seed: the training seed.
        recipe: the training settings.
        selection: whether these are the weights of the epoch best on validation or of the last.
        epoch: the epoch these weights are from.
        parameters: number of trainable parameters.
        origin: where the weights come from, if not from here.
        uses_confidence: whether the lifter is given the confidence of the 2D.
        space: what its predictions are measured in.
        hypotheses: poses it predicts of each frame.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    method: str
    network: dict[str, Any]
    data_skeleton: str
    data_layout: str
    skeleton: str
    layout: str
    frames: int
    predicts: Predicts
    input_2d: str
    train_actions: tuple[str, ...] | None
    dataset: str
    data_hash: str | None
    frame_rates: tuple[float, ...] | None = None
    uses_root_depth: bool
    seed: int
    recipe: dict[str, Any]
    selection: Literal["best", "last"]
    epoch: int
    parameters: int
    origin: Origin | None = None
    uses_confidence: bool = False
    space: Space = "camera"
    hypotheses: int = 1


def parameter_count(lifter: torch.nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(weight.numel() for weight in lifter.parameters() if weight.requires_grad)


def save_checkpoint(path: Path, weights: Mapping[str, Tensor], contract: ModelContract) -> None:
    """Write weights and contract, atomically.

    Args:
        path: where to.
        weights: the lifter's state_dict.
        contract: what they belong to.

    Raises:
        HarnessError: the place cannot be written.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    text = json.dumps(contract.model_dump(mode="json"), sort_keys=True)
    with atomic_file(path, "wb") as stream:
        stream.write(save(tensors, {_KEY: text}))


def load_checkpoint(path: Path) -> tuple[Lifter, ModelContract]:
    """Rebuild the lifter in a checkpoint, in evaluation mode on the CPU, and return its contract.

    Raises:
        HarnessError: the file is missing, is no checkpoint of this harness, is damaged, or its
            tensors are not those of the lifter it names.
    """
    contract, weights = read_checkpoint(path)
    try:
        lifter = build_lifter(
            method_called(contract.method),
            contract.network,
            skeleton_called(contract.data_skeleton),
            skeleton_called(contract.data_layout),
            contract.seed,
            most_weights=sum(tensor.numel() for tensor in weights.values()) + _UNSTORED,
        )
    except HarnessError as error:
        raise HarnessError(f"{path}: {error}") from error
    expected = lifter.state_dict()
    odd = sorted(weights.keys() ^ expected.keys())
    if odd:
        where = "lacks" if odd[0] in expected else "has, unused,"
        raise HarnessError(
            f"{path}: {where} tensor '{odd[0]}' ({len(odd)} in all do not fit {contract.method}); "
            "it was changed or made by other code, so train again"
        )
    for name, tensor in weights.items():
        if tensor.shape != expected[name].shape:
            raise HarnessError(
                f"{path}: tensor '{name}' has shape {tuple(tensor.shape)}, expected "
                f"{tuple(expected[name].shape)}; it was changed or made by other code, "
                "so train again"
            )
    found = (lifter.skeleton.name, lifter.layout.name, lifter.frames, lifter.predicts)
    if found != (contract.skeleton, contract.layout, contract.frames, contract.predicts):
        raise HarnessError(
            f"{path}: its contract does not fit the lifter {contract.method} builds; "
            "it was changed or made by other code, so train again"
        )
    lifter.load_state_dict(weights)
    return lifter.eval(), contract


def read_contract(path: Path) -> ModelContract:
    """Return the contract of a checkpoint without building its lifter.

    Raises:
        HarnessError: the file is missing, is no checkpoint of this harness, or is damaged.
    """
    return read_checkpoint(path, tensors=False)[0]


def read_checkpoint(path: Path, *, tensors: bool = True) -> tuple[ModelContract, dict[str, Tensor]]:
    """Return the contract of a checkpoint and its weights by name.

    Args:
        path: the file.
        tensors: whether to read the weights too.

    Raises:
        HarnessError: the file is missing, is no checkpoint of this harness, or is damaged.
    """
    if not path.is_file():
        raise HarnessError(f"{path}: no such checkpoint; train the model first (harness train)")
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(_KEY)
            names = file.keys() if tensors else ()
            weights = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError, ValueError, RuntimeError, KeyError) as error:
        raise HarnessError(
            f"{path}: is not a whole safetensors file ({shown(error)}); train or copy it again"
        ) from error
    if text is None:
        raise HarnessError(
            f"{path}: holds weights without a contract; this harness did not make it"
        )
    try:
        contract = ModelContract.model_validate(parse_json(text, f"{path}: its contract"))
        return contract, weights
    except ValidationError as error:
        first = error.errors()[0]
        raise HarnessError(
            f"{path}: its contract is not one this version reads "
            f"({'.'.join(map(str, first['loc'])) or 'contract'}: {first['msg']}); train again"
        ) from error
