"""What a training run is to be, before it begins."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low
from typing import Any

from harness.foundation.files import sha256_of_file
from harness.foundation.settings import ModelSettings, Profile, validated
from harness.lifting.contract import Method
from harness.lifting.recipe import Recipe
from harness.lifting.registry import method_called
from harness.training.warm_start import starting_checkpoint


@dataclass(frozen=True)
class TrainingPlan:
    """A training run before it begins.

    Attributes:
        experiment: what it belongs to, such as the profile; MLflow's experiment.
        model: the method.
        seed: the training seed.
        settings: changes of the method's network and recipe.
        input_2d: the 2D source to train on.
        prepared: folder of the prepared set.
        folder: the run's folder.
        train_actions: the only actions to train and validate on, or None for all.
        train_subjects: the only subjects to train on, or None for all; validation clips stay.
    """

    experiment: str
    model: str
    seed: int
    settings: ModelSettings
    input_2d: str
    prepared: Path
    folder: Path
    train_actions: tuple[str, ...] | None = None
    train_subjects: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """How records and progress call the run."""
        return f"{self.experiment}/{self.folder.name}"

    def method(self) -> Method:
        """Return the method.

        Raises:
            HarnessError: there is none of this name.
        """
        return method_called(self.model)

    def recipe(self) -> Recipe:
        """Return the method's recipe with the plan's changes.

        Raises:
            HarnessError: a key is unknown or a value wrong.
        """
        values = self.method().recipe.model_dump() | self.settings.training
        return validated(Recipe, values, f"models.{self.model}.training")

    def parameters(self) -> dict[str, Any]:
        """Return all that the plan fixes of the numbers but data and seed, defaults included.

        Raises:
            HarnessError: a key is unknown or a value wrong, or the checkpoint to start from is
                missing.
        """
        network = validated(
            self.method().settings, self.settings.network, f"models.{self.model}.network"
        )
        recipe = self.recipe()
        training = recipe.identity()
        if recipe.start_from is not None:  # by content: where the file lies shapes no number
            training["start_from"] = sha256_of_file(starting_checkpoint(recipe.start_from))
        parameters = {
            "network": network.model_dump(mode="json"),
            "training": training,
            "input_2d": self.input_2d,
            "train_actions": None if self.train_actions is None else list(self.train_actions),
        }
        if self.train_subjects is not None:  # runs on all of them keep the identity that they had
            parameters["train_subjects"] = list(self.train_subjects)
        return parameters


def profile_plan(
    profile_name: str,
    profile: Profile,
    model: str,
    seed: int,
    *,
    changes: Mapping[str, Mapping[str, Any]] | None = None,
    folder: Path | None = None,
) -> TrainingPlan:
    """Return the plan of a model of a profile, in the places where `dvc.yaml` has them.

    Args:
        profile_name: the profile's name.
        profile: its settings.
        model: one of its models, or any other method, which then gets `default_settings`.
        seed: the training seed.
        changes: "network" and "training" values that replace the profile's.
        folder: where the run goes instead of results/PROFILE/runs/MODEL-seedSEED.

    Raises:
        HarnessError: there is no such method.
    """
    settings = profile.models.get(model) or default_settings(profile, method_called(model).recipe)
    changes = changes or {}
    return TrainingPlan(
        experiment=profile_name,
        model=model,
        seed=seed,
        settings=ModelSettings(
            network={**settings.network, **changes.get("network", {})},
            training={**settings.training, **changes.get("training", {})},
        ),
        input_2d=profile.input_2d,
        prepared=Path("data/prepared") / profile_name,
        folder=folder or Path("results") / profile_name / "runs" / f"{model}-seed{seed}",
    )


def default_settings(profile: Profile, recipe: Recipe) -> ModelSettings:
    """Return the settings of a method that a profile has no entry for: its recipe, cut to size.

    The rule: no more epochs, and no more steps an epoch, than half of the profile's models are
    given; and what all of these share of `precision` and `select`. Everything else, the learning
    rate as well, is the method's own.

    Args:
        profile: the profile.
        recipe: the method's own recipe.
    """
    others = [model.training for model in profile.models.values()]
    training: dict[str, Any] = {}
    for key in ("epochs", "steps_per_epoch"):
        given = [other[key] for other in others if other.get(key) is not None]
        own = getattr(recipe, key)
        if 2 * len(given) > len(others):
            usual = median_low(given)
            training[key] = usual if own is None else min(own, usual)
    for key in ("precision", "select"):
        values = {other.get(key) for other in others}
        if len(values) == 1 and None not in values:
            training[key] = values.pop()
    return ModelSettings(training=training)
