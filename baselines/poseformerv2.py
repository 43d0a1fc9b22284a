"""PoseFormerV2: few frames and few frequencies of many (Zhao et al., CVPR 2023)."""

import torch
from torch import Tensor, nn

from baselines.attention import MLP, Attention, DropPath, TransformerBlock, drop_path_rates
from baselines.fixed_matrix import CosineTransform, InverseCosineTransform


class FrequencyMLP(nn.Module):
    """An MLP between a cosine transform along the tokens and its inverse.

    Args:
        tokens: their number.
        channels: of each.
        ratio: width of the MLP, in `channels`.
    """

    def __init__(self, tokens: int, channels: int, ratio: int) -> None:
        super().__init__()
        self.transform = CosineTransform(tokens)
        self.mlp = MLP(channels, ratio)
        self.inverse = InverseCosineTransform(tokens)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (batch, tokens, channels) to the same shape."""
        return self.inverse(self.mlp(self.transform(tokens)))


class MixedBlock(nn.Module):
    """Attention over all tokens; then an MLP for the first half, one in frequency for the rest.

    Halves are by count, the second the larger one, whatever kind of token they hold
    (QitaoZhao/PoseFormerV2, common/model_poseformer.py).
    """

    def __init__(
        self, tokens: int, channels: int, ratio: int, heads: int, drop_path: float
    ) -> None:
        super().__init__()
        self.sizes = (tokens // 2, tokens - tokens // 2)
        self.attention_norm = nn.LayerNorm(channels, eps=1e-6)
        self.attention = Attention(channels, heads)
        self.mlp_norm = nn.LayerNorm(channels, eps=1e-6)
        self.mlp = MLP(channels, ratio)
        self.frequency_norm = nn.LayerNorm(channels, eps=1e-6)
        self.frequency_mlp = FrequencyMLP(self.sizes[1], channels, ratio)
        self.drop_path = DropPath(drop_path)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (batch, tokens, channels) to the same shape."""
        tokens = tokens + self.drop_path(self.attention(self.attention_norm(tokens)))
        first, second = tokens.split(self.sizes, dim=1)
        changes = (
            self.drop_path(self.mlp(self.mlp_norm(first))),
            self.drop_path(self.frequency_mlp(self.frequency_norm(second))),
        )
        return tokens + torch.cat(changes, dim=1)


class PoseFormerV2(nn.Module):
    """Lifts the middle frame of a window from its central frames and its lowest frequencies.

    The length of the window is in no weight: networks of 27 and 81 frames have the same.
    """

    def __init__(
        self,
        frames: int,
        *,
        kept_frames: int,
        kept_coefficients: int,
        joints: int = 17,
        joint_channels: int = 32,
        depth: int = 4,
        ratio: int = 2,
        heads: int = 8,
        drop_path: float = 0.1,
    ) -> None:
        """Build the network.

        Args:
            frames: length of the window, odd.
            kept_frames: central frames that are seen one by one, odd.
            kept_coefficients: of the cosine transform of each coordinate over all frames.
            joints: of the pose.
            joint_channels: of a joint's token; a frame's has `joints` times as many.
            depth: spatial blocks, and mixed blocks.
            ratio: width of the MLPs, in channels.
            heads: of the attention.
            drop_path: rate of the last block of either kind; they rise from 0.

        Raises:
            ValueError: frames are even, or more are to be kept than there are.
        """
        super().__init__()
        if frames % 2 == 0 or kept_frames % 2 == 0:
            raise ValueError(f"frames ({frames}) and kept_frames ({kept_frames}) must be odd")
        if max(kept_frames, kept_coefficients) > frames:
            raise ValueError(
                f"of {frames} frames, {kept_frames} frames and {kept_coefficients} coefficients "
                "cannot be kept"
            )
        self.kept_frames, self.kept_coefficients = kept_frames, kept_coefficients
        channels = joints * joint_channels
        rates = drop_path_rates(drop_path, depth)
        self.embedding = nn.Linear(2, joint_channels)
        self.joint_embedding = nn.Parameter(torch.zeros(joints, joint_channels))
        self.spatial_blocks = nn.Sequential(
            *(
                TransformerBlock(joint_channels, ratio, heads=heads, drop_path=rate)
                for rate in rates
            )
        )
        self.spatial_norm = nn.LayerNorm(joint_channels, eps=1e-6)
        self.frame_embedding = nn.Parameter(torch.zeros(kept_frames, channels))
        self.transform = CosineTransform(frames, kept_coefficients)
        self.coefficient_map = nn.Linear(2 * joints, channels)
        self.coefficient_embedding = nn.Parameter(torch.zeros(kept_coefficients, channels))
        tokens = kept_coefficients + kept_frames
        self.mixed_blocks = nn.Sequential(
            *(MixedBlock(tokens, channels, ratio, heads, rate) for rate in rates)
        )
        self.mixed_norm = nn.LayerNorm(channels, eps=1e-6)
        self.coefficient_mean = nn.Linear(kept_coefficients, 1)
        self.frame_mean = nn.Linear(kept_frames, 1)
        self.head = nn.Sequential(
            nn.LayerNorm(2 * channels, eps=1e-5), nn.Linear(2 * channels, 3 * joints)
        )

    def forward(self, keypoints: Tensor) -> Tensor:
        """Lift windows.

        Args:
            keypoints: (batch, frames, joints, 2) normalised screen coordinates.

        Returns:
            (batch, 1, joints, 3) of the middle frame.
        """
        frames = keypoints.shape[1]
        central = keypoints.narrow(1, (frames - self.kept_frames) // 2, self.kept_frames)
        joints = self.spatial_blocks(self.embedding(central) + self.joint_embedding)
        in_time = self.spatial_norm(joints).flatten(2) + self.frame_embedding
        coefficients = self.transform(keypoints.flatten(2))
        in_frequency = self.coefficient_map(coefficients) + self.coefficient_embedding
        mixed = self.mixed_blocks(torch.cat([in_frequency, in_time], dim=1))
        kept = [self.kept_coefficients, self.kept_frames]
        in_frequency, in_time = self.mixed_norm(mixed).transpose(1, 2).split(kept, dim=2)
        both = torch.cat([self.coefficient_mean(in_frequency), self.frame_mean(in_time)], dim=1)
        return self.head(both.squeeze(2)).view(-1, 1, *keypoints.shape[2:3], 3)
