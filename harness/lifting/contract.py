"""The one contract of every lifter: what it is given, what it returns, how it is trained.

A method that fulfils it works in training, prediction, comparison, grids and tables unchanged.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import torch
from pydantic import BaseModel
from torch import Tensor, nn

from harness.body.skeleton import Skeleton
from harness.lifting.recipe import Recipe

Predicts = Literal["all", "middle", "last"]
"""Which frames of its window a lifter predicts: all, the one at frames // 2, or the last one."""

Space = Literal["camera", "image25d"]
"""What a lifter predicts, relative to the root: metres in camera space, or x, y and depth in units
of the normalised screen, as MotionBERT's family does."""


def first_predicted(frames: int, predicts: Predicts) -> int:
    """Return the position, in a window of `frames`, of the first frame that is predicted."""
    return {"all": 0, "middle": frames // 2, "last": frames - 1}[predicts]


@dataclass(frozen=True)
class LifterInput:
    """What a lifter may see, in training and at test time alike.

    Attributes:
        keypoints: (batch, frames, joints of the layout, 2) normalised screen coordinates.
        intrinsics: (batch, 9) [f2, c2, k3, p2] of each window's camera, normalised screen units.
        root_depth: (batch, frames) camera-space depth of the root in metres; privileged, so only
            given to lifters that declare `uses_root_depth`, and recorded with their predictions.
        confidence: (batch, frames, joints of the layout) in [0, 1], how sure the 2D source is of
            each joint; only given to lifters that declare `uses_confidence`. One everywhere where
            the source does not say.
    """

    keypoints: Tensor
    intrinsics: Tensor
    root_depth: Tensor | None = None
    confidence: Tensor | None = None

    def to(self, device: torch.device, dtype: torch.dtype = torch.float32) -> "LifterInput":
        """Return the input on `device` in floating-point type `dtype`."""

        def placed(value: Tensor | None) -> Tensor | None:
            return None if value is None else value.to(device, dtype, non_blocking=True)

        return LifterInput(
            self.keypoints.to(device, dtype, non_blocking=True),
            self.intrinsics.to(device, dtype, non_blocking=True),
            placed(self.root_depth),
            placed(self.confidence),
        )


@dataclass(frozen=True)
class Batch:
    """A batch of training windows.

    Attributes:
        inputs: what the lifter sees.
        target: (batch, frames, joints, 3) root-relative camera-space metres, of the frames that
            the lifter predicts, or of all where it is `supervised` on all; NaN in windows that are
            not labelled.
        root: (batch, frames, 3) camera-space metres: the trajectory of the root in those frames,
            which is known in all windows.
        labelled: (batch,) bool: which windows have a target; None where all have.
    """

    inputs: LifterInput
    target: Tensor
    root: Tensor
    labelled: Tensor | None = None

    def to(self, device: torch.device, dtype: torch.dtype = torch.float32) -> "Batch":
        """Return the batch on `device` in floating-point type `dtype`."""
        labelled = self.labelled
        return Batch(
            self.inputs.to(device, dtype),
            self.target.to(device, dtype, non_blocking=True),
            self.root.to(device, dtype, non_blocking=True),
            None if labelled is None else labelled.to(device, non_blocking=True),
        )


class Lifter(nn.Module, ABC):
    """A method that lifts windows of 2D keypoints to root-relative 3D.

    Attributes:
        frames: length of the window it is given.
        predicts: which frames of the window it predicts.
        supervised: which frames its loss is given the truth of: those it predicts, or all.
        skeleton: joints it predicts; the harness picks them by name from the data set's.
        layout: joints of the 2D it takes, likewise.
        uses_root_depth: whether it is given the true depth of the root (privileged input).
        uses_confidence: whether it is given the confidence of the 2D.
        space: what its predictions are measured in.
        hypotheses: poses it predicts of each frame; where more than one, they are the second axis
            of what `forward` returns, (batch, hypotheses, frames or 1, joints, 3).
        windows_at_a_time: windows that are predicted together unless asked otherwise.
        mirrors_itself: whether `forward_mirrored` averages with the mirrored input in another way
            than by averaging two predictions.
        labelled_subjects: the only training subjects whose poses its loss may see, or None for
            all; where some are not labelled, they fill one half of every batch.
        lifts_clips: whether `lift_clip` is a faster way to predict than windows.
        compiling_pays_after: by a recipe's `precision`, the training steps after which compiling
            the loss has taken less time than it saved, measured on a CPU; those where it did.
    """

    frames: int
    predicts: Predicts = "all"
    supervised: Literal["predicted", "all"] = "predicted"
    skeleton: Skeleton
    layout: Skeleton
    uses_root_depth: bool = False
    uses_confidence: bool = False
    space: Space = "camera"
    hypotheses: int = 1
    windows_at_a_time: int = 256
    mirrors_itself: bool = False
    labelled_subjects: tuple[str, ...] | None = None
    lifts_clips: bool = False
    compiling_pays_after: Mapping[str, int] = MappingProxyType({})

    @abstractmethod
    def forward(self, inputs: LifterInput) -> Tensor:
        """Return (batch, frames or 1, joints, 3) root-relative camera-space metres."""

    def forward_mirrored(self, inputs: LifterInput) -> Tensor:
        """Predict from the input and its mirror image; only called where `mirrors_itself` says so.

        Returns:
            What `forward` returns, in its shape.
        """
        raise NotImplementedError

    def validated(self, inputs: LifterInput) -> Tensor:
        """Return the prediction that chooses the epoch to keep: one hypothesis, without mirroring.

        (batch, frames or 1, joints, 3); a lifter whose predictions are costly may give a cheap one.
        """
        return self(inputs)

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor:
        """Return the scalar training loss of a batch, as the method's paper defines it."""

    def on_epoch_start(self, epoch: int, epochs: int) -> None:
        """Prepare for epoch `epoch` (from 1) of `epochs`, such as by setting BatchNorm momentum.

        Must depend on nothing but its arguments: a resumed run calls it for its epoch again.
        """
        return

    def lift_clip(self, inputs: LifterInput) -> Tensor:
        """Predict every frame of a whole clip at once; only called where `lifts_clips` says so.

        Args:
            inputs: the clip as one window: (1, frames of the clip, joints, 2) and so on.

        Returns:
            (1, frames of the clip, joints, 3), equal to what windows give.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Method:
    """Everything the harness knows of a method before it builds it; plain data and one function.

    Attributes:
        name: how commands, parameters and files call it.
        title: how tables call it.
        reference: the publication, with venue and year.
        settings: validates the method's own parameters (`network` in params.yaml).
        build: makes the lifter from its settings, the skeleton to predict and the 2D layout.
        recipe: the published training settings; params.yaml overrides single values.
        differences: where this implementation or recipe differs from the original, and why.
        published_row: the value of column `model` under which the published tables list it.
        licence: licence of the original code where its layout follows public code.
        published: headline numbers of the publication, such as {"MPJPE, Human3.6M, CPN": 45.3}.
    """

    name: str
    title: str
    reference: str
    settings: type[BaseModel]
    build: Callable[[Any, Skeleton, Skeleton], Lifter]
    recipe: Recipe
    differences: tuple[str, ...] = ()
    published_row: str | None = None
    licence: str | None = None
    published: Mapping[str, float] = field(default_factory=dict)
