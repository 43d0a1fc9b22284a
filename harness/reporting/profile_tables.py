"""The paper's tables of a profile: published rows, and beside them what was measured here."""

from dataclasses import replace
from pathlib import Path

from harness.foundation.files import atomic_file, visible
from harness.foundation.settings import Settings
from harness.reporting.measured_rows import ProfileRuns
from harness.reporting.metric_table import metric_table
from harness.reporting.names import bibliography
from harness.reporting.paper.action_tables import action_tables
from harness.reporting.paper.keypoint_table import keypoint_table
from harness.reporting.paper.subject_table import subject_table
from harness.reporting.person_table import person_table
from harness.reporting.stored.run_folders import run_folders
from harness.reporting.table_parts import write_page
from harness.scoring.protocols import COMMON_PROTOCOL
from harness.scoring.stored_score import CROSS_FOLDER


def runs_of_profile(settings: Settings, profile: str, results: Path) -> ProfileRuns:
    """Return the runs that a profile's tables are made from; the first of its protocols counts.

    Raises:
        HarnessError: the profile is unknown.
    """
    return ProfileRuns(
        models=tuple(settings.models),
        seeds=tuple(settings.seeds),
        profile=profile,
        protocol=settings.profile_called(profile).protocols[0],
        results=results,
    )


def write_tables(settings: Settings, profile: str, results: Path) -> list[Path]:
    """Write tables I and II of a profile, one of every metric and one of subjects.

    They come as Markdown, CSV and LaTeX.

    Tables III and IV are written where a model was scored on their data set; left-overs of a
    profile that no longer has it are removed. The methods' papers are written as BibTeX. Returns
    the files.

    Args:
        settings: params.yaml.
        profile: whose runs to show.
        results: the folder of all results.

    Raises:
        HarnessError: the profile is unknown or the place cannot be written.
    """
    runs = runs_of_profile(settings, profile, results)
    pages = (
        *action_tables(runs),
        subject_table(runs),
        keypoint_table(runs, crossed(runs)),
        metric_table(runs),
        person_table(runs),
    )
    folder = results / profile / "tables"
    written = [path for page in pages if page is not None for path in write_page(page, folder)]
    for name in ("table_03_humaneva", "table_04_mpi_inf_3dhp"):
        for path in set(visible(folder.glob(f"{name}.*"))) - set(written):
            path.unlink()
    references = folder / "references.bib"
    with atomic_file(references) as stream:
        stream.write(bibliography(runs.models))
    return [*written, references]


def crossed(runs: ProfileRuns) -> dict[str, ProfileRuns]:
    """Return the same runs as scored on other profiles' data under their protocols, by profile."""
    found = {
        (path.parents[1].name, path.name)
        for folder in run_folders(runs.results, runs.profile).values()
        for path in visible(folder.glob(f"{CROSS_FOLDER}/*/scores/*"))
        if path.is_dir() and path.name != COMMON_PROTOCOL and path.parents[1].name != runs.profile
    }
    return {
        target: replace(runs, protocol=protocol, within=f"{CROSS_FOLDER}/{target}")
        for target, protocol in sorted(found, reverse=True)
    }
