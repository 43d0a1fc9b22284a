"""The figures of a profile that are drawn from its runs alone."""

from pathlib import Path

from harness.foundation.settings import Settings
from harness.reporting.curve_figure import draw_learning_curves
from harness.reporting.joint_figure import draw_joint_figure
from harness.reporting.paper.size_figure import draw_size_figure
from harness.reporting.profile_tables import runs_of_profile


def write_figures(settings: Settings, profile: str, results: Path) -> list[Path]:
    """Draw learning curves, errors beside sizes and errors by joint; return the files.

    Args:
        settings: params.yaml.
        profile: whose runs to show.
        results: the folder of all results; the figures are put into results/PROFILE/figures/.

    Raises:
        HarnessError: the profile is unknown or the place cannot be written.
    """
    runs = runs_of_profile(settings, profile, results)
    return [
        *draw_learning_curves(settings.models, profile, results, settings.seeds),
        *draw_size_figure(runs),
        *draw_joint_figure(runs),
    ]
