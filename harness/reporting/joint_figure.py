"""MPJPE by joint: where on the body a method is wrong, for all models of a profile."""

from pathlib import Path

from harness.reporting.drawing import legend_below, save_figure, style_of
from harness.reporting.measured_rows import ProfileRuns
from harness.reporting.names import title_of
from harness.reporting.stored.scored_runs import takes_of_models
from harness.scoring.metrics import metric_called

METRIC = "MPJPE"


def draw_joint_figure(runs: ProfileRuns) -> list[Path]:
    """Draw the error of each joint by model, averaged over seeds, and return the files.

    Data sets and 2D sources have panels of their own: errors compare only within one. Without any
    score nothing is drawn.
    """
    metric = metric_called(METRIC)
    panels: dict[str, dict[str, dict[str, float]]] = {}
    for model in runs.scored[0]:
        made = model.runs[0].score.header.conditions.predictions
        sums = model.runs[0].score.sequences
        counted = zip(sums.joints, sums.metric(METRIC).counts, strict=True)
        panels.setdefault(f"{made.dataset}, 2D {made.input_2d}", {})[model.name] = {
            joint: float(takes_of_models([model], metric, joint).values()[0])
            for joint, counts in counted
            if counts
        }
    if not panels:
        return []
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, drawn = plt.subplots(
        1, len(panels), figsize=(7.5 * len(panels), 5.0), layout="constrained", squeeze=False
    )
    for axes, (head, by_model) in zip(drawn[0], panels.items(), strict=True):
        joints = list(dict.fromkeys(joint for errors in by_model.values() for joint in errors))
        for name, errors in by_model.items():
            style = style_of(name)
            axes.plot(
                [joints.index(joint) for joint in errors],
                list(errors.values()),
                color=style.color,
                marker=style.marker,
                markersize=5,
                linewidth=0.8,
                label=title_of(name),
            )
        axes.set_xticks(range(len(joints)), joints, rotation=60, ha="right")
        axes.set_ylim(bottom=0)
        axes.set_ylabel("MPJPE, mm")
        axes.set_title(head)
        axes.grid(visible=True, alpha=0.3)
    legend_below(figure, drawn[0])
    written = save_figure(figure, runs.results / runs.profile / "figures" / "joints")
    plt.close(figure)
    return written
