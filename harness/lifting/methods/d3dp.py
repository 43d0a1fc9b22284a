"""D3DP: poses by diffusion; a prediction is several hypotheses."""

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from baselines.d3dp import STEPS, Denoiser, Diffusion
from baselines.pose_losses import half_square, mean_distance
from harness.body.skeleton import Skeleton
from harness.foundation.seeds import derive_seed
from harness.lifting.augmentation import mirrored_points
from harness.lifting.contract import Batch, LifterInput, Method
from harness.lifting.methods.joint_tokens import (
    FRAMES_AT_A_TIME,
    JointTokenLifter,
    without_root,
)
from harness.lifting.recipe import Recipe


class D3DPSettings(BaseModel):
    """Parameters of the network and of sampling; see `baselines.d3dp`. Heads are always 8.

    Attributes:
        hypotheses: poses predicted for each frame.
        steps: of the sampler, for each of which the network runs once.
        scale: of poses while noise is added.
        noise_seed: of the noise that sampling starts from; it is the same for all windows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: int = Field(default=243, ge=1)
    channels: int = Field(default=512, ge=8, multiple_of=8)
    depth: int = Field(default=8, ge=1)
    ratio: int = Field(default=2, ge=1)
    drop_path: float = Field(default=0.1, ge=0, lt=1)
    hypotheses: int = Field(default=5, ge=1)
    steps: int = Field(default=5, ge=1, le=STEPS)
    scale: float = Field(default=1.0, gt=0)
    noise_seed: int = Field(default=0, ge=0)


class D3DPLifter(JointTokenLifter):
    """Denoiser and sampler under the lifter contract.

    Args:
        settings: their parameters.
        skeleton: joints it takes and predicts.
        layout: joints of the 2D source, which must have these.
    """

    mirrors_itself = True
    noise: Tensor

    def __init__(self, settings: D3DPSettings, skeleton: Skeleton, layout: Skeleton) -> None:
        super().__init__(settings.frames, skeleton, layout)
        self.hypotheses = settings.hypotheses
        self.windows_at_a_time = max(
            1, FRAMES_AT_A_TIME // (2 * settings.hypotheses * settings.frames)
        )
        size = settings.model_dump(include={"channels", "depth", "ratio", "drop_path"})
        self.denoiser = Denoiser(settings.frames, joints=len(skeleton), **size)
        self.diffusion = Diffusion(settings.scale)
        self.register_buffer("noise", _noise(settings, len(skeleton)), persistent=False)

    def forward(self, inputs: LifterInput) -> Tensor:
        """Return (batch, hypotheses, frames, joints, 3) root-relative metres, the root at zero.

        A single hypothesis has no axis.
        """
        return self._sampled(inputs, self.noise, mirrored=False)

    def forward_mirrored(self, inputs: LifterInput) -> Tensor:
        """Return the same, where each step is averaged with that on the mirrored input."""
        return self._sampled(inputs, self.noise, mirrored=True)

    def validated(self, inputs: LifterInput) -> Tensor:
        """Return one hypothesis in one step, by which the public code chooses its epoch."""
        return self._sampled(inputs, self.noise[:1, :, :1], mirrored=False)

    def loss(self, batch: Batch) -> Tensor:
        """Return half the square of the mean distance of denoised poses, in metres."""
        target = batch.target
        times = torch.randint(STEPS, (len(target),), device=target.device)
        noisy = self.diffusion.noisy(target, times, torch.randn_like(target))
        clean = self.denoiser(batch.inputs.keypoints, noisy[:, None], times)[:, 0]
        return half_square(mean_distance(clean, target))

    def _sampled(self, inputs: LifterInput, noise: Tensor, *, mirrored: bool) -> Tensor:
        def mirror(points: Tensor) -> Tensor:
            return mirrored_points(points, self.skeleton)

        steps = self.diffusion.sample(
            self.denoiser, inputs.keypoints, list(noise), mirror if mirrored else None
        )
        poses = without_root(steps[:, -1], self.skeleton.root)
        return poses.squeeze(1) if noise.shape[2] == 1 else poses


def _noise(settings: D3DPSettings, joints: int) -> Tensor:
    """Return (steps, 1, hypotheses, frames, joints, 3) standard normal numbers.

    Each step of each hypothesis has its own draw: more of either changes none of those before.
    """
    shape = (settings.frames, joints, 3)
    drawn = [
        [
            np.random.default_rng(
                derive_seed(settings.noise_seed, "diffusion", step, hypothesis)
            ).standard_normal(shape, np.float32)
            for hypothesis in range(settings.hypotheses)
        ]
        for step in range(settings.steps)
    ]
    return torch.from_numpy(np.array(drawn))[:, None]


METHOD = Method(
    name="d3dp",
    title="D3DP",
    reference=(
        "Shan et al., Diffusion-Based 3D Human Pose Estimation with Multi-Hypothesis Aggregation, "
        "ICCV 2023"
    ),
    settings=D3DPSettings,
    build=D3DPLifter,
    recipe=Recipe(
        epochs=400,
        batch_size=4,
        learning_rate=6e-5,
        optimizer="adamw",
        weight_decay=0.1,
        schedule="exponential_by_epoch",
        decay=0.993,
        mirror_images="all",
        last_batch="kept",
        window_stride=243,
        windows="centred",
    ),
    differences=(
        "all windows are sampled from the same noise, drawn from noise_seed, so that a prediction "
        "depends on neither batch nor order; in the public code it depends on both",
        "noise is estimated in the network's number type; the public code rounds it to float32",
        "the best epoch is chosen on validation subjects, there on the test subjects, and without "
        "mirroring",
        "batch_size and window_stride are those of 243 frames",
    ),
    licence="MIT (paTRICK-swk/D3DP)",
)
