"""The paper's tables of a profile: published rows, and beside them what was measured here."""

from pathlib import Path

from harness.reporting.action_tables import action_tables
from harness.reporting.reproduced import ProfileRuns
from harness.runs.files import atomic_file
from harness.runs.settings import Settings


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
    written = []
    for page in action_tables(runs):
        for suffix, text in (("md", page.markdown), ("csv", page.csv)):
            path = results / profile / "tables" / f"{page.name}.{suffix}"
            with atomic_file(path) as stream:
                stream.write(text)
            written.append(path)
    return written
