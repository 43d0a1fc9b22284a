"""A picture of a few poses of a prepared set: as the cameras saw them, and in 3D from the side."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.body.skeleton import Skeleton
from harness.datasets.prepared import PreparedSet
from harness.foundation.files import atomic_file

if TYPE_CHECKING:
    import pandas as pd

LEFT, RIGHT, MIDDLE = "tab:red", "tab:blue", "0.25"


def save_pose_picture(
    prepared: PreparedSet, path: Path, *, columns: int = 6, clips: "pd.DataFrame | None" = None
) -> Path:
    """Draw one frame of each of a few clips and write a PNG file.

    Each column is a clip, taken at its middle frame: above the joints of every 2D source in a
    square cut from the camera's image, below the 3D pose, where there is one, as seen from the
    camera's right, with depth to the right. The left side is red, the right side blue, other
    sources than exact ones are green crosses.

    Args:
        prepared: the prepared set.
        path: the file to write.
        columns: number of clips.
        clips: rows of `prepared.clips` to draw; by default clips spread over actions and cameras.

    Returns:
        `path`.

    Raises:
        HarnessError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    chosen = _spread(prepared.clips, columns) if clips is None else clips.head(columns)
    figure = Figure(figsize=(2.6 * len(chosen), 5.8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, len(chosen), squeeze=False)
    for column, (_, clip) in enumerate(chosen.iterrows()):
        row = int(clip["first_row"]) + int(clip["frames"]) // 2
        _draw_image(axes[0, column], prepared, clip, row)
        if prepared.manifest.has_3d:
            _draw_side(axes[1, column], prepared, row)
        else:
            axes[1, column].set_axis_off()
    figure.suptitle(
        f"{prepared.manifest.title}: left red, right blue; below: from the camera's right, metres"
    )
    with atomic_file(path, "wb") as stream:
        figure.savefig(stream, format="png", dpi=90)
    return path


def _spread(clips: "pd.DataFrame", count: int) -> "pd.DataFrame":
    """Choose clips by turns from every action, and of one action after another another view."""
    groups = [group.index for _, group in clips.groupby("action", sort=True)]
    chosen = [
        group[(number + turn) % len(group)]
        for turn in range(max(map(len, groups)))
        for number, group in enumerate(groups)
        if turn < len(group)
    ]
    return clips.loc[chosen[:count]]


def _draw_image(axes: Any, prepared: PreparedSet, clip: "pd.Series", row: int) -> None:
    shown = np.concatenate(
        [prepared.keypoints_2d(name)[row] for name in prepared.manifest.sources_2d]
    )
    for source, kind in prepared.manifest.sources_2d.items():
        points = prepared.keypoints_2d(source)[row]
        if kind.exact:
            draw_bones(axes, points, prepared.layout(source))
        else:
            axes.plot(*points.T, "+", color="tab:green", markersize=5, label=source)
    (left, top), (right, bottom) = shown.min(axis=0), shown.max(axis=0)
    half = 0.6 * max(right - left, bottom - top, 1.0)
    x, y = (left + right) / 2, (top + bottom) / 2
    axes.set(xlim=(x - half, x + half), ylim=(y + half, y - half), aspect="equal")
    axes.tick_params(labelsize=6)
    axes.set_title(f"{clip['action']} ({clip['subaction']})\n{clip['camera']}", fontsize=8)


def _draw_side(axes: Any, prepared: PreparedSet, row: int) -> None:
    pose = prepared.positions_3d[row]
    pose = pose - pose[prepared.skeleton.root]
    draw_bones(axes, np.stack([pose[:, 2], -pose[:, 1]], axis=-1), prepared.skeleton)
    axes.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal")
    axes.tick_params(labelsize=6)


def draw_bones(axes: Any, points: NDArray[np.floating], skeleton: Skeleton) -> None:
    """Draw (joints, 2) points as bones, left and right in their colours."""
    for parent, child in skeleton.edges:
        colour = LEFT if child in skeleton.left else RIGHT if child in skeleton.right else MIDDLE
        axes.plot(*points[[parent, child]].T, "-", color=colour, linewidth=1.8)
