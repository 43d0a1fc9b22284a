"""Committed files of the stages before training's end: where they lie and how they are read.

    results/reference/PROFILE/data.json                  the prepared set
    results/reference/PROFILE/MODEL/steps.json           first steps of training
    results/reference/PROFILE/MODEL/model.safetensors    small weights
    results/reference/PROFILE/MODEL/predictions/         their predictions for a few clips
    results/reference/PROFILE/MODEL/scores.json          scores of these predictions

All are written by `harness check --update` and reviewed as a diff.
"""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from harness.foundation.errors import HarnessError
from harness.foundation.files import read_json

Golden = TypeVar("Golden", bound=BaseModel)


def golden_folder(profile: str, results: Path) -> Path:
    """Return where the committed files of a profile lie."""
    return results / "reference" / profile


def golden_models(folder: Path, file: str) -> list[str]:
    """Return the models that have `file` among the committed files below `folder`."""
    return sorted(path.name for path in folder.glob("*") if (path / file).exists())


def read_golden(path: Path, kind: type[Golden]) -> Golden:
    """Read a committed file.

    Raises:
        HarnessError: the file is missing or damaged.
    """
    try:
        return kind.model_validate(read_json(path), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise damaged(path, f"{place}: {first['msg']}") from error
    except HarnessError as error:
        raise HarnessError(f"{error}; {_RESTORE}") from error


def damaged(path: Path, problem: object) -> HarnessError:
    """Say plainly that a committed file cannot be used."""
    return HarnessError(f"{path}: is not a whole reference ({problem}); {_RESTORE}")


_RESTORE = "restore it from git, or make it with 'harness check --update'"
