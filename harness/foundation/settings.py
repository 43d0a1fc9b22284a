"""The schema of params.yaml, and the one way settings are checked and refused.

A section that belongs to somebody else, such as an importer's options or a method's network, stays
plain data here and is checked by its owner through `validated`.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from harness.foundation.budget import BUDGET
from harness.foundation.errors import HarnessError
from harness.foundation.files import read_text
from harness.foundation.plain_yaml import parse_yaml
from harness.foundation.shown import shown
from harness.foundation.suggest import nearest_name, unknown_name

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
"""A name that becomes part of a path: letters, digits, underscore, dot, hyphen."""

Validated = TypeVar("Validated", bound=BaseModel)
_Location = tuple[str | int, ...]


class DatasetSettings(BaseModel):
    """Which data set a profile uses.

    Attributes:
        name: a name that `harness data list` prints.
        options: settings of its importer, which checks them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    options: dict[str, Any] = Field(default_factory=dict)


class ModelSettings(BaseModel):
    """What a profile changes of a method's published settings.

    Attributes:
        network: the method's own parameters, which its settings class checks.
        training: single values of its published recipe.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)


class Profile(BaseModel):
    """One complete experiment: a data set and how every model is trained and scored on it.

    Attributes:
        dataset: the data set and its importer's options.
        input_2d: the 2D source that lifters are trained and tested on.
        flip_test: whether predictions are averaged with those of the mirrored input.
        protocols: ids of the protocols to score under.
        models: settings by model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: DatasetSettings
    input_2d: str
    flip_test: bool
    protocols: list[Name] = Field(min_length=1)
    models: dict[Name, ModelSettings] = Field(min_length=1)

    def model_called(self, name: str) -> ModelSettings:
        """Return the settings of model `name`.

        Raises:
            HarnessError: the profile has no such model.
        """
        if name not in self.models:
            raise unknown_name("model of this profile", name, self.models)
        return self.models[name]


