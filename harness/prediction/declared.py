"""What somebody declares of predictions that another program made."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.datasets.prepared import Split
from harness.foundation.errors import HarnessError
from harness.foundation.files import read_json
from harness.foundation.plain_json import parse_json
from harness.foundation.provenance import RunRecord
from harness.foundation.settings import Name, validated


class Declared(BaseModel):
    """The conditions under which another program made predictions; nothing can check them.

    Attributes:
        model: what tables and comparisons call it.
        input_2d: the 2D source it was given, by the prepared set's name where it has it.
        frames: length of its window.
        flip_test: whether predictions on the input and on its mirror image were averaged.
        trained_on: data and subjects that it was trained on, in words.
        trained_on_2d: the 2D source trained on; the one given unless named.
        predicts: which frames of its window it predicts.
        uses_root_depth: whether it was given the true depth of the root.
        split: the clips predicted.
        skeleton: the joints, by name of a skeleton; those of the prepared set unless named.
        unit: of the positions; millimetres in a MATLAB file, else metres, unless named. "image25d"
            are the units of the normalised screen, in which networks of MotionBERT's family predict
            x, y and depth.
        hypotheses: poses for each frame; where more than one, they are the second axis of arrays.
        root_file: a second file, beside the first, with the path of the root in camera space,
            (frames, 3) metres a clip; none unless named.
        seed: tells several trainings of one model apart.
        source: paper, repository or commit, in words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Name
    input_2d: str
    frames: int = Field(ge=1)
    flip_test: bool
    trained_on: str
    trained_on_2d: str | None = None
    predicts: Literal["all", "middle", "last"] = "middle"
    uses_root_depth: bool = False
    split: Split = "test"
    skeleton: str | None = None
    unit: Literal["m", "mm", "image25d"] | None = None
    hypotheses: int = Field(default=1, ge=1, le=1000)
    root_file: str | None = None
    seed: int = Field(default=0, ge=0)
    source: str = ""

    def sentences(self) -> list[str]:
        """Return the declaration as tables and comparisons print it."""
        told = ["predictions made elsewhere, as declared", f"trained on {self.trained_on}"]
        return [*told, self.source] if self.source else told


def read_declared(predictions: Path, changes: Sequence[str]) -> Declared:
    """Return what is declared of a file: in JSON beside it (FILE.json), or on the command line.

    Args:
        predictions: the file; `theirs.npz` has its declaration in `theirs.json`.
        changes: KEY=VALUE, which count more than the file; a value is JSON, or else text.

    Raises:
        HarnessError: the file is not there, or a key is missing, unknown or has a wrong value.
    """
    if not predictions.is_file():  # said before a declaration is asked for
        raise HarnessError(f"{predictions}: no such file")
    beside = predictions.with_suffix(".json")
    values: Any = read_json(beside) if beside.is_file() else {}
    if not isinstance(values, Mapping):
        raise HarnessError(f"{beside}: holds {type(values).__name__}, expected keys with values")
    given = {**values, **dict(map(_parsed, changes))}
    try:
        return validated(Declared, given, str(beside))
    except HarnessError as error:
        needed = [key for key, field in Declared.model_fields.items() if field.is_required()]
        missing = [key for key in needed if key not in given]
        misspelt = given.keys() - Declared.model_fields.keys()
        what: object = error  # a line a key, unless some are missing and nothing else is wrong
        if missing and not misspelt:
            what = f"{predictions}: is declared without {', '.join(missing)}"
        raise HarnessError(
            f"{what}; a declaration needs {', '.join(needed)}, in {beside.name} or as "
            "--declare KEY=VALUE"
        ) from error


def declared_in(record: RunRecord) -> Declared | None:
    """Return what was declared of the predictions of a run, or None of a run that was made here.

    Raises:
        HarnessError: its record does not hold a declaration where one should be.
    """
    values = record.parameters.get("declared")
    if values is None:
        return None
    if not isinstance(values, Mapping):
        raise HarnessError(f"record of {record.run}: 'declared' holds no keys with values")
    return validated(Declared, values, f"record of {record.run}: declared")


def _parsed(change: str) -> tuple[str, Any]:
    key, equals, text = change.partition("=")
    if not (key and equals):
        raise HarnessError(f"--declare {change}: expected KEY=VALUE, such as frames=243")
    try:
        return key.strip(), parse_json(text, "")
    except HarnessError:
        return key.strip(), text
