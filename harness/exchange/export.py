"""Trained lifters as files for other programs, each checked against the lifter it was made from.

    safetensors   the weights with their contract; loaded by `load_checkpoint`
    torchscript   runs under PyTorch alone: torch.jit.load
    onnx          runs under onnxruntime and its like, without PyTorch

The last two take tensors by name (`ExportedModel.inputs`) with any number of windows, and hold the
contract as well: TorchScript as the extra file contract.json, ONNX as metadata `contract`.
"""

import importlib
import io
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.exchange.formats import NEEDED, Format, check_place, missing_package
from harness.exchange.tracing import PlainLifter, traceable
from harness.foundation.errors import HarnessError
from harness.foundation.files import atomic_file, sha256_of_file
from harness.foundation.provenance import RunRecord, read_record
from harness.lifting.checkpoint import CHECKPOINT, ModelContract, load_checkpoint

OUTPUT = "positions"
EQUAL_METRES = 1e-5
"""Two predictions are equal where no coordinate differs by more."""

_OPSET = 18
_TRIED = 24
_LEAST_EQUAL = 0.9

_Run = Callable[[Sequence[Tensor]], Tensor]


@dataclass(frozen=True)
class ExportedModel:
    """A file that was written, and what is known of it.

    Attributes:
        path: the file.
        format: its format.
        contract: what the weights belong to.
        record: the run that made them.
        inputs: what the file takes, in order.
        tried: windows that it was compared on with the lifter.
        equal: how many of them it predicts equally.
        sha256: SHA-256 of the file.
        windows: how many it takes at once; any number where None.
    """

    path: Path
    format: Format
    contract: ModelContract
    record: RunRecord
    inputs: tuple[str, ...]
    tried: int
    equal: int
    sha256: str
    windows: int | None = None


def export_run(
    folder: Path, style: Format, path: Path, *, force: bool = False, windows: int | None = None
) -> ExportedModel:
    """Write the model of the run in `folder` to `path` in another format, and try it.

    Args:
        folder: the run.
        style: the format.
        path: the file.
        force: replace a file that is there.
        windows: how many windows the file takes at once; any number by default. Shapes that are
            known beforehand need not be worked out for every call.

    Raises:
        HarnessError: the run or its checkpoint is missing or damaged, `path` exists, the format
            needs packages that are not installed, cannot express the model or predicts otherwise.
    """
    checkpoint = folder / CHECKPOINT
    check_place(checkpoint, style, path, force)
    if windows is not None and style != "onnx":
        raise HarnessError(f"--windows is of onnx; {style} takes any number, so leave it out")
    _require_packages(style)
    record = read_record(folder / "run.json")
    lifter, contract = load_checkpoint(checkpoint)
    if contract.run_id != record.run_id:
        raise HarnessError(
            f"{checkpoint}: is of run {contract.run_id}, {folder / 'run.json'} of "
            f"{record.run_id}; train the run to its end first"
        )
    plain = PlainLifter(lifter)
    content, run = _written(style, checkpoint, plain, contract, windows)
    tried, equal = _compared(plain, run, windows)
    if equal < _LEAST_EQUAL * tried:
        raise HarnessError(
            f"{contract.method}: in {style}, {tried - equal} of {tried} windows come out "
            f"otherwise, so nothing was written; {_ADVICE}"
        )
    with atomic_file(path, "wb") as stream:
        stream.write(content)
    return ExportedModel(
        path, style, contract, record, plain.names, tried, equal, sha256_of_file(path), windows
    )


_ADVICE = "export it as safetensors, which every model can be"


def _require_packages(style: Format) -> None:
    for package in NEEDED.get(style, ()):
        try:
            importlib.import_module(package)
        except ImportError as error:
            raise missing_package(style, package, str(error)) from error


def _written(
    style: Format,
    checkpoint: Path,
    plain: PlainLifter,
    contract: ModelContract,
    windows: int | None,
) -> tuple[bytes, _Run]:
    """Return the file's bytes and a function that runs the model in them.

    Raises:
        HarnessError: the format cannot express the model.
    """
    if style == "safetensors":
        return checkpoint.read_bytes(), _loaded_safetensors(checkpoint)
    text = json.dumps(contract.model_dump(mode="json"), sort_keys=True)
    try:
        return (
            _torchscript(plain, text) if style == "torchscript" else as_onnx(plain, text, windows)
        )
    except Exception as error:  # recorders and converters raise any error at all
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]
        raise HarnessError(
            f"{contract.method}: {style} cannot express this model ({reason}); {_ADVICE}"
        ) from error


def _loaded_safetensors(checkpoint: Path) -> _Run:
    plain = PlainLifter(load_checkpoint(checkpoint)[0])
    return lambda tensors: plain(*tensors)


def _torchscript(plain: PlainLifter, contract: str) -> tuple[bytes, _Run]:
    buffer = io.BytesIO()
    with traceable():
        traced = torch.jit.trace(plain, plain.example(2), check_trace=False)
        torch.jit.save(traced, buffer, _extra_files={"contract.json": contract})
        loaded = torch.jit.load(io.BytesIO(buffer.getvalue()))
    return buffer.getvalue(), lambda tensors: loaded(*tensors)


def as_onnx(
    plain: PlainLifter, contract: str, windows: int | None = None
) -> tuple[bytes, Callable[[Sequence[Tensor]], Tensor]]:
    """Return the bytes of an ONNX file and a function that runs it.

    Args:
        plain: the model.
        contract: what the file says of it, as JSON.
        windows: how many it takes at once; any number where None.
    """
    import onnx
    import onnxruntime

    names = list(plain.names)
    example = plain.example(windows or 2)
    with traceable(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        # The exporter by tracing: the one by torch.export takes a hundred times as long on graph
        # networks and lacks what DG-Net does in place.
        torch.onnx.export(
            plain,
            example,
            path,
            dynamo=False,
            opset_version=_OPSET,
            do_constant_folding=False,
            input_names=names,
            output_names=[OUTPUT],
            dynamic_axes={name: {0: "windows"} for name in (*names, OUTPUT)} if not windows else {},
        )
        model: Any = onnx.load(path)
        shape = plain(*example).shape
    model.graph.output[0].CopyFrom(
        onnx.helper.make_tensor_value_info(
            OUTPUT, onnx.TensorProto.FLOAT, [windows or "windows", *shape[1:]]
        )
    )
    onnx.helper.set_model_props(model, {"contract": contract})
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])

    def run(tensors: Sequence[Tensor]) -> Tensor:
        given = {name: value.numpy() for name, value in zip(names, tensors, strict=True)}
        return torch.from_numpy(session.run([OUTPUT], given)[0])

    return content, run


def _compared(plain: PlainLifter, run: _Run, windows: int | None) -> tuple[int, int]:
    """Return how many windows were tried, and how many of them come out equally."""
    tried = equal = 0
    # Two sizes of batch: a model that kept the size it was recorded with fails.
    several = max(3, min(_TRIED, plain.lifter.windows_at_a_time))
    with torch.no_grad():
        for count in (1, several) if windows is None else (windows,):
            given = plain.example(count)
            ours, theirs = plain(*given), run(given)
            tried += count
            if theirs.shape == ours.shape:
                scale = max(1.0, float(ours.abs().max()))
                difference = (theirs - ours).abs().flatten(1).amax(dim=1)
                equal += int((difference <= EQUAL_METRES * scale).sum())
    return tried, equal
