"""One training loop for every lifter, on Lightning Fabric.

Every random choice comes from a seed derived from the run's seed and the place in training, so a
resumed run repeats what an uninterrupted one does, bit for bit where the device computes so.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from harness.foundation.errors import HarnessError
from harness.foundation.history import EpochRecord
from harness.foundation.memory import keep_freed_memory
from harness.foundation.seeds import derive_seed
from harness.lifting.contract import Batch, Lifter
from harness.lifting.lift import mpjpe_mm
from harness.lifting.recipe import Recipe
from harness.lifting.windows import WindowReader
from harness.training.compiling import compiled_loss, whether_to_compile
from harness.training.one_machine import OneMachineStrategy, require_address
from harness.training.schedule import learning_rate
from harness.training.state import TrainingState, save_state
from harness.training.synchronised import synchronise_batch_norms
from harness.training.window_order import TrainingOrder

_LOOK_SECONDS = 0.5
"""How often the loss is looked at during an epoch; each look waits for the device."""


class TrainingFailed(HarnessError):
    """Training cannot go on: a number is not finite."""


class Watcher(Protocol):
    """Follows training as it goes, to show or to record it."""

    def on_choice(self, text: str) -> None:
        """Be told what was chosen about how to train, and why."""

    def on_look(self, epoch: int, step: int, steps: int, loss: float) -> None:
        """Be told, now and then, that `step` of an epoch's `steps` are done, and the mean loss."""

    def on_epoch(self, state: TrainingState) -> None:
        """Be told that the last epoch of the state's history is done."""


@dataclass(frozen=True)
class StateFile:
    """Where and how often a run's resumable state is written.

    Attributes:
        path: the file; all processes of a run see the same.
        key: identity of the run; a state is never resumed under another one.
        seconds: time between two states inside an epoch; the end of an epoch writes one anyway.
    """

    path: Path
    key: str
    seconds: float = 60.0


def make_fabric(
    recipe: Recipe, *, devices: int = 1, accelerator: str = "auto", num_nodes: int = 1
) -> Fabric:
    """Return the Fabric that `Training` runs on; call its `launch` before all else.

    Raises:
        HarnessError: the devices asked for are not there or cannot share a batch evenly, or nothing
            says where the first of several machines is.
    """
    if num_nodes > 1:
        require_address()
    if recipe.batch_size % (devices * num_nodes):
        raise HarnessError(
            f"batch_size {recipe.batch_size} cannot be shared evenly by {devices * num_nodes} "
            "devices; change one of the two"
        )
    try:
        return Fabric(
            accelerator=accelerator,
            devices=devices,
            num_nodes=num_nodes,
            precision=recipe.precision,
            strategy=OneMachineStrategy() if devices > 1 and num_nodes == 1 else "auto",
        )
    except (RuntimeError, ValueError) as error:  # of one or the other kind is all Fabric raises
        raise HarnessError(f"cannot train on {devices} x {accelerator}: {error}") from error


