"""D3DP: poses by diffusion, several hypotheses for each window (Shan et al., ICCV 2023)."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import cos, log, pi, sqrt

import torch
from torch import Tensor, nn

from baselines.mixste import MixSTE

STEPS = 1000
"""Steps of the diffusion that is undone."""
LIMIT = 1.1
"""Largest size of a coordinate, before it is given to the denoiser and after."""

Mirror = Callable[[Tensor], Tensor]
"""Returns (..., joints, coordinates) mirrored: x with the other sign, sides exchanged."""


def cosine_schedule() -> list[float]:
    """Return the share of the signal's variance left after each of `STEPS` steps, in float64.

    Cosine schedule of Nichol and Dhariwal, ICML 2021, with steps of at most 0.999 (the cumulative
    product of 1 - beta; paTRICK-swk/D3DP, common/diffusionpose.py).
    """

    def level(step: int) -> float:
        return cos((step / STEPS + 0.008) / 1.008 * pi / 2) ** 2

    shares, share = [], 1.0
    for step in range(STEPS):
        beta = min(max(1 - level(step + 1) / level(step), 0.0), 0.999)
        share *= 1 - beta
        shares.append(share)
    return shares


def sampling_times(steps: int) -> list[int]:
    """Return the times that a sampler of so many steps visits, from 999 down to -1.

    Raises:
        ValueError: steps are fewer than one or more than the diffusion has.
    """
    if not 1 <= steps <= STEPS:
        raise ValueError(f"{steps} sampling steps: expected 1 to {STEPS}")
    times = torch.linspace(-1, STEPS - 1, steps + 1, dtype=torch.float32)
    return [int(time) for time in times.tolist()][::-1]


class TimeEmbedding(nn.Sequential):
    """Maps a time to a vector: sines, then cosines, of geometric frequencies, and an MLP.

    Args:
        channels: of the vector.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.Linear(channels, 2 * channels), nn.GELU(), nn.Linear(2 * channels, channels)
        )
        half = channels // 2
        self.step = -log(10000) / (half - 1)
        self.sines = half

    def forward(self, times: Tensor) -> Tensor:
        """Map (batch,) integer times to (batch, channels)."""
        places = torch.arange(self.sines, device=times.device, dtype=next(self.parameters()).dtype)
        angles = times[:, None] * torch.exp(self.step * places)
        return super().forward(torch.cat([angles.sin(), angles.cos()], dim=1))


class Denoiser(nn.Module):
    """MixSTE that is given a noisy pose and how noisy it is beside the keypoints.

    Args:
        frames: length of the window.
        joints: of the pose.
        channels: of every token, even.
        depth: spatial blocks, and temporal blocks.
        ratio: width of the MLPs, in `channels`.
        heads: of the attention.
        drop_path: rate of the last block of either kind.
    """

    def __init__(
        self,
        frames: int,
        *,
        joints: int = 17,
        channels: int = 512,
        depth: int = 8,
        ratio: int = 2,
        heads: int = 8,
        drop_path: float = 0.1,
    ) -> None:
        super().__init__()
        self.time_embedding = TimeEmbedding(channels)
        self.network = MixSTE(
            frames,
            joints=joints,
            channels=channels,
            depth=depth,
            ratio=ratio,
            heads=heads,
            drop_path=drop_path,
            coordinates=5,
        )

    def forward(self, keypoints: Tensor, noisy: Tensor, times: Tensor) -> Tensor:
        """Return the clean poses that noisy ones are guessed to come from.

        Args:
            keypoints: (batch, frames, joints, 2) normalised screen coordinates.
            noisy: (batch, hypotheses, frames, joints, 3).
            times: (batch,) steps of the diffusion that `noisy` has gone through, from 0.

        Returns:
            (batch, hypotheses, frames, joints, 3).
        """
        repeated = keypoints[:, None].expand(-1, noisy.shape[1], -1, -1, -1)
        seen = torch.cat([repeated, noisy], dim=-1)
        # Once for each window, not for each of its hypotheses.
        condition = self.time_embedding(times)[:, None].expand(-1, noisy.shape[1], -1)
        clean = self.network(seen.flatten(0, 1), condition.flatten(0, 1))
        return clean.view(noisy.shape)


class Diffusion:
    """The published diffusion: what training adds to poses and what sampling takes away.

    Args:
        scale: what poses in metres are multiplied by before noise is added.
    """

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale
        self.shares = cosine_schedule()

    def noisy(self, poses: Tensor, times: Tensor, noise: Tensor) -> Tensor:
        """Return poses after so many steps of diffusion, as the denoiser is given them.

        Args:
            poses: (batch, ..., 3) metres, relative to the root.
            times: (batch,) steps, from 0.
            noise: standard normal, of the shape of `poses`.
        """
        shares = torch.tensor(self.shares, dtype=torch.float64, device=times.device)[times]
        shares = shares.view(-1, *([1] * (poses.dim() - 1)))
        signal, spread = shares.sqrt().to(poses), (1 - shares).sqrt().to(poses)
        return self._limited(signal * self.scale * poses + spread * noise) / self.scale

    def sample(
        self,
        denoiser: Denoiser,
        keypoints: Tensor,
        noise: Sequence[Tensor],
        mirror: Mirror | None = None,
    ) -> Tensor:
        """Return hypotheses for each window: the DDIM sampler with eta 1.

        Every step is one pass of the denoiser over all hypotheses and, where they are mirrored,
        over their mirror images.

        Args:
            denoiser: the network.
            keypoints: (batch, frames, joints, 2) normalised screen coordinates.
            noise: standard normal, (batch or 1, hypotheses, frames, joints, 3) for each step: the
                first is where sampling begins.
            mirror: averages each step with the step on the mirrored input, if given.

        Returns:
            (batch, steps, hypotheses, frames, joints, 3) metres: the guess of every step, of which
            the last is the prediction. The root is as predicted.
        """
        times = sampling_times(len(noise))
        state = noise[0].expand(keypoints.shape[0], -1, -1, -1, -1)
        if mirror is not None:
            keypoints = torch.cat([keypoints, mirror(keypoints)])
        guesses = []
        for step, (time, following) in enumerate(pairwise(times), start=1):
            seen = self._limited(state) / self.scale
            if mirror is not None:
                seen = torch.cat([seen, mirror(seen)])
            clean = denoiser(keypoints, seen, seen.new_full((seen.shape[0],), time))
            if mirror is not None:
                direct, mirrored = clean.chunk(2)
                clean = (direct + mirror(mirrored)) / 2
            guess = self._limited(self.scale * clean)
            guesses.append(guess / self.scale)
            if following < 0:
                break
            share, next_share = self.shares[time], self.shares[following]
            # The noise that leads from the guess to the state, which is not limited here.
            added = (state / sqrt(share) - guess) / sqrt(1 / share - 1)
            variance = (1 - share / next_share) * (1 - next_share) / (1 - share)
            state = (
                sqrt(next_share) * guess
                + sqrt(1 - next_share - variance) * added
                + sqrt(variance) * noise[step]
            )
        return torch.stack(guesses, dim=1)

    def _limited(self, poses: Tensor) -> Tensor:
        return poses.clamp(-LIMIT * self.scale, LIMIT * self.scale)
