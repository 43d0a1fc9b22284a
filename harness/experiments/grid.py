"""Grids: a section of params.yaml resolved to cells, each with an identity of its own.

A cell is one training run and the evaluations made of it. Its key is a hash of everything that
shapes its numbers: the resolved settings, the data and the code. A finished cell with the same key
is therefore the same experiment and is never run again.
"""

import itertools
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.runs.errors import HarnessError
from harness.runs.files import sha256_of_json
from harness.runs.settings import Name, Profile, Settings, validated
from harness.runs.suggest import unknown_name


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


class GridSettings(BaseModel):
    """One entry of `grids` in params.yaml.

    Attributes:
        profile: where data set, protocols and the models' settings come from.
        models: the models trained in every variation.
        seeds: every cell is trained once with each.
        network: changes of the models' network settings, equal for all cells.
        training: changes of the models' recipes, equal for all cells.
        input_2d: 2D source to train on, where it is not the profile's.
        variations: named sets of changes, one cell each; keys are dotted, such as
            "network.spatial_neighbours", "training.epochs", "train_actions" or "input_2d".
        axes: dotted key -> values; every combination is one variation more.
        evaluations: how each trained lifter is tested.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    profile: Name
    models: list[Name] = Field(min_length=1)
    seeds: list[Annotated[int, Field(ge=0)]] = Field(default=[0], min_length=1)
    network: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)
    input_2d: str | None = None
    variations: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    axes: dict[str, list[Any]] = Field(default_factory=dict)
    evaluations: list[Evaluation] = Field(default=[Evaluation(name="test")], min_length=1)


class Cell(BaseModel):
    """One training run of a grid and the evaluations made of it, fully resolved.

    Attributes:
        grid: the grid's name.
        variation: name of the variation.
        profile: the profile that its data and protocols come from.
        model: the method.
        seed: the training seed.
        network: the method's parameters.
        training: overrides of its recipe.
        input_2d: the 2D source it is trained on.
        train_actions: the only actions it is trained on, or all.
        flip_test: whether predictions are averaged with those of the mirrored input.
        protocols: ids it is scored under.
        evaluations: how it is tested.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    grid: str
    variation: str
    profile: str
    model: str
    seed: int
    network: dict[str, Any]
    training: dict[str, Any]
    input_2d: str
    train_actions: list[str] | None
    flip_test: bool
    protocols: list[str]
    evaluations: list[Evaluation]

    @property
    def name(self) -> str:
        """How folders and progress call the cell."""
        return f"{self.variation}-{self.model}-seed{self.seed}"

    def key(self, data_hash: str, code: Mapping[str, str]) -> str:
        """Return the identity of the cell's numbers, given its data and its source files."""
        settings = self.model_dump(exclude={"grid", "variation"})
        return sha256_of_json({"settings": settings, "data": data_hash, "code": dict(code)})


def grid_called(settings: Settings, name: str) -> GridSettings:
    """Return grid `name` of params.yaml.

    Raises:
        HarnessError: there is none.
    """
    if name not in settings.grids:
        raise unknown_name("grid", name, settings.grids)
    return validated(GridSettings, settings.grids[name], f"params.yaml: grids.{name}")


def resolve_cells(settings: Settings, name: str) -> list[Cell]:
    """Return the cells of grid `name`, in the order of params.yaml.

    Raises:
        HarnessError: the grid, its profile or a model is unknown, a cell comes twice, or a
            variation changes something that is not a setting.
    """
    grid = grid_called(settings, name)
    profile = settings.profile_called(grid.profile)
    cells = [
        _cell(name, grid, profile, variation, changes, model, seed)
        for variation, changes in _variations(grid).items()
        for model in grid.models
        for seed in grid.seeds
    ]
    names = [cell.name for cell in cells]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise HarnessError(f"params.yaml: grids.{name}: cell {twice} comes twice; list it once")
    return cells


def _variations(grid: GridSettings) -> dict[str, dict[str, Any]]:
    combinations = [
        dict(zip(grid.axes, values, strict=True))
        for values in itertools.product(*grid.axes.values())
        if grid.axes
    ]
    crossed = {
        "-".join(f"{key.rpartition('.')[2]}={_short(value)}" for key, value in changes.items()): (
            changes
        )
        for changes in combinations
    }
    return {**grid.variations, **crossed} or {"as_set": {}}


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "+".join(map(_short, value)) or "none"
    return str(value).replace("/", "_").replace(" ", "_")


def _cell(
    name: str,
    grid: GridSettings,
    profile: Profile,
    variation: str,
    changes: Mapping[str, Any],
    model: str,
    seed: int,
) -> Cell:
    base = profile.model_called(model)
    cell: dict[str, Any] = {
        "network": {**base.network, **grid.network},
        "training": {**base.training, **grid.training},
        "input_2d": grid.input_2d or profile.input_2d,
        "train_actions": None,
        "flip_test": profile.flip_test,
    }
    for key, value in changes.items():
        section, _, inner = key.partition(".")
        if section in ("network", "training") and inner:
            cell[section][inner] = value
        elif section in ("input_2d", "train_actions", "flip_test") and not inner:
            cell[section] = value
        else:
            raise HarnessError(
                f"params.yaml: grids.{name}: variation {variation} changes '{key}'; a variation "
                "may change network.*, training.*, input_2d, train_actions and flip_test"
            )
    return Cell(
        grid=name,
        variation=variation,
        profile=grid.profile,
        model=model,
        seed=seed,
        protocols=list(profile.protocols),
        evaluations=list(grid.evaluations),
        **cell,
    )
