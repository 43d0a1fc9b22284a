"""Second stage of the check: the first steps of training, by the code that trains.

Order, windows, augmentation, loss, gradient, clipping, optimiser and schedule are those of the
profile's settings; only the precision is float64 whatever they say, in which steps are the same on
every processor but for rounding. The last step is the first of the last epoch, where schedules and
warm-ups show.
"""

from collections.abc import Iterator
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from torch import Tensor

from harness.datasets.prepared import PreparedSet
from harness.lifting.contract import Batch, Lifter
from harness.lifting.recipe import Recipe
from harness.reporting.regression.fingerprint import Fingerprint, fingerprint, rounded
from harness.training.beginning import learnt_from, untrained
from harness.training.loop import StateFile, Training, make_fabric
from harness.training.plan import TrainingPlan
from harness.training.watching import SilentWatcher

TOLERANCE = 1e-7
"""Relative to the value, or to the norm of what a fingerprint is of."""
_FIRST_STEPS = 2
_NOT_PROBED = {"precision", "compile", "float32_products"}


class Step(BaseModel):
    """One step of training.

    Attributes:
        epoch: its epoch, from 1.
        step: its number in the epoch, from 1.
        windows: all that the loss was given: keypoints, cameras, targets.
        loss: the loss.
        gradient: the gradient of all weights, before it is clipped.
        change: how the step changed the weights and the statistics of batch norms.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epoch: int
    step: int
    windows: Fingerprint
    loss: float
    gradient: Fingerprint
    change: Fingerprint


class StepsGolden(BaseModel):
    """The first steps of a model's training.

    Attributes:
        seed: the training seed.
        settings: network and training settings, defaults included, but for precision.
        initial_weights: the weights before the first step.
        steps: the steps.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int
    settings: dict[str, Any]
    initial_weights: Fingerprint
    steps: list[Step]


def measured_steps(plan: TrainingPlan) -> StepsGolden:
    """Take the first steps of a run, in float64 on the CPU, and return what they gave.

    Raises:
        HarnessError: settings or data are wrong.
    """
    prepared = PreparedSet(plan.prepared)
    lifter = float64_lifter(plan, prepared)
    recorder = _Recorder(lifter)
    training = float64_training(plan, prepared, lifter)
    parameters = plan.parameters()
    return StepsGolden(
        seed=plan.seed,
        settings={
            "network": parameters["network"],
            "training": {
                key: value
                for key, value in parameters["training"].items()
                if key not in _NOT_PROBED
            },
        },
        initial_weights=fingerprint(recorder.weights),
        steps=[recorder.step(*taken) for taken in _taken(training, plan.recipe().epochs)],
    )


def float64_lifter(plan: TrainingPlan, prepared: PreparedSet) -> Lifter:
    """Return the plan's lifter with its initial weights in float64."""
    return untrained(plan, _in_float64(plan), prepared)


def float64_training(plan: TrainingPlan, prepared: PreparedSet, lifter: Lifter) -> Training:
    """Return the plan's training on the CPU, in float64 whatever its settings say.

    Raises:
        HarnessError: settings or data are wrong.
    """
    recipe = _in_float64(plan)
    fabric = make_fabric(recipe, accelerator="cpu")
    fabric.launch()
    return Training(
        lifter,
        *learnt_from(plan, prepared, lifter),
        recipe,
        plan.seed,
        fabric=fabric,
        state_file=StateFile(Path("never written"), "probe"),  # steps write none
        watcher=SilentWatcher(),
    )


def _in_float64(plan: TrainingPlan) -> Recipe:
    return plan.recipe().model_copy(update={"precision": "64-true", "compile": "off"})


def steps_difference(expected: StepsGolden, found: StepsGolden) -> str:
    """Say what differs first, and what that points to, or nothing."""
    difference = _first_difference(expected, found)
    changed = [
        f"{section} {key} is {now}, the reference's {expected.settings[section][key]}"
        for section, values in found.settings.items()
        for key, now in values.items()
        if expected.settings.get(section, {}).get(key, now) != now
    ]
    if not difference or not changed:
        return difference
    return f"{difference}; params.yaml says otherwise: {', '.join(changed)}"


