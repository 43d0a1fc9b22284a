"""VideoPose3D: temporal convolutions that predict one frame from its neighbours in time."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from baselines.videopose3d import VideoPose3D
from harness.body.skeleton import Skeleton
from harness.lifting.contract import Batch, Lifter, LifterInput, Method
from harness.lifting.recipe import Recipe

_FIRST_MOMENTUM, _LAST_MOMENTUM = 0.1, 0.001


class VideoPose3DSettings(BaseModel):
    """Parameters of the network; see `baselines.videopose3d.VideoPose3D`.

    Attributes:
        frames: the receptive field; one convolution over three frames for each factor of three.
        causal: predict from past frames alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: Literal[3, 9, 27, 81, 243] = 243
    channels: int = Field(default=1024, ge=1)
    dropout: float = Field(default=0.25, ge=0, lt=1)
    causal: bool = False

    def widths(self) -> tuple[int, ...]:
        """Return the frames that each convolution sees."""
        count = 0
        while 3**count < self.frames:
            count += 1
        return (3,) * count


class VideoPose3DLifter(Lifter):
    """The network under the lifter contract.

    Args:
        settings: the network's parameters.
        skeleton: joints predicted.
        layout: joints of the 2D pose; another layout than the skeleton's will do.
    """

    lifts_clips = True

    def __init__(self, settings: VideoPose3DSettings, skeleton: Skeleton, layout: Skeleton) -> None:
        super().__init__()
        self.frames = settings.frames
        self.predicts = "last" if settings.causal else "middle"
        self.skeleton = skeleton
        self.layout = layout
        self.network = VideoPose3D(
            len(layout),
            len(skeleton),
            widths=settings.widths(),
            channels=settings.channels,
            dropout=settings.dropout,
            causal=settings.causal,
        )

    def forward(self, inputs: LifterInput) -> Tensor:
        """Return (batch, 1, joints, 3) root-relative metres, by the strided form."""
        return self.network.window(inputs.keypoints)

    def lift_clip(self, inputs: LifterInput) -> Tensor:
        """Return (1, frames, joints, 3) by one dilated pass over the padded clip."""
        return self.network.sequence(inputs.keypoints)

    def loss(self, batch: Batch) -> Tensor:
        """Return the mean Euclidean distance of all joints, in metres (MPJPE)."""
        return (self(batch.inputs) - batch.target).norm(dim=-1).mean()

    def on_epoch_start(self, epoch: int, epochs: int) -> None:
        """Let the batch norms' momentum fall exponentially from 0.1 towards 0.001 (run.py)."""
        fall = _LAST_MOMENTUM / _FIRST_MOMENTUM
        self.network.set_norm_momentum(_FIRST_MOMENTUM * fall ** ((epoch - 1) / epochs))


METHOD = Method(
    name="videopose3d",
    title="VideoPose3D",
    reference=(
        "Pavllo et al., 3D human pose estimation in video with temporal convolutions and "
        "semi-supervised training, CVPR 2019"
    ),
    settings=VideoPose3DSettings,
    build=VideoPose3DLifter,
    recipe=Recipe(
        epochs=80,
        batch_size=1024,
        learning_rate=1e-3,
        schedule="exponential_by_epoch",
        decay=0.95,
        amsgrad=True,
        flip_augmentation=True,
        mirror_images="all",
        last_batch="kept",
        select="last",
    ),
    differences=("the semi-supervised training of the paper's section 4 is left out",),
    published_row="videopose3d",
    licence="CC BY-NC 4.0 (facebookresearch/VideoPose3D)",
    published={
        "MPJPE, Human3.6M, CPN": 46.8,
        "P-MPJPE, Human3.6M, CPN": 36.5,
        "MPJPE, Human3.6M, ground truth 2D": 37.2,
        "P-MPJPE, Human3.6M, ground truth 2D": 27.2,
    },
)
