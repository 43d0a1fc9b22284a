"""The card that goes with an exported model: what it is, what it may be used on, how to load it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tabulate import tabulate

from harness.body.skeleton import Skeleton, skeleton_called
from harness.datasets.importers import importer_called
from harness.datasets.prepared import PreparedSet
from harness.exchange.export import ExportedModel, Format
from harness.foundation.errors import HarnessError
from harness.lifting.checkpoint import ModelContract
from harness.lifting.reasons import explained_differences
from harness.lifting.registry import method_called
from harness.reporting.stored.run_report import ScoreSummary, report_run
from harness.scoring.metrics import METRICS
from harness.scoring.protocols import protocol_called

_SHOWN_METRICS = ("MPJPE", "P-MPJPE", "MPJVE", "PCK@150mm")


def model_card(model: ExportedModel, run: Path, prepared: Path) -> str:
    """Return the card as Markdown.

    Args:
        model: the file that was written.
        run: the folder of the run it was made from, with its scores.
        prepared: the prepared set trained on, where it is at hand; it knows its licence.

    Raises:
        HarnessError: a score of the run is damaged.
    """
    method = method_called(model.contract.method)
    sections = {
        "Contract": _contract(model),
        "Scores": _scores(report_run(run).scores, model.contract),
        "Where it differs from the original": _bullets(explained_differences(method)),
        "Licences": _bullets(_licences(model.contract, method.licence, prepared)),
        "How to load it": _loading(model),
    }
    head = f"# {method.title} (`{method.name}`)\n\n{method.reference}."
    parts = [f"## {title}\n\n{text}" for title, text in sections.items() if text]
    return "\n\n".join([head, *parts]) + "\n"


def _contract(model: ExportedModel) -> str:
    contract, record = model.contract, model.record
    actions = "" if contract.train_actions is None else ", ".join(contract.train_actions)
    facts = {
        "file": f"`{model.path.name}`, {model.format}, SHA-256 `{model.sha256}`",
        "run": f"`{contract.run_id}` ({record.run}, seed {contract.seed})",
        "commit": record.commit or "",
        "trained on": f"{contract.dataset}, data hash {(contract.data_hash or 'unknown')[:12]}",
        "only on the actions": actions,
        "2D source trained on": contract.input_2d,
        "weights of": f"epoch {contract.epoch} ({contract.selection})" if contract.epoch else "",
        "parameters": f"{contract.parameters:,}",
        "window": f"{contract.frames} frames, predicts {contract.predicts}",
        "joints in": _joints(skeleton_called(contract.layout)),
        "joints out": _joints(skeleton_called(contract.skeleton)),
        "privileged input": "the true depth of the root" if contract.uses_root_depth else "",
        "released by": "" if contract.origin is None else contract.origin.release,
        "network": _settings(contract.network),
        "recipe": _settings(contract.recipe),
        "checked": f"{model.equal} of {model.tried} made-up windows"
        f"{', in batches of two sizes,' if model.windows is None else ''} "
        "come out within 0.01 mm of the run's own predictions",
    }
    return _bullets(f"{what}: {value}" for what, value in facts.items() if value)


def _joints(skeleton: Skeleton) -> str:
    return f"{len(skeleton)}, `{skeleton.name}`: {', '.join(skeleton.joints)}"


def _number(score: ScoreSummary, name: str) -> str:
    """Return an average as the protocol prints it, "" where it was not scored."""
    decimals = protocol_called(score.protocol).decimals_of(METRICS[name])
    return f"{score.metrics[name]:.{decimals}f}" if name in score.metrics else ""


def _settings(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items() if value is not None)


def _scores(scores: list[ScoreSummary], contract: ModelContract) -> str:
    mine = [score for score in scores if score.run_id == contract.run_id]
    if not mine:
        return "None are stored with the run."
    metrics = [name for name in _SHOWN_METRICS if any(name in score.metrics for score in mine)]
    rows = [
        (
            f"{score.protocol} version {score.version}",
            f"{score.dataset}, {score.split}",
            score.input_2d,
            "on" if score.flip_test else "off",
            score.frames,
            *(_number(score, name) for name in metrics),
            "; ".join(score.departures),
        )
        for score in mine
    ]
    heads = ("protocol", "data", "2D", "flip at test", "frames")
    units = tuple(f"{name} ({METRICS[name].unit})" for name in metrics)
    table = tabulate(rows, (*heads, *units, "departs"), tablefmt="pipe", disable_numparse=True)
    return (
        f"{table}\n\nWith flip at test, predictions are averaged with those on mirrored input; the "
        "file gives one prediction at a time."
    )


def _licences(contract: ModelContract, of_method: str | None, prepared: Path) -> list[str]:
    try:
        manifest = PreparedSet(prepared).manifest
        known = manifest.data_hash == contract.data_hash
    except HarnessError:
        known = False
    if known:
        data = f"{manifest.licence}. Cite: {manifest.citation}"
    else:
        try:
            data = importer_called(contract.dataset).licence
        except HarnessError:
            data = "not known here; ask whoever trained the model"
    lines = [
        f"data set trained on ({contract.dataset}): {data}",
        "code of the harness: Apache-2.0",
    ]
    return lines if of_method is None else [*lines, f"original code of the method: {of_method}"]


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


_SPACES = {
    "camera": "camera space, metres, relative to the root",
    "image25d": "x, y and depth in units of the normalised screen, relative to the root; times the "
    "root's depth over the focal length in the same units they are metres",
}


def _loading(model: ExportedModel) -> str:
    contract = model.contract
    joints = len(skeleton_called(contract.layout))
    many = model.windows or "windows"
    shapes = {
        "keypoints": (
            f"({many}, {contract.frames}, {joints}, 2)",
            "x / w * 2 - 1 and y / w * 2 - h / w of pixels in an image of w x h (of a portrait "
            "image (2 x - w) / h and (2 y - h) / h)",
        ),
        "intrinsics": (
            f"({many}, 9)",
            "focal length and centre (x and y each) in the same units, 3 radial and 2 tangential "
            "distortions",
        ),
        "root_depth": (f"({many}, {contract.frames})", "camera-space depth of the root, metres"),
        "confidence": (
            f"({many}, {contract.frames}, {joints})",
            "of the 2D, from 0 to 1; ones where it is not known",
        ),
    }
    predicted = contract.frames if contract.predicts == "all" else 1
    several = "" if contract.hypotheses == 1 else f"{contract.hypotheses}, "
    out = f"({many}, {several}{predicted}, {len(skeleton_called(contract.skeleton))}, 3)"
    rows = [
        *((f"in `{name}`", *shapes[name]) for name in model.inputs),
        ("out `positions`", out, _SPACES[contract.space]),
    ]
    table = tabulate(rows, ("tensor", "shape, float32", "what"), tablefmt="pipe")
    tried = model.windows or 10
    sizes = {
        "keypoints": f"{tried}, {contract.frames}, {joints}, 2",
        "intrinsics": f"{tried}, 9",
        "root_depth": f"{tried}, {contract.frames}",
        "confidence": f"{tried}, {contract.frames}, {joints}",
    }
    code = _CODE[model.format](model, {name: sizes[name] for name in model.inputs})
    return f"{table}\n\n```python\n{code}\n```"


def _safetensors_code(model: ExportedModel, sizes: Mapping[str, str]) -> str:
    given = ", ".join(f"{name}=torch.ones({size})" for name, size in sizes.items())
    if "intrinsics" not in sizes:
        given += ", intrinsics=torch.ones(10, 9)"
    return f"""from pathlib import Path

import torch

from harness.lifting.checkpoint import load_checkpoint
from harness.lifting.contract import LifterInput

lifter, contract = load_checkpoint(Path("{model.path.name}"))
with torch.inference_mode():
    positions = lifter(LifterInput({given}))
print(tuple(positions.shape))"""


def _torchscript_code(model: ExportedModel, sizes: Mapping[str, str]) -> str:
    given = ", ".join(f"torch.ones({size})" for size in sizes.values())
    return f"""import torch

model = torch.jit.load("{model.path.name}")
with torch.inference_mode():
    positions = model({given})  # {", ".join(sizes)}
print(tuple(positions.shape))"""


def _onnx_code(model: ExportedModel, sizes: Mapping[str, str]) -> str:
    given = ", ".join(f'"{name}": np.ones(({size}), "float32")' for name, size in sizes.items())
    return f"""import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("{model.path.name}")
(positions,) = session.run(["positions"], {{{given}}})
print(positions.shape)"""


_CODE: dict[Format, Any] = {
    "safetensors": _safetensors_code,
    "torchscript": _torchscript_code,
    "onnx": _onnx_code,
}
