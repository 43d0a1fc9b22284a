"""A perceptron with one hidden layer on a window of frames, added to a linear map of the same.

The linear map alone is what ridge regression would find; the hidden layer bends it.
"""

from pydantic import BaseModel, ConfigDict, Field, field_validator
from torch import Tensor, nn

from harness.body.skeleton import Skeleton
from harness.lifting.contract import Batch, Lifter, LifterInput, Method
from harness.lifting.recipe import Recipe


class WindowMLPSettings(BaseModel):
    """Parameters of the network: what `network` in params.yaml may say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: int = Field(default=9, ge=1, le=243)
    width: int = Field(default=256, ge=1)
    dropout: float = Field(default=0.1, ge=0, lt=1)

    @field_validator("frames")
    @classmethod
    def _has_a_middle(cls, frames: int) -> int:
        if frames % 2 == 0:
            raise ValueError("an odd number of frames, for the one in the middle is predicted")
        return frames


class WindowMLP(Lifter):
    """Predicts the middle frame of a window."""

    predicts = "middle"

    def __init__(self, settings: WindowMLPSettings, skeleton: Skeleton, layout: Skeleton) -> None:
        super().__init__()
        self.frames = settings.frames
        self.skeleton = skeleton
        self.layout = layout
        numbers_in, numbers_out = 2 * settings.frames * len(layout), 3 * len(skeleton)
        self.linear = nn.Linear(numbers_in, numbers_out)
        self.bent = nn.Sequential(
            nn.Linear(numbers_in, settings.width),
            nn.GELU(),
            nn.Dropout(settings.dropout),
            nn.Linear(settings.width, numbers_out),
        )

    def forward(self, inputs: LifterInput) -> Tensor:
        """Return (batch, 1, joints, 3) root-relative camera-space metres."""
        window = inputs.keypoints.flatten(start_dim=1)
        pose = self.linear(window) + self.bent(window)
        pose = pose.unflatten(1, (1, len(self.skeleton), 3))
        return pose - pose[:, :, [self.skeleton.root]]

    def loss(self, batch: Batch) -> Tensor:
        """Return the mean distance of all joints from the truth, in metres (MPJPE)."""
        return (self(batch.inputs) - batch.target).norm(dim=-1).mean()


METHOD = Method(
    name="window_mlp",
    title="Window MLP",
    reference="An example, unpublished",
    settings=WindowMLPSettings,
    build=WindowMLP,
    recipe=Recipe(
        epochs=40,
        batch_size=256,
        learning_rate=1e-3,
        schedule="exponential_by_epoch",
        decay=0.95,
    ),
)
