"""Figures made from what runs wrote; matplotlib is imported only when one is drawn."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from harness.runs.files import atomic_file


def draw_learning_curves(
    models: Sequence[str], profile: str, results: Path, seeds: Sequence[int]
) -> list[Path]:
    """Draw the validation MPJPE of every run by epoch and return the files written.

    A model has one colour; its seeds share it. The epoch that was kept is marked. Without any run
    that validated, nothing is drawn.

    Args:
        models: names in the order of tables.
        profile: whose runs.
        results: the folder of all results.
        seeds: the training seeds shown.
    """
    histories = {
        (model, seed): pd.read_csv(path)
        for model in models
        for seed in seeds
        if (path := results / profile / "runs" / f"{model}-seed{seed}" / "history.csv").is_file()
    }
    histories = {
        run: history
        for run, history in histories.items()
        if history["validation_MPJPE"].notna().any()
    }
    if not histories:
        return []

    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for (model, seed), history in histories.items():
        best = history["validation_MPJPE"].idxmin()
        first = seed == min(number for name, number in histories if name == model)
        axes.plot(
            history["step"],
            history["validation_MPJPE"],
            color=f"C{models.index(model)}",
            label=model if first else None,
            marker="o",
            markevery=[best],
        )
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:.0f}")
    axes.yaxis.set_minor_formatter("{x:.0f}")
    axes.set_xlabel("training steps")
    axes.set_ylabel("MPJPE on validation clips, mm")
    axes.set_title(f"Profile {profile}: learning curves; the dot marks the lowest value")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    path = results / profile / "figures" / "learning_curves.png"
    with atomic_file(path, "wb") as stream:
        # The version of the drawing library would make equal figures differ.
        figure.savefig(stream, format="png", dpi=120, metadata={"Software": None})
    plt.close(figure)
    return [path]
