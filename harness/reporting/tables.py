"""The paper's tables of a profile: published rows, and beside them what was measured here."""

from dataclasses import replace
from pathlib import Path

from harness.reporting.action_tables import action_tables
from harness.reporting.keypoint_table import keypoint_table
from harness.reporting.reproduced import ProfileRuns
from harness.reporting.subject_table import subject_table
from harness.runs.files import atomic_file
from harness.runs.settings import Settings

CROSS_FOLDER = "cross"
"""The folder inside a run's that holds its predictions and scores on other profiles' data."""


def write_tables(settings: Settings, profile: str, results: Path) -> list[Path]:
    """Write the tables of a profile as Markdown and CSV and return the files.

    Args:
        settings: params.yaml.
        profile: whose runs to show; the first of its protocols counts.
        results: the folder of all results.

    Raises:
        HarnessError: the profile is unknown or the place cannot be written.
    """
    runs = ProfileRuns(
        models=tuple(settings.models),
        seeds=tuple(settings.seeds),
        profile=profile,
        protocol=settings.profile_called(profile).protocols[0],
        results=results,
    )
    crossed = {
        target: replace(
            runs,
            protocol=settings.profile_called(target).protocols[0],
            within=f"{CROSS_FOLDER}/{target}",
        )
        for target in settings.cross
    }
    written = []
    for page in (*action_tables(runs), subject_table(runs), keypoint_table(runs, crossed)):
        for suffix, text in (("md", page.markdown), ("csv", page.csv)):
            path = results / profile / "tables" / f"{page.name}.{suffix}"
            with atomic_file(path) as stream:
                stream.write(text)
            written.append(path)
    return written
