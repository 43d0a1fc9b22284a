"""MixSTE's network, fine-tuned to move steadily: a method that starts from published weights."""

from torch import Tensor

from baselines.pose_losses import mean_distance
from harness.body.skeleton import Skeleton
from harness.lifting.contract import Batch, Method
from harness.lifting.methods.mixste import MixSTELifter, MixSTESettings
from harness.lifting.recipe import Recipe


class SteadySettings(MixSTESettings):
    """MixSTE's parameters, and how much steadiness counts."""

    acceleration_weight: float = 1.0


class SteadyMixSTE(MixSTELifter):
    """MixSTE with a loss of its own; its weights have MixSTE's names and shapes."""

    def __init__(self, settings: SteadySettings, skeleton: Skeleton, layout: Skeleton) -> None:
        own = settings.model_dump(exclude={"acceleration_weight"})
        super().__init__(MixSTESettings(**own), skeleton, layout)
        self.acceleration_weight = settings.acceleration_weight

    def loss(self, batch: Batch) -> Tensor:
        """Return the mean distance of joints and of their accelerations, in metres."""
        predicted = self(batch.inputs)
        steadiness = mean_distance(predicted.diff(n=2, dim=1), batch.target.diff(n=2, dim=1))
        return mean_distance(predicted, batch.target) + self.acceleration_weight * steadiness


METHOD = Method(
    name="steady_mixste",
    title="Steady MixSTE",
    reference="an example",
    settings=SteadySettings,
    build=SteadyMixSTE,
    recipe=Recipe(
        epochs=10,
        batch_size=4,
        learning_rate=1e-5,
        optimizer="adamw",
        weight_decay=0.1,
        window_stride=243,
        windows="centred",
    ),
)
