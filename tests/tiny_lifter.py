"""A prepared set and a method small enough to train in a test."""

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from harness.body.camera import Camera, h36m_cameras, project
from harness.body.skeleton import H36M_17, Skeleton
from harness.datasets.prepared import PreparedSet, Source2D
from harness.datasets.prepared_writer import write_prepared_set
from harness.foundation.settings import ModelSettings
from harness.lifting.contract import Batch, Lifter, LifterInput, Method
from harness.lifting.recipe import Recipe
from harness.training.plan import TrainingPlan

CAMERAS: tuple[Camera, ...] = h36m_cameras()["S1"]


def write_tiny_set(
    path: Path,
    lengths: tuple[int, ...] = (9, 5, 2, 7),
    splits: tuple[str, ...] = ("train", "train", "validation", "test"),
    seed: int = 0,
    pixels_scale: float = 1.0,
    subjects: tuple[str, ...] | None = None,
    confident: bool = False,
) -> PreparedSet:
    """Write smooth random motion seen by two cameras of different size; one clip a length.

    All clips are of subject S1 unless `subjects` names one a clip. The noisy 2D has a random
    confidence where `confident`.
    """
    rng = np.random.default_rng(seed)
    layouts = {
        "gt": Source2D(layout="h36m_17", exact=True, confidence=False),
        "noisy": Source2D(layout="h36m_17", exact=False, confidence=confident),
    }
    pose = rng.normal(scale=0.3, size=(17, 3))
    with write_prepared_set(path, H36M_17) as writer:
        for number, (frames, split) in enumerate(zip(lengths, splits, strict=True)):
            camera = CAMERAS[number % 2]
            wave = np.sin(np.arange(frames)[:, None, None] * 0.3 + rng.normal(size=(1, 17, 3)))
            positions = pose + 0.2 * wave + [0.1, -0.2, 5.0]
            exact = project(positions, camera) * pixels_scale
            writer.add_clip(
                origin=f"clip {number}",
                subject="S1" if subjects is None else subjects[number],
                action="Walking" if number % 2 else "Sitting",
                subaction=str(number),
                split=split,  # type: ignore[arg-type]
                fps=50.0,
                camera=camera,
                camera_key=f"S1/{camera.name}",
                positions_3d=positions,
                keypoints_2d={"gt": exact, "noisy": exact + rng.normal(size=exact.shape)},
                layouts=layouts,
                confidence={"noisy": rng.random((frames, 17))} if confident else None,
            )
        writer.finish(
            name="tiny",
            title="Tiny",
            licence="none",
            citation="none",
            importer_version=1,
            settings={},
        )
    return PreparedSet(path)


class LinearSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: int = 3
    predicts: Literal["all", "middle"] = "all"
    hidden: int = 8
    dropout: float = 0.2
    explode_after: int | None = None
    uses_root_depth: bool = False


class LinearLifter(Lifter):
    """Two layers with dropout and BatchNorm on the flattened window."""

    def __init__(self, settings: LinearSettings, skeleton: Skeleton, layout: Skeleton) -> None:
        super().__init__()
        self.frames, self.predicts = settings.frames, settings.predicts
        self.skeleton, self.layout = skeleton, layout
        self.uses_root_depth = settings.uses_root_depth
        self.explode_after, self.calls = settings.explode_after, 0
        self.shape = (1 if self.predicts == "middle" else self.frames, len(skeleton), 3)
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(self.frames * len(layout) * 2, settings.hidden),
            nn.BatchNorm1d(settings.hidden),
            nn.Dropout(settings.dropout),
            nn.Linear(settings.hidden, int(np.prod(self.shape))),
        )

    def forward(self, inputs: LifterInput) -> Tensor:
        return self.layers(inputs.keypoints).view(-1, *self.shape)

    def loss(self, batch: Batch) -> Tensor:
        self.calls += 1
        loss = (self(batch.inputs) - batch.target).square().mean()
        if self.explode_after is not None and self.calls > self.explode_after:
            loss = loss * torch.inf
        return loss


METHOD = Method(
    name="linear",
    title="Linear",
    reference="a test",
    settings=LinearSettings,
    build=LinearLifter,
    recipe=Recipe(epochs=3, batch_size=4, learning_rate=0.01),
)


def tiny_plan(
    prepared: Path,
    folder: Path,
    *,
    seed: int = 0,
    network: dict[str, object] | None = None,
    **training: object,
) -> TrainingPlan:
    """Plan a run of the linear lifter on exact 2D."""
    return TrainingPlan(
        experiment="tiny",
        model=METHOD.name,
        seed=seed,
        settings=ModelSettings(network=network or {}, training=training),
        input_2d="gt",
        prepared=prepared,
        folder=folder,
    )
