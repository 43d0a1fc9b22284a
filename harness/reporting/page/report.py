"""The report of a profile: everything stored about its runs in one page."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.foundation.files import atomic_file
from harness.foundation.settings import Settings
from harness.prediction.stored import read_predictions
from harness.reporting.conventions import conventions
from harness.reporting.measured_rows import ProfileRuns
from harness.reporting.page.assemble import assembled_page, json_in_html
from harness.reporting.page.boards import about, boards, comparable, reproduced
from harness.reporting.page.charts import NOISE, learning_curves, robustness
from harness.reporting.page.motion import plain_motion
from harness.reporting.page.stored_clips import LiftedRun, StoredClips, chosen_clips
from harness.reporting.paper_audit import reproductions
from harness.reporting.profile_tables import runs_of_profile
from harness.reporting.stored.run_report import as_text, report_run

Plain = dict[str, Any]

PLACE = Path("report/index.html")
"""Where a profile's report lies in its folder of results."""

_CLIP_FRAMES = 150
_MOST_BYTES = 4_800_000


def write_report(settings: Settings, profile: str, results: Path, prepared: Path) -> Path:
    """Write results/PROFILE/report/index.html and return it.

    Without predictions or the prepared set, which git does not carry, the page has neither clips
    nor tables of conventions, and says so.

    Args:
        settings: params.yaml.
        profile: whose runs to show.
        results: the folder of all results.
        prepared: the profile's prepared set.

    Raises:
        HarnessError: the profile is unknown, nothing of it was scored, or a file is damaged.
    """
    runs = runs_of_profile(settings, profile, results)
    if not runs.scored[0]:
        why = f" ({runs.scored[1][0]})" if runs.scored[1] else ""
        raise HarnessError(f"profile {profile}: nothing was scored yet{why}; run 'dvc repro'")
    folder = results / profile
    lifted, lacking = _lifted_runs(runs, prepared)
    data: Plain = {
        "about": about(runs),
        "boards": boards(runs),
        "curves": learning_curves(runs),
        "robustness": robustness(folder),
        "robustness_page": f"../{NOISE}.md",
        "reproduction": reproduced(reproductions(settings, profile, results)),
        "records": _records(runs, folder / PLACE),
        "conventions": _conventions(lifted, prepared),
        "viewer": {"clips": [], "lacking": lacking},
    }
    title = f"Profile {profile}"
    room = _MOST_BYTES - len(assembled_page(title, "report", data, charts=True).encode())
    if lifted:
        data["viewer"] |= _viewer(lifted, prepared, room)
    path = folder / PLACE
    with atomic_file(path) as stream:
        stream.write(assembled_page(title, "report", data, charts=True))
    return path


def _lifted_runs(runs: ProfileRuns, prepared: Path) -> tuple[list[LiftedRun], str]:
    """Return the first run of each model whose predictions are there, or why there is none.

    Clips show side by side what is scored on the same frames and lifted from the same 2D.
    """
    if not (prepared / "manifest.json").is_file():
        return [], f"the prepared set {prepared} is not on this machine"
    models = runs.scored[0]
    found = [
        LiftedRun(model.name, folder, model.runs[0])
        for model in models
        if comparable(models[0], model)
        and ((folder := model.runs[0].folder) / "predictions/contract.json").is_file()
    ]
    return found, "" if found else "no predictions are stored on this machine"


def _viewer(lifted: Sequence[LiftedRun], prepared: Path, room: int) -> Plain:
    """Return clips to show, as many of those that say much as fit into `room` bytes.

    Of all methods the best and one that tells who listens to whom are shown at first.
    """
    stored = StoredClips(PreparedSet(prepared), lifted)
    actions = dict(zip(stored.clips["clip"], stored.clips["action"], strict=True))
    clips: list[Plain] = []
    size = 0
    for number in chosen_clips(stored.errors, actions):
        motion = plain_motion(stored.motion(number, _CLIP_FRAMES))
        size += len(json_in_html(motion))
        if size > room:
            break
        clips.append(
            {"name": motion["name"], "error": f"{stored.errors[number]:.1f} mm", "motion": motion}
        )
    best = min(lifted, key=lambda run: run.scored.score.metrics["MPJPE"])
    shown = [best, stored.listening or lifted[-1]]
    return {"clips": clips, "shown": [run.label for run in shown]}


def _conventions(lifted: Sequence[LiftedRun], prepared: Path) -> Plain:
    """Return by model what the same predictions score under every protocol that fits them."""
    tables = {}
    for run in lifted:
        found = conventions(read_predictions(run.predictions_folder), PreparedSet(prepared))
        tables[run.label] = {
            "run": run.scored.name,
            "heads": found.heads,
            "rows": [found.cells(row) for row in found.rows],
        }
    return tables


def _records(runs: ProfileRuns, page: Path) -> list[Plain]:
    """Return by model what `harness show` says of each of its runs; `page` links to them."""
    records = []
    for model in runs.scored[0]:
        of_model = []
        for run in model.runs:
            known = run.record is not None
            text = as_text(report_run(run.folder)) if known else "no record: predictions alone"
            file = os.path.relpath(run.folder / "run.json", page.parent)
            of_model.append(
                {
                    "name": run.name,
                    "run_id": run.score.header.conditions.predictions.run_id,
                    "file": Path(file).as_posix() if known else None,
                    "text": text,
                }
            )
        records.append({"model": model.name, "runs": of_model})
    return records
