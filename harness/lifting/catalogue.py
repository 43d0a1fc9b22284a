"""The methods as people look them up: size, input, publication, settings."""

import contextlib
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from harness.body.skeleton import H36M_17
from harness.foundation.errors import HarnessError
from harness.lifting.build import build_lifter
from harness.lifting.checkpoint import parameter_count
from harness.lifting.contract import Lifter, Method
from harness.lifting.made_input import made_input
from harness.lifting.reasons import explained_differences
from harness.lifting.registry import method_called


@dataclass(frozen=True)
class MethodEntry:
    """A method with its default settings, on Human3.6M's 17 joints.

    Attributes:
        name: how commands call it.
        title: how tables call it.
        reference: the publication.
        parameters: number of trainable parameters.
        parameters_predicting: those of them that predictions depend on.
        frames: length of its window.
        predicts: whether a window gives "all" its frames or the "middle" one.
        joints: joints predicted.
        joints_2d: joints of its 2D input.
        uses_root_depth: whether it is given the true depth of the root.
        network: its parameters with their defaults.
        training: its recipe.
        differences: where implementation or recipe differ from the original, and why.
        published: headline numbers of the publication.
        licence: licence of the original code, where its layout follows public code.
    """

    name: str
    title: str
    reference: str
    parameters: int
    parameters_predicting: int
    frames: int
    predicts: str
    joints: int
    joints_2d: int
    uses_root_depth: bool
    network: dict[str, Any]
    training: dict[str, Any]
    differences: tuple[str, ...]
    published: dict[str, float]
    licence: str | None


def describe(name: str) -> MethodEntry:
    """Return the entry of a method.

    Raises:
        HarnessError: there is no such method, or what it returns breaks the lifter contract.
    """
    method = method_called(name)
    without_values = _without_values(method)
    if without_values is None:
        lifter = build_lifter(method, {}, H36M_17, H36M_17, seed=0)
        predicted = lifter(made_input(lifter, 2))
    else:
        lifter, predicted = without_values
    _check_returned(lifter, predicted)
    return MethodEntry(
        name=method.name,
        title=method.title,
        reference=method.reference,
        parameters=parameter_count(lifter),
        parameters_predicting=predicting_parameter_count(lifter, predicted),
        frames=lifter.frames,
        predicts=lifter.predicts,
        joints=len(lifter.skeleton),
        joints_2d=len(lifter.layout),
        uses_root_depth=lifter.uses_root_depth,
        network=method.settings().model_dump(mode="json"),
        training=method.recipe.model_dump(mode="json"),
        differences=explained_differences(method),
        published=dict(method.published),
        licence=method.licence,
    )


def predicting_parameter_count(lifter: Lifter, predicted: Tensor) -> int:
    """Return how many trainable parameters a prediction depends on, found by its gradient.

    Heads that only the training loss uses are not among them.
    """
    weights = [weight for weight in lifter.parameters() if weight.requires_grad]
    gradients = torch.autograd.grad(predicted.sum(), weights, allow_unused=True)
    return sum(
        weight.numel()
        for weight, gradient in zip(weights, gradients, strict=True)
        if gradient is not None
    )


def _without_values(method: Method) -> tuple[Lifter, Tensor] | None:
    """Return a method's lifter and its prediction of two windows, shapes without values.

    Neither weights are drawn nor numbers multiplied: a diffusion over 243 frames would take
    minutes. None where building or predicting cannot do without values.
    """
    with contextlib.suppress(HarnessError, NotImplementedError, RuntimeError, TypeError):
        with torch.device("meta"):
            lifter = build_lifter(method, {}, H36M_17, H36M_17, seed=0)
        # What was made by other means than torch's, say NumPy's, has its values yet.
        lifter.to("meta")
        return lifter, lifter(made_input(lifter, 2, device="meta"))
    return None


def _check_returned(lifter: Lifter, predicted: object) -> None:
    """Raise unless two windows gave a tensor of the shape that the lifter declares.

    Another shape would not always fail in training: a loss may broadcast it against the truth.
    """
    what = type(lifter).__name__
    if not isinstance(predicted, torch.Tensor):
        raise HarnessError(f"{what} returns a {type(predicted).__name__}, expected a tensor")
    kept = lifter.frames if lifter.predicts == "all" else 1
    several = () if lifter.hypotheses == 1 else (lifter.hypotheses,)
    expected = (2, *several, kept, len(lifter.skeleton), 3)
    if tuple(predicted.shape) != expected:
        hypotheses = f"{lifter.hypotheses} hypotheses, " if several else ""
        raise HarnessError(
            f"{what} returns shape {tuple(predicted.shape)}, expected {expected}: 2 windows, "
            f"{hypotheses}{kept} predicted frames, {len(lifter.skeleton)} joints, 3 coordinates"
        )
