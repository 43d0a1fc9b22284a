"""What PREDICTIONS on a command line means: a folder, a run, or a file of another program."""

from pathlib import Path

from harness.datasets.prepared import PreparedSet
from harness.prediction.declared import Declared, read_declared
from harness.prediction.foreign import SUFFIXES, store_foreign
from harness.reporting.stored.run_report import find_run
from harness.runs.errors import HarnessError
from harness.runs.settings import load_settings

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
        folder = run / "predictions"
        data = data or PREPARED / run.resolve().parent.parent.name
    if data is None:
        raise HarnessError(f"{folder}: name the prepared set it was predicted on with --data")
    return folder, data, None


def _stored(
    path: Path, data: Path | None, profile: str | None, changes: tuple[str, ...], force: bool
) -> tuple[Path, Path, Declared]:
    """Store the predictions in a file; return their folder, the prepared set, what is declared."""
    settings = load_settings()
    settings.profile_called(profile)
    name = profile or settings.profile
    declared = read_declared(path, changes)
    data = data or PREPARED / name
    run = RESULTS / name / "runs" / f"{declared.model}-seed{declared.seed}"
    store_foreign(path, declared, PreparedSet(data), run, force=force)
    return run / "predictions", data, declared
