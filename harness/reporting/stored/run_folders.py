"""Where runs lie: those that were made here, and those in git of models that were not run here."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from harness.foundation.errors import HarnessError
from harness.foundation.files import visible

COMMITTED = "reference"
"""The folder of results whose PROFILE/runs/ hold the runs that are committed beside references."""

Part = Literal["model.safetensors", "predictions"]


def committed_runs(results: Path, profile: str) -> Path:
    """Return where the runs of a profile lie that are in git beside its references."""
    return results / COMMITTED / profile / "runs"


def run_folders(results: Path, profile: str) -> dict[str, Path]:
    """Return the folders of a profile's runs by name, such as "dgnet-seed0", sorted.

    Those are the runs made here, in results/PROFILE/runs/. A model without any there is shown by
    its committed ones, so that commands that compare and tabulate work on a fresh clone.

    Args:
        results: the folder of all results.
        profile: whose runs.
    """
    here = _named(results / profile / "runs")
    models = models_in(here)
    committed = _named(committed_runs(results, profile))
    rest = {name: path for name, path in committed.items() if not models & models_in([name])}
    return dict(sorted({**here, **rest}.items()))


def all_run_folders(results: Path) -> dict[str, Path]:
    """Return the folders of every profile's runs by name, such as "quick/dgnet-seed0", sorted."""
    places = [*results.glob("*/runs"), *(results / COMMITTED).glob("*/runs")]
    return {
        f"{profile}/{name}": folder
        for profile in sorted({place.parent.name for place in places})
        for name, folder in run_folders(results, profile).items()
    }


def is_committed(folder: Path) -> bool:
    """Return whether a run's folder is one of those kept beside references."""
    above = folder.resolve().parents
    return len(above) > 2 and above[2].name == COMMITTED


def part_of(run: Path, part: Part) -> Path:
    """Return where a run's weights or predictions lie, which git does not keep.

    Args:
        run: the run's folder, as `find_run` gives it.
        part: the file or folder in it.

    Raises:
        HarnessError: they are not here; the message says how to make them.
    """
    path = run / part
    if path.exists():
        return path
    profile, name = run.resolve().parents[1].name, run.resolve().name
    model, _, seed = name.rpartition("-seed")
    todo = f"train the model first: 'harness run {model} --profile {profile} --seeds {seed}'"
    if part == "predictions" and (run / "model.safetensors").exists():
        todo = f"predict first: 'harness predict {profile}/{name}'"
    what = "checkpoint" if part == "model.safetensors" else part
    raise HarnessError(
        f"{path}: no such {what} (git keeps only the record and the scores of {profile}/{name}); "
        f"{todo}"
    )


def told_committed(folders: Iterable[Path]) -> str:
    """Return a line that names the runs that are not of this folder's making, or nothing."""
    found = [folder.resolve() for folder in folders if is_committed(folder)]
    names = dict.fromkeys(f"{path.parents[1].name}/{path.name}" for path in found)
    return f"not run here, so committed results are shown: {', '.join(names)}" if names else ""


def models_in(names: Iterable[str]) -> set[str]:
    """Return the models that runs of these names are of."""
    return {name.rpartition("-seed")[0] for name in names}


def seeds_in(names: Iterable[str]) -> set[int]:
    """Return the seeds that runs of these names are of."""
    found = (re.search(r"-seed(\d+)$", name) for name in names)
    return {int(match[1]) for match in found if match}


def _named(runs: Path) -> dict[str, Path]:
    return {path.name: path for path in visible(runs.glob("*")) if path.is_dir()}