def _taken(training: Training, epochs: int) -> Iterator[tuple[int, int, Tensor]]:
    """Take the steps one by one and yield epoch, number in it and loss of each."""
    for number, loss in enumerate(islice(training.steps(1), _FIRST_STEPS), start=1):
        yield 1, number, loss
    if epochs > 1:
        yield epochs, 1, next(training.steps(epochs))


class _Recorder:
    """Notes down what the steps of a lifter's training are given and what they do."""

    def __init__(self, lifter: Lifter) -> None:
        """Listen to `lifter`, which must not yet be in training."""
        self._lifter = lifter
        self.weights = self._copied_weights()
        self._batch: Batch | None = None
        self._gradients: dict[int, Tensor] = {}
        loss = lifter.loss

        def noted_loss(batch: Batch) -> Tensor:
            self._batch = batch
            return loss(batch)

        lifter.loss = noted_loss  # type: ignore[method-assign]
        for number, weight in enumerate(lifter.parameters()):
            if weight.requires_grad:
                weight.register_post_accumulate_grad_hook(self._noting(number))

    def _noting(self, number: int) -> Any:
        def note(weight: Tensor) -> None:
            if weight.grad is not None:
                self._gradients[number] = weight.grad.clone()

        return note

    def _copied_weights(self) -> list[Tensor]:
        state = self._lifter.state_dict().values()
        return [value.clone() for value in state if value.is_floating_point()]

    def step(self, epoch: int, number: int, loss: Tensor) -> Step:
        """Return the step just taken."""
        batch, before = self._batch, self.weights
        assert batch is not None
        self.weights = self._copied_weights()
        step = Step(
            epoch=epoch,
            step=number,
            windows=fingerprint(
                [
                    *(getattr(batch.inputs, item.name) for item in fields(batch.inputs)),
                    batch.target,
                    batch.root,
                    batch.labelled,
                ]
            ),
            loss=rounded(float(loss)),
            gradient=fingerprint(self._gradients[key] for key in sorted(self._gradients)),
            change=fingerprint(now - then for now, then in zip(self.weights, before, strict=True)),
        )
        self._gradients.clear()
        return step


def _first_difference(expected: StepsGolden, found: StepsGolden) -> str:
    if expected.seed != found.seed:
        return f"seed is {found.seed}, the reference's {expected.seed}"
    if expected.initial_weights.differs_from(found.initial_weights, TOLERANCE):
        return "initial weights: how the network is built or its weights are drawn"
    places = [(step.epoch, step.step) for step in found.steps]
    if places != [(step.epoch, step.step) for step in expected.steps]:
        return "number of epochs or of steps an epoch"
    for now, then in zip(found.steps, expected.steps, strict=True):
        difference = _of_step(then, now)
        if difference:
            return difference
    return ""


def _of_step(expected: Step, found: Step) -> str:
    place = f"of epoch {found.epoch}, step {found.step}"
    if found.windows.differs_from(expected.windows, TOLERANCE):
        return f"windows {place}: order, windows, augmentation or normalisation"
    if not abs(found.loss - expected.loss) <= TOLERANCE * abs(expected.loss):
        values = f"is {found.loss:.9g}, the reference's {expected.loss:.9g}"
        return f"loss {place} {values}: network or loss, on the same windows and weights"
    if found.gradient.differs_from(expected.gradient, TOLERANCE):
        values = found.gradient.beside(expected.gradient)
        return f"gradient {place} is {values}: backward pass, on the same loss"
    if found.change.differs_from(expected.change, TOLERANCE):
        values = found.change.beside(expected.change)
        return (
            f"change of the weights {place} is {values}: optimiser, learning rate, schedule or "
            "clipping, on the same gradient"
        )
    return ""
