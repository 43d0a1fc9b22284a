"""What params.yaml may say of a grid: variations, budgets by profile, how cells are tested."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.foundation.settings import ModelSettings, Name


class Evaluation(BaseModel):
    """One way the trained lifter of a cell is tested.

    Attributes:
        name: folder name of its scores.
        split: the clips it is tested on.
        input_2d: 2D source at test time; the one it was trained on where not given.
        corruption: what is done to the 2D input before lifting, such as
            {"kind": "gaussian", "sigma_px": 5.0, "draw": 0}.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    split: Literal["validation", "test"] = "test"
    input_2d: str | None = None
    corruption: dict[str, Any] | None = None


class RepeatedEvaluation(Evaluation):
    """An evaluation as params.yaml has it.

    Attributes:
        draws: how often its corruption is drawn; each draw is an evaluation NAME-drawN.
    """

    draws: int | None = Field(default=None, ge=1)

    def each(self) -> list[Evaluation]:
        """Return the evaluations that this one stands for.

        Raises:
            ValueError: there is nothing to draw, or the draw is given already.
        """
        values = self.model_dump(exclude={"draws"})
        if self.draws is None:
            return [Evaluation(**values)]
        if self.corruption is None or "draw" in self.corruption:
            raise ValueError(f"evaluation {self.name}: draws need a corruption without a draw")
        return [
            Evaluation(
                **values
                | {
                    "name": f"{self.name}-draw{number}",
                    "corruption": {**self.corruption, "draw": number},
                }
            )
            for number in range(self.draws)
        ]


class Budget(BaseModel):
    """What a grid changes on one profile, so that it fits the time that the profile is for.

    Attributes:
        network: changes of the network settings, equal for all cells.
        training: changes of the recipes, equal for all cells.
        models: changes for single models.
        input_2d: 2D source to train on, where it is not the grid's.
        variations: variations that only this profile has.
        axes: values of this profile instead of the grid's, by axis.
        evaluations: how each trained lifter is tested, where it is not the grid's.
        only: names of the variations that are run, where not all are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)
    models: dict[Name, ModelSettings] = Field(default_factory=dict)
    input_2d: str | None = None
    variations: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    axes: dict[str, list[Any]] = Field(default_factory=dict)
    evaluations: list[RepeatedEvaluation] | None = Field(default=None, min_length=1)
    only: list[str] | None = Field(default=None, min_length=1)


class GridSettings(BaseModel):
    """One entry of `grids` in params.yaml.

    Attributes:
        profile: where data set, protocols and the models' settings come from, of a grid that is
            for one profile.
        profiles: the same for a grid that several profiles can run, with the budget of each.
        models: the models trained in every variation.
        seeds: every cell is trained once with each.
        network: changes of the models' network settings, equal for all cells.
        training: changes of the models' recipes, equal for all cells.
        input_2d: 2D source to train on, where it is not the profile's.
        variations: named sets of changes, one cell each; keys are dotted, such as
            "network.spatial_neighbours", "training.epochs", "train_actions", "train_subjects" or
            "input_2d";
            "models" names the models of the one variation.
        axes: dotted key -> values; every combination is one variation more.
        evaluations: how each trained lifter is tested.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    profile: Name | None = None
    profiles: dict[Name, Budget] = Field(default_factory=dict)
    models: list[Name] = Field(min_length=1)
    seeds: list[Annotated[int, Field(ge=0)]] = Field(default=[0], min_length=1)
    network: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)
    input_2d: str | None = None
    variations: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    axes: dict[str, list[Any]] = Field(default_factory=dict)
    evaluations: list[RepeatedEvaluation] = Field(
        default=[RepeatedEvaluation(name="test")], min_length=1
    )

    @model_validator(mode="after")
    def _has_profiles(self) -> Self:
        if (self.profile is None) == (not self.profiles):
            raise ValueError("give either 'profile' or 'profiles'")
        return self

    @property
    def budgets(self) -> dict[str, Budget]:
        """The profiles that can run the grid, with their budgets."""
        return self.profiles if self.profile is None else {self.profile: Budget()}
