"""Grids: a section of params.yaml resolved to cells, each with an identity of its own.

A cell is one training run and the evaluations made of it. A grid is defined once; what it may cost
on a profile, its budget, stands beside it by profile. Nothing here knows methods or data, so that
listing cells is cheap; `harness.experiments.identity` gives a cell its key.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.experiments.settings import Budget, Evaluation, GridSettings
from harness.foundation.errors import HarnessError
from harness.foundation.files import read_json
from harness.foundation.settings import ModelSettings, Profile, Settings, validated
from harness.foundation.suggest import unknown_name

AS_SET = "as_set"
"""The only variation of a grid that varies nothing but models and seeds."""


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
        train_subjects: the only subjects it is trained on, or all.
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
    train_subjects: list[str] | None = None
    flip_test: bool
    protocols: list[str]
    evaluations: list[Evaluation]

    @property
    def name(self) -> str:
        """How folders and progress call the cell."""
        return f"{self.variation}-{self.model}-seed{self.seed}"


def read_cell(folder: Path) -> Cell:
    """Return the cell that lies in `folder`.

    Raises:
        HarnessError: there is none, or it is not a cell of this version.
    """
    try:
        return Cell.model_validate(read_json(folder / "cell.json"))
    except ValidationError as error:
        path = folder / "cell.json"
        raise HarnessError(f"{path}: is not a cell of this version; run it again") from error


def left_by_cell(folder: Path, file: str, key: str) -> Any:
    """Return what a cell or its runner left in a file of its folder, such as `done.json`.

    Raises:
        HarnessError: the file is damaged.
    """
    content = read_json(folder / file)
    if not isinstance(content, dict) or key not in content:
        raise HarnessError(
            f"{folder / file}: holds no '{key}', so no cell wrote it; delete {folder} and run the "
            "grid again"
        )
    return content[key]


def grid_called(settings: Settings, name: str) -> GridSettings:
    """Return grid `name` of params.yaml.

    Raises:
        HarnessError: there is none.
    """
    if name not in settings.grids:
        raise unknown_name("grid", name, settings.grids)
    return validated(GridSettings, settings.grids[name], f"params.yaml: grids.{name}")


def grid_profile(settings: Settings, name: str, profile: str | None = None) -> str:
    """Return the profile that a grid runs on: the one named, its only one, or the default one.

    Raises:
        HarnessError: the grid is unknown, or not defined for that profile.
    """
    grid = grid_called(settings, name)
    chosen = profile or grid.profile or settings.profile
    if chosen not in grid.budgets:
        raise HarnessError(
            f"params.yaml: grids.{name} is not defined for profile {chosen} "
            f"(for: {', '.join(grid.budgets)}); name one of these with --profile"
        )
    return chosen


def resolve_cells(settings: Settings, name: str, profile: str | None = None) -> list[Cell]:
    """Return the cells of grid `name`, in the order of params.yaml.

    Args:
        settings: params.yaml.
        name: the grid.
        profile: the profile to run it on, see `grid_profile`.

    Raises:
        HarnessError: the grid, its profile or a model is unknown, a cell comes twice, or a
            variation changes something that is not a setting.
    """
    chosen = grid_profile(settings, name, profile)
    place = _Place(name, grid_called(settings, name), chosen, settings.profile_called(chosen))
    cells = [
        _cell(place, variation, changes, model, seed)
        for variation, changes in _variations(place).items()
        for model in changes.get("models", place.grid.models)
        for seed in place.grid.seeds
    ]
    names = [cell.name for cell in cells]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise HarnessError(f"params.yaml: grids.{name}: cell {twice} comes twice; list it once")
    return cells


@dataclass(frozen=True)
class _Place:
    """A grid on a profile: where a cell's settings come from."""

    name: str
    grid: GridSettings
    profile_name: str
    profile: Profile

    @property
    def budget(self) -> Budget:
        return self.grid.budgets[self.profile_name]

    def evaluations(self) -> list[Evaluation]:
        chosen = self.budget.evaluations or self.grid.evaluations
        try:
            found = [each for evaluation in chosen for each in evaluation.each()]
        except ValueError as error:
            raise HarnessError(f"params.yaml: grids.{self.name}: {error}") from error
        names = [evaluation.name for evaluation in found]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise HarnessError(f"params.yaml: grids.{self.name}: evaluation {twice} comes twice")
        return found


def _variations(place: _Place) -> dict[str, dict[str, Any]]:
    axes = {**place.grid.axes, **place.budget.axes}
    combinations = [
        dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values()) if axes
    ]
    crossed = {
        "-".join(f"{key.rpartition('.')[2]}={_short(value)}" for key, value in changes.items()): (
            changes
        )
        for changes in combinations
    }
    found = {**place.grid.variations, **place.budget.variations, **crossed} or {AS_SET: {}}
    if place.budget.only is None:
        return found
    for name in place.budget.only:
        if name not in found:
            raise unknown_name(f"variation of grid {place.name}", name, found)
    return {name: changes for name, changes in found.items() if name in place.budget.only}


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "+".join(map(_short, value)) or "none"
    return str(value).replace("/", "_").replace(" ", "_")


def _cell(place: _Place, variation: str, changes: Mapping[str, Any], model: str, seed: int) -> Cell:
    grid, budget = place.grid, place.budget
    base, own = place.profile.model_called(model), budget.models.get(model, ModelSettings())
    cell: dict[str, Any] = {
        "network": {**base.network, **grid.network, **budget.network, **own.network},
        "training": {**base.training, **grid.training, **budget.training, **own.training},
        "input_2d": budget.input_2d or grid.input_2d or place.profile.input_2d,
        "train_actions": None,
        "train_subjects": None,
        "flip_test": place.profile.flip_test,
    }
    for key, value in changes.items():
        section, _, inner = key.partition(".")
        if section in ("network", "training") and inner:
            cell[section][inner] = value
        elif key in ("input_2d", "train_actions", "train_subjects", "flip_test"):
            cell[key] = value
        elif key != "models":
            raise HarnessError(
                f"params.yaml: grids.{place.name}: variation {variation} changes '{key}'; it may "
                "change network.*, training.*, input_2d, train_actions, train_subjects, flip_test "
                "and models"
            )
    return Cell(
        grid=place.name,
        variation=variation,
        profile=place.profile_name,
        model=model,
        seed=seed,
        protocols=list(place.profile.protocols),
        evaluations=place.evaluations(),
        **cell,
    )