class Settings(BaseModel):
    """The whole of params.yaml.

    Attributes:
        profile: the profile that commands and `dvc repro` use unless told otherwise.
        seeds: every model is trained once with each.
        models: the models that `dvc repro` trains, in the order of tables.
        experiments: the grids that `dvc repro experiments/dvc.yaml` runs.
        cross: profiles on whose data the trained models are tested as well.
        affinity: the models whose affinities `dvc repro` draws.
        profiles: the profiles by name.
        grids: grids of experiments by name; the grid runner checks each.
        shared: a place for YAML anchors that profiles merge; nothing reads it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    profile: Name
    seeds: list[Annotated[int, Field(ge=0)]] = Field(min_length=1)
    models: list[Name] = Field(min_length=1)
    experiments: list[Name] = Field(default_factory=list)
    cross: list[Name] = Field(default_factory=list)
    affinity: list[Name] = Field(default_factory=list)
    profiles: dict[Name, Profile] = Field(min_length=1)
    grids: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    shared: dict[str, Any] = Field(default_factory=dict)

    def profile_called(self, name: str | None = None) -> Profile:
        """Return profile `name`, or the default profile.

        Raises:
            HarnessError: there is no such profile.
        """
        chosen = self.profile if name is None else name
        if chosen not in self.profiles:
            raise unknown_name("profile", chosen, self.profiles)
        return self.profiles[chosen]


def seeds_named(text: str | None, usual: Iterable[int], stored: Iterable[int] = ()) -> list[int]:
    """Return the seeds that the option --seeds of a command names.

    Args:
        text: numbers separated by commas, or "all" where runs are looked for; None for the usual.
        usual: those of params.yaml.
        stored: what "all" stands for.

    Raises:
        HarnessError: it is none of these, or there is nothing that "all" could stand for.
    """
    stored = sorted(set(stored))
    if text is None:
        return list(usual)
    if text.strip() == "all" and stored:
        return stored
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        or_all = " or all" if stored else ""
        raise HarnessError(f"--seeds is '{shown(text)}', expected numbers such as 0,1,2{or_all}")
    return list(dict.fromkeys(int(part) for part in parts))


def load_settings(path: Path = Path("params.yaml")) -> Settings:
    """Read and check params.yaml.

    Raises:
        HarnessError: the file is missing, is not YAML, has a key twice, an unknown key or a value
            of the wrong type; all wrong keys are listed.
    """
    if not path.exists():
        raise HarnessError(f"{path}: no such file; run from the folder that holds params.yaml")
    values = parse_yaml(read_text(path, BUDGET.yaml_bytes, "YAML"), str(path))
    if not isinstance(values, dict):
        raise HarnessError(f"{path}: holds {type(values).__name__}, expected keys with values")
    settings = validated(Settings, values, str(path))
    for kind, names in (("seeds", settings.seeds), ("models", settings.models)):
        twice = [str(name) for name, count in Counter(names).items() if count > 1]
        if twice:
            raise HarnessError(f"{path}: {kind}: {', '.join(twice)} listed twice; list it once")
    settings.profile_called()
    return settings


def validated(model_class: type[Validated], values: Mapping[str, Any], where: str) -> Validated:
    """Return an instance of `model_class` from plain values, checked strictly.

    Nothing is converted but what JSON cannot say (a list becomes the tuple a field asks for), so
    "3" is no integer and 1 is no truth value.

    Args:
        model_class: the pydantic model that knows the keys, types and ranges.
        values: the section as read from YAML or JSON.
        where: file and section for the error, such as "params.yaml: profiles.quick.dataset".

    Raises:
        HarnessError: every problem: the key with the nearest valid one, or the value found and
            what was expected.
    """
    problems = [
        f"'{_dotted(location)}': found {_shown(number)}, expected a finite number"
        for location, number in _not_finite(values)
    ]
    if problems:
        raise HarnessError(f"{where}: {'; '.join(problems)}")
    try:
        return model_class.model_validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        problems = [_problem(model_class, detail) for detail in error.errors(include_url=False)]
        raise HarnessError(f"{where}: {'; '.join(problems)}") from error


def _not_finite(value: Any, location: _Location = ()) -> Iterator[tuple[_Location, float]]:
    """Yield where plain values hold NaN or infinity, for which no setting has a use."""
    if isinstance(value, Mapping | list | tuple):
        for key, inner in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _not_finite(inner, (*location, key))
    elif isinstance(value, float) and not math.isfinite(value):
        yield location, value


def _problem(model_class: type[BaseModel], detail: ErrorDetails) -> str:
    location, kind = detail["loc"], detail["type"]
    if kind == "extra_forbidden":
        known = _keys_at(model_class, location[:-1])
        nearest = nearest_name(str(location[-1]), known)
        hint = f"; did you mean '{nearest}'?" if nearest else ""
        return f"unknown key '{_dotted(location)}'{hint} (known: {', '.join(sorted(known))})"
    if kind == "missing":
        return f"key '{_dotted(location)}' is missing; add it"
    message = detail["msg"].removeprefix("Value error, ")
    expected = re.sub(r"^\w+ should (be|have|match) | after validation, not \d+$", "", message)
    if not location:
        return expected
    if location[-1] == "[key]":
        return f"'{_dotted(location[:-2])}': name '{location[-2]}': {expected}"
    return f"'{_dotted(location)}': found {_shown(detail['input'])}, expected {expected}"


def _keys_at(model_class: type[BaseModel], location: _Location) -> set[str]:
    """Return the keys that the model at `location` inside `model_class` takes."""
    annotation: Any = model_class
    for step in location:
        models = _models_of(annotation)
        if models:
            field = models[0].model_fields.get(str(step))
            annotation = None if field is None else field.annotation
        else:
            # A list or dict: `step` is an index or key, the type of the items comes last.
            annotation = (get_args(annotation) or (None,))[-1]
    return {key for model in _models_of(annotation) for key in model.model_fields}


def _models_of(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that a value so annotated may be: `X`, or the members of `X | None`."""
    union = get_origin(annotation) in (Union, UnionType)
    members = get_args(annotation) if union else (annotation,)
    return [item for item in members if isinstance(item, type) and issubclass(item, BaseModel)]


def _dotted(location: _Location) -> str:
    return ".".join(map(str, location))


def _shown(value: Any) -> str:
    return shown(json.dumps(value, default=str, ensure_ascii=False), longest=60)
