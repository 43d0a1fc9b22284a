"""Keeping the runs that references were made from in git, where a profile's own are not."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from harness.foundation.files import atomic_folder, read_json, visible
from harness.foundation.provenance import read_record
from harness.reporting.stored.run_folders import committed_runs
from harness.scoring.all_protocols import files_in_git

_KEPT = ("run.json", "history.csv", "metrics.json")
_DIGITS = 2


def keep_runs(results: Path, profile: str, models: Iterable[str]) -> Iterator[str]:
    """Copy records, curves and sums by clip of runs into results/reference/PROFILE/runs.

    Only a profile that has this folder keeps runs there. One that says the same as the run made
    here stays as it is, so that times and the last digits of another machine change nothing. Yields
    the names of the runs that were copied.

    Args:
        results: the folder of all results.
        profile: whose runs.
        models: whose runs to keep; a model without any here keeps what is there.

    Raises:
        HarnessError: a record or average cannot be read, or the place cannot be written.
    """
    kept = committed_runs(results, profile)
    if not kept.is_dir():
        return
    for model in models:
        made = visible((results / profile / "runs").glob(f"{model}-seed*"))
        for run in made:
            if _what_it_says(run) != _what_it_says(kept / run.name):
                with atomic_folder(kept / run.name) as folder:
                    _copy(run, folder)
                yield run.name
        for earlier in visible(kept.glob(f"{model}-seed*")) if made else ():
            if earlier.name not in {run.name for run in made}:
                shutil.rmtree(earlier)


def _copy(run: Path, folder: Path) -> None:
    scored = (path for score in visible(run.glob("scores/*")) for path in files_in_git(score))
    for path in visible([*(run / name for name in _KEPT if (run / name).is_file()), *scored]):
        place = folder / path.relative_to(run)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)


def _what_it_says(run: Path) -> dict[str, Any] | None:
    """Return a run's id and its averages as they are printed; None where it has no record."""
    if not (run / "run.json").is_file():
        return None
    averages = {
        path.parent.name: {
            name: round(value, _DIGITS) if isinstance(value, float) else value
            for name, value in read_json(path).items()
        }
        for path in visible(run.glob("scores/*/metrics.json"))
    }
    return {"run_id": read_record(run / "run.json").run_id, "averages": averages}