class Training:
    """A lifter in training.

    The batch is shared among Fabric's processes, and so are the statistics of batch norms:
    gradients and weights are those of one process up to rounding, dropout's masks apart. The first
    process alone validates and writes; several processes save their state at ends of epochs only.

    Attributes:
        state: where it stands; its `best_weights` are the ones to keep.
        compiling: whether the loss is compiled, and why.
    """

    def __init__(
        self,
        lifter: Lifter,
        training: WindowReader,
        validation: WindowReader | None,
        recipe: Recipe,
        seed: int,
        *,
        fabric: Fabric,
        state_file: StateFile,
        watcher: Watcher,
        state: TrainingState | None = None,
    ) -> None:
        """Prepare to train.

        Args:
            lifter: with its initial weights; it is trained in place.
            training: windows to train on.
            validation: clips that choose the epoch to keep, or None where the set has none.
            recipe: the training settings.
            seed: the training seed.
            fabric: the devices, launched.
            state_file: where the state is written on the way.
            watcher: follows training.
            state: where to go on, as `load_state` read it; by default at the beginning.

        Raises:
            HarnessError: there are too few windows, or no validation clips to choose an epoch by.
        """
        if recipe.select == "best" and validation is None:
            raise HarnessError(
                "the data set has no validation clips to choose the best epoch by; set training "
                "select: last, or prepare it with validation subjects"
            )
        self.state = state or TrainingState()
        self._lifter, self._validation = lifter, validation
        self._recipe, self._seed, self._fabric = recipe, seed, fabric
        self._state_file, self._watcher = state_file, watcher
        self._order = TrainingOrder(
            training,
            lifter,
            recipe,
            seed,
            rank=fabric.global_rank,
            world_size=fabric.world_size,
        )
        if self.state.lifter is not None:
            lifter.load_state_dict(self.state.lifter)
        if fabric.world_size > 1:
            synchronise_batch_norms(lifter)
        steps = recipe.epochs * self._order.steps
        self.compiling = whether_to_compile(recipe, lifter, steps, fabric.world_size)
        compiled = self.compiling.compiled
        loss = compiled_loss(lifter, fabric.device) if compiled else lifter.loss
        if recipe.compile != "off":
            watcher.on_choice(f"compiled: {self.compiling.reason}")
        adam = _OPTIMIZERS[recipe.optimizer](
            lifter.parameters(),
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            amsgrad=recipe.amsgrad,
            # The fused form is fastest, but cannot clip gradients that a scaler has scaled.
            fused=recipe.precision != "16-mixed",
        )
        self._model, self._optimizer = fabric.setup(_Loss(lifter, loss), adam)
        if self.state.optimizer:
            self._optimizer.load_state_dict(self.state.optimizer)
        fabric.strategy.precision.load_state_dict(self.state.scaler)
        self._looked = self._saved = time.monotonic()
        self._begun = self._looked - self.state.seconds

    def run(self) -> TrainingState:
        """Train to the last epoch and return the state at the end.

        Raises:
            TrainingFailed: a loss or the validation error is NaN or infinite; the message names
                epoch and step, and `state` still holds the best epoch before.
        """
        if self._fabric.device.type == "cpu":
            keep_freed_memory()
        while self.state.epoch <= self._recipe.epochs:
            losses = self._train_epoch(self.state.epoch, self.state.step)
            self._end_epoch(self.state.epoch, losses)
        return self.state

    def steps(self, epoch: int, begin: int = 0) -> Iterator[Tensor]:
        """Take the steps of an epoch from step `begin` on, one each time a loss is asked for."""
        self._lifter.train()
        self._lifter.on_epoch_start(epoch, self._recipe.epochs)
        with _float32_products(self._recipe.float32_products):
            for step, batch in enumerate(self._order.batches(epoch, begin), start=begin):
                yield self._take_step(epoch, step, batch)

    def _train_epoch(self, epoch: int, begin: int) -> Tensor:
        """Take the steps of an epoch from step `begin` on; return the losses of all its steps."""
        losses = torch.zeros(self._order.steps, device=self._fabric.device)
        losses[:begin] = self.state.losses
        for step, loss in enumerate(self.steps(epoch, begin), start=begin):
            losses[step] = loss
            if self._fabric.world_size == 1:
                self._look(epoch, losses[: step + 1])
        return losses

    def _take_step(self, epoch: int, step: int, batch: Batch) -> Tensor:
        rate = self._learning_rate(epoch, step)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._seed_step(epoch, step)
        weight = next(self._lifter.parameters())
        placed = batch.to(weight.device, weight.dtype)
        self._optimizer.zero_grad()
        try:
            loss = self._model(lambda: placed)
        except ValueError as error:  # torch's, of a batch norm that has one value a channel
            if "more than 1 value per channel" not in str(error):
                raise
            raise HarnessError(
                f"a batch of {len(batch.target)} window has no variance for a batch norm; set "
                "training.batch_size to 2 or more, or prepare more or longer training clips"
            ) from error
        self._fabric.backward(loss)
        if self._recipe.gradient_clip_norm is not None:
            self._fabric.clip_gradients(
                self._model,
                self._optimizer,
                max_norm=self._recipe.gradient_clip_norm,
                error_if_nonfinite=False,
            )
        self._optimizer.step()
        return loss.detach()

    def _seed_step(self, epoch: int, step: int) -> None:
        """Give dropout and the like a seed of the step's own."""
        seed = derive_seed(self._seed, "step", epoch, step, self._fabric.global_rank)
        if self._fabric.device.type == "cpu":
            # torch.manual_seed also notes down a stack trace for the GPU, slower than a small step.
            torch.default_generator.manual_seed(seed)
        else:
            torch.manual_seed(seed)

    def _learning_rate(self, epoch: int, step: int) -> float:
        return learning_rate(self._recipe, epoch, (epoch - 1) * self._order.steps + step)

    def _look(self, epoch: int, losses: Tensor) -> None:
        """Where some time has passed, check and show the losses; where more has, save the state."""
        now = time.monotonic()
        if now - self._looked < min(_LOOK_SECONDS, self._state_file.seconds):
            return
        self._looked = now
        _check_finite(losses, epoch)
        self._watcher.on_look(epoch, len(losses), self._order.steps, float(losses.mean()))
        if now - self._saved >= self._state_file.seconds:
            self.state.step, self.state.losses = len(losses), losses.cpu().clone()
            self._save()

    def _end_epoch(self, epoch: int, losses: Tensor) -> None:
        """Validate, keep the weights if they are the best, save the state."""
        losses = self._fabric.all_reduce(losses, reduce_op="mean")
        _check_finite(losses, epoch)
        error = None
        if self._validation is not None and self._fabric.is_global_zero:
            error = mpjpe_mm(self._lifter, self._validation)
        error = self._fabric.broadcast(error)
        if error is not None and not math.isfinite(error):
            raise TrainingFailed(f"epoch {epoch}: validation MPJPE is {error}; {_ADVICE}")
        state, steps = self.state, self._order.steps
        rate = self._learning_rate(epoch, steps - 1)
        loss = float(losses.mean(dtype=torch.float64))
        best = state.best_value
        state.history.append(EpochRecord(epoch, epoch * steps, rate, loss, error))
        if self._recipe.select == "last" or best is None or (error is not None and error < best):
            state.best_epoch = epoch
            state.best_weights = {
                name: weight.detach().cpu().clone()
                for name, weight in self._lifter.state_dict().items()
            }
        state.epoch, state.step, state.losses = epoch + 1, 0, torch.zeros(0)
        self._save()
        if self._fabric.is_global_zero:
            self._watcher.on_epoch(state)

    def _save(self) -> None:
        self._saved = time.monotonic()
        self.state.seconds = self._saved - self._begun
        if self._fabric.is_global_zero:
            self.state.lifter = self._lifter.state_dict()
            self.state.optimizer = self._optimizer.state_dict()
            self.state.scaler = self._fabric.strategy.precision.state_dict()
            save_state(self._state_file.path, self._state_file.key, self.state)


_OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}

_ADVICE = "lower training learning_rate or set gradient_clip_norm"


class _Loss(nn.Module):
    """The lifter's loss as a forward pass, which is what Fabric and DDP wrap.

    It takes a function that returns the batch, not the batch: Fabric casts tensors it finds in the
    arguments to half precision, and targets in metres must not lose digits.
    """

    def __init__(self, lifter: Lifter, loss: Callable[[Batch], Tensor]) -> None:
        super().__init__()
        self.lifter = lifter
        self._loss = loss

    def forward(self, batch: Callable[[], Batch]) -> Tensor:
        """Return the scalar loss."""
        return self._loss(batch())


@contextmanager
def _float32_products(precision: str) -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def _check_finite(losses: Tensor, epoch: int) -> None:
    wrong = torch.nonzero(~torch.isfinite(losses))
    if len(wrong):
        step = int(wrong[0])
        raise TrainingFailed(
            f"epoch {epoch}, step {step + 1}: the loss is {float(losses[step])}; {_ADVICE}"
        )
