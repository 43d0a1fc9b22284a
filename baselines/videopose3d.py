"""VideoPose3D: temporal convolutions over 2D keypoints (Pavllo et al., CVPR 2019)."""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.dropout import Dropout


class TemporalBlock(nn.Module):
    """A dilated convolution over time and a pointwise one, with a skip connection around both.

    Args:
        channels: of input and output.
        width: frames the convolution sees, odd.
        dilation: frames between two of them.
        dropout: after each of the two convolutions.
        causal: the skip connection takes the last frame the convolution sees, not the middle one.
    """

    def __init__(
        self, channels: int, width: int, dilation: int, dropout: float, causal: bool
    ) -> None:
        super().__init__()
        self.width, self.dilation, self.causal = width, dilation, causal
        self.convolution = nn.Conv1d(channels, channels, width, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(channels)
        self.mixing = nn.Conv1d(channels, channels, 1, bias=False)
        self.mixing_norm = nn.BatchNorm1d(channels)
        self.dropout = Dropout(dropout)

    def forward(self, features: Tensor, strided: bool) -> Tensor:
        """Run the dilated or the strided form.

        Args:
            features: (batch, channels, frames); of every `dilation`-th frame for the strided form.
            strided: whether each frame is seen once instead of by all who can.

        Returns:
            (batch, channels, frames - (width - 1) * dilation), or frames / width when strided.
        """
        if strided:
            kept = features[:, :, self.width - 1 if self.causal else self.width // 2 :: self.width]
            convolved = functional.conv1d(features, self.convolution.weight, stride=self.width)
        else:
            reach = (self.width - 1) * self.dilation
            skipped = reach if self.causal else reach // 2
            kept = features.narrow(2, skipped, features.shape[2] - reach)
            convolved = self.convolution(features)
        hidden = self.dropout(torch.relu(self.norm(convolved)))
        return kept + self.dropout(torch.relu(self.mixing_norm(self.mixing(hidden))))


class VideoPose3D(nn.Module):
    """A fully-convolutional network over time: one set of weights, two ways to run it.

    `forward` (dilated) predicts every frame of a sequence and shares work between neighbouring
    frames. `window` (strided) predicts the one frame of a single window and computes nothing that
    the frame does not need; it is how training runs. Both give the same numbers in evaluation
    (section 3 and appendix A.5 of the paper; facebookresearch/VideoPose3D, common/model.py).
    """

    def __init__(
        self,
        joints_in: int,
        joints_out: int,
        *,
        widths: Sequence[int] = (3, 3, 3, 3, 3),
        channels: int = 1024,
        dropout: float = 0.25,
        causal: bool = False,
    ) -> None:
        """Build the network.

        Args:
            joints_in: joints of the 2D pose.
            joints_out: joints of the 3D pose.
            widths: frames that each convolution sees, odd; their product is the receptive field.
            channels: width of all hidden layers.
            dropout: after each hidden layer.
            causal: predict the last frame of the receptive field instead of the middle one.

        Raises:
            ValueError: a width is even.
        """
        super().__init__()
        if not widths or any(width % 2 == 0 for width in widths):
            raise ValueError(f"widths must be odd, found {tuple(widths)}")
        self.receptive_field = prod(widths)
        self.causal = causal
        self._first_width = widths[0]
        self._joints_out = joints_out
        self.expand = nn.Conv1d(2 * joints_in, channels, widths[0], bias=False)
        self.expand_norm = nn.BatchNorm1d(channels)
        self.blocks = nn.ModuleList(
            TemporalBlock(channels, width, prod(widths[:position]), dropout, causal)
            for position, width in enumerate(widths)
            if position > 0
        )
        self.shrink = nn.Conv1d(channels, 3 * joints_out, 1)
        self.dropout = Dropout(dropout)

    def forward(self, keypoints: Tensor) -> Tensor:
        """Predict all frames whose receptive field lies inside the sequence.

        Args:
            keypoints: (batch, frames, joints in, 2) normalised screen coordinates.

        Returns:
            (batch, frames - receptive field + 1, joints out, 3).
        """
        features = self._expanded(self.expand(_channels_first(keypoints)))
        for block in self.blocks:
            features = block(features, strided=False)
        return self._shrunk(features)

    def window(self, keypoints: Tensor) -> Tensor:
        """Predict one frame: the middle one, or the last one of the causal form.

        Args:
            keypoints: (batch, receptive field, joints in, 2) normalised screen coordinates.

        Returns:
            (batch, 1, joints out, 3).

        Raises:
            ValueError: the window is not as long as the receptive field.
        """
        if keypoints.shape[1] != self.receptive_field:
            raise ValueError(
                f"a window has {self.receptive_field} frames, found {keypoints.shape[1]}"
            )
        features = self._expanded(
            functional.conv1d(
                _channels_first(keypoints), self.expand.weight, stride=self._first_width
            )
        )
        for block in self.blocks:
            features = block(features, strided=True)
        return self._shrunk(features)

    def sequence(self, keypoints: Tensor) -> Tensor:
        """Predict every frame of a sequence whose first and last frames are repeated as needed.

        Args:
            keypoints: (batch, frames, joints in, 2) normalised screen coordinates.

        Returns:
            (batch, frames, joints out, 3).
        """
        missing = self.receptive_field - 1
        before = missing if self.causal else missing // 2
        padding = (before, missing - before)
        padded = functional.pad(_channels_first(keypoints), padding, mode="replicate")
        return self(padded.transpose(1, 2).unflatten(2, keypoints.shape[2:]))

    def set_norm_momentum(self, momentum: float) -> None:
        """Set the share of a batch in the running statistics of every batch norm."""
        for module in self.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.momentum = momentum

    def _expanded(self, features: Tensor) -> Tensor:
        return self.dropout(torch.relu(self.expand_norm(features)))

    def _shrunk(self, features: Tensor) -> Tensor:
        return self.shrink(features).transpose(1, 2).unflatten(2, (self._joints_out, 3))


def _channels_first(keypoints: Tensor) -> Tensor:
    return keypoints.flatten(2).transpose(1, 2)
