"""Figures made from what runs wrote; matplotlib is imported only when one is drawn."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from harness.foundation.history import read_history
from harness.reporting.drawing import legend_below, save_figure, style_of
from harness.reporting.names import title_of
from harness.reporting.stored.run_folders import run_folders


def draw_learning_curves(
    models: Sequence[str], profile: str, results: Path, seeds: Sequence[int]
) -> list[Path]:
    """Draw the validation MPJPE of every run by step and return the files written.

    A model has one colour; its seeds share it. The lowest value is marked. Where no run validated,
    because nothing was held out to validate on, the training loss is drawn instead.

    Args:
        models: names in the order of tables.
        profile: whose runs.
        results: the folder of all results.
        seeds: the training seeds shown.
    """
    folders = run_folders(results, profile)
    histories = {
        (model, seed): pd.DataFrame(map(asdict, epochs)).astype({"validation_MPJPE": float})
        for model in models
        for seed in seeds
        if (run := folders.get(f"{model}-seed{seed}"))
        and (path := run / "history.csv").is_file()
        and (epochs := read_history(path))  # none in the first epoch
    }
    validated = any(history["validation_MPJPE"].notna().any() for history in histories.values())
    drawn, label = (
        ("validation_MPJPE", "MPJPE on validation clips, mm")
        if validated
        else ("train_loss", "training loss, nothing being held out")
    )

    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5.0), layout="constrained")
    for (model, seed), history in histories.items():
        best = [history[drawn].idxmin()] if history[drawn].notna().any() else []
        first = seed == min(number for name, number in histories if name == model)
        style = style_of(model)
        axes.plot(
            history["step"],
            history[drawn],
            color=style.color,
            label=title_of(model) if first else None,
            marker=style.marker,
            markevery=best,
        )
    axes.set_yscale("log")
    if validated:
        axes.yaxis.set_major_formatter("{x:.0f}")
        axes.yaxis.set_minor_formatter("{x:.0f}")
    axes.set_xlabel("training steps")
    axes.set_ylabel(label)
    axes.set_title(f"Profile {profile}: learning curves; the marker is the lowest value")
    axes.grid(visible=True, which="both", alpha=0.3)
    legend_below(figure, [axes])
    written = save_figure(figure, results / profile / "figures" / "learning_curves")
    plt.close(figure)
    return written
