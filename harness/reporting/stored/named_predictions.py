"""What PREDICTIONS on a command line means: a folder, a run, or a file of another program."""

from pathlib import Path

import numpy as np

from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.foundation.settings import load_settings
from harness.prediction.declared import Declared, read_declared
from harness.prediction.foreign import SUFFIXES, check_foreign, store_foreign
from harness.reporting.stored.run_folders import part_of
from harness.reporting.stored.run_report import find_run

RESULTS = Path("results")
PREPARED = Path("data/prepared")


def find_predictions(
    predictions: str,
    data: Path | None,
    profile: str | None,
    changes: tuple[str, ...],
    force: bool = False,
) -> tuple[Path, Path, Declared | None]:
    """Return the folder of predictions, the prepared set they are of, and what is declared.

    Args:
        predictions: a folder of predictions, a run (its folder or name), or a file of another
            program, which is stored as a run of the profile.
        data: the prepared set, where it was named.
        profile: of a file: whose data it predicts.
        changes: of a file: KEY=VALUE declared.
        force: of a file: replace other predictions of the same name.

    Raises:
        HarnessError: there are no such predictions, or their set is not known.
    """
    folder = Path(predictions)
    if folder.suffix in SUFFIXES:
        return _stored(folder, data, profile, changes, force)
    if changes or profile is not None:
        raise HarnessError(
            f"{predictions}: --declare and --profile are for a file of another program's "
            f"predictions ({', '.join(SUFFIXES)})"
        )
    if folder.is_file():
        raise HarnessError(f"{folder}: is no file of predictions, expected {', '.join(SUFFIXES)}")
    if not (folder / "contract.json").is_file():
        run = folder if (folder / "predictions").is_dir() else find_run(predictions)
        folder = part_of(run, "predictions")
        data = data or PREPARED / run.resolve().parent.parent.name
    if data is None:
        raise HarnessError(f"{folder}: name the prepared set it was predicted on with --data")
    return folder, data, None


def check_file(path: Path, data: Path | None, profile: str | None, changes: tuple[str, ...]) -> str:
    """Read a file of another program's predictions, store nothing, and say what it holds.

    Args:
        path: the file.
        data: the prepared set, where it was named.
        profile: whose data it predicts.
        changes: KEY=VALUE declared.

    Raises:
        HarnessError: it could not be stored; the message is the one that storing would give.
    """
    declared, data, _ = _declared(path, data, profile, changes)
    found = check_foreign(path, declared, PreparedSet(data))
    size = float(np.median(np.linalg.norm(found.positions, axis=-1)))
    joints = f"{len(found.skeleton)} joints ({found.skeleton.name})"
    lines = [
        f"{path}: {len(found.clips)} {declared.split} clips of {data}, {len(found.positions):,} "
        f"frames of {joints}",
        f"joints lie {size:.3g} m from the root, in the middle of all"
        * (declared.unit != "image25d"),
        f"the root's path: {'given' if found.roots is not None else 'not given'}",
        *declared.sentences(),
        "nothing was stored",
    ]
    return "\n".join(
        f"- {line}" if index else line for index, line in enumerate(filter(None, lines))
    )


def _stored(
    path: Path, data: Path | None, profile: str | None, changes: tuple[str, ...], force: bool
) -> tuple[Path, Path, Declared]:
    """Store the predictions in a file; return their folder, the prepared set, what is declared."""
    declared, data, name = _declared(path, data, profile, changes)
    run = RESULTS / name / "runs" / f"{declared.model}-seed{declared.seed}"
    store_foreign(path, declared, PreparedSet(data), run, force=force)
    return run / "predictions", data, declared


def _declared(
    path: Path, data: Path | None, profile: str | None, changes: tuple[str, ...]
) -> tuple[Declared, Path, str]:
    """Return what is declared of a file, the prepared set that it predicts, and the profile."""
    settings = load_settings()
    settings.profile_called(profile)
    name = profile or settings.profile
    return read_declared(path, changes), data or PREPARED / name, name
