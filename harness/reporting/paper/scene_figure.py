"""Figures 6 and 7 of the DG-Net paper: 2D input, prediction, truth, and who listens to whom.

Matrices show what each joint (row) takes from the others (columns), in its own frame (DSG) and in
the frames before and after (DTG). The graph beside them shows one joint's rows on the skeleton,
drawn upright, for in a real pose joints hide each other.
"""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.body.skeleton import Skeleton
from harness.datasets.pose_picture import draw_bones
from harness.foundation.files import atomic_file
from harness.foundation.suggest import unknown_name
from harness.reporting.drawing import save_figure
from harness.reporting.paper.frame_inspection import Floats, Moment, Scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AFFINITY_FOLDER = "affinity"
"""Where the stage `affinity` puts figure 6, inside results/PROFILE; `tables` owns other folders."""
CLIP_FOLDER = "clips"
"""Where `harness figure` puts what it draws of a clip, inside results/PROFILE."""

_KINDS = {
    "spatial": "DSG: same frame",
    "backward": "DTG: frame before",
    "forward": "DTG: frame after",
}
_COLOURS = {"spatial": "tab:green", "backward": "tab:purple", "forward": "tab:orange"}
_BENDS = {"spatial": 0.0, "backward": 0.25, "forward": -0.25}
_USUAL_JOINT = "LWrist"
_MILLISECONDS = 200
_ANIMATION_DPI = 100
_UPRIGHT = {
    **dict.fromkeys(("Hip", "Pelvis"), (0.0, 0.0)),
    "Spine": (0.0, 0.25),
    **dict.fromkeys(("Thorax", "Neck"), (0.0, 0.5)),
    "Neck/Nose": (0.0, 0.62),
    "Head": (0.0, 0.75),
    "HeadTop": (0.0, 0.9),
    "Shoulder": (0.2, 0.5),
    "Elbow": (0.42, 0.42),
    "Wrist": (0.64, 0.3),
    "Hip of a side": (0.14, -0.05),
    "Knee": (0.2, -0.45),
    **dict.fromkeys(("Foot", "Ankle"), (0.24, -0.85)),
}
"""Where joints stand in the graph; those of a side without its letter, seen from behind."""
_LEAST_WEIGHT = 0.01
"""Connections below this share of the largest weight are not drawn in the graph."""


def draw_still(scene: Scene, folder: Path, joint: str | None = None) -> list[Path]:
    """Draw a row a frame and return the PNG and the PDF file.

    Args:
        scene: the frames.
        folder: where to; files are named after the clip.
        joint: whose connections the graph shows; the left wrist unless named.

    Raises:
        HarnessError: there is no such joint, or the place cannot be written.
    """
    panels = _panels(scene, joint)
    rows = len(scene.moments)
    figure, drawn = _figure(rows, len(panels))
    for axes_row, moment in zip(drawn, scene.moments, strict=True):
        for axes, panel in zip(axes_row, panels, strict=True):
            panel(axes, moment)
        axes_row[0].set_ylabel(_when(scene, moment), fontsize=9)
    figure.suptitle(_title(scene), fontsize=10)
    return save_figure(figure, folder / _stem(scene))


def draw_animation(scene: Scene, folder: Path, joint: str | None = None) -> list[Path]:
    """Draw all frames one after the other, five a second, in a loop; return the GIF file.

    Args:
        scene: the frames.
        folder: where to; the file is named after the clip.
        joint: whose connections the graph shows; the left wrist unless named.

    Raises:
        HarnessError: there is no such joint, or the place cannot be written.
    """
    from PIL import Image

    panels = _panels(scene, joint)
    columns = -(-len(panels) // 2) if len(panels) > 3 else len(panels)
    rows = -(-len(panels) // columns)
    images = []
    for moment in scene.moments:
        figure, drawn = _figure(rows, columns)
        for axes, panel in zip(drawn.flat, panels, strict=False):
            panel(axes, moment)
        for axes in drawn.flat[len(panels) :]:
            axes.set_axis_off()
        figure.suptitle(f"{_title(scene)}\n{_when(scene, moment)}", fontsize=9)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=_ANIMATION_DPI)
        images.append(Image.open(buffer).convert("P", palette=Image.Palette.ADAPTIVE))
    path = folder / f"{_stem(scene)}.gif"
    with atomic_file(path, "wb") as stream:
        images[0].save(
            stream,
            format="GIF",
            save_all=True,
            append_images=images[1:],
            duration=_MILLISECONDS,
            loop=0,
        )
    return [path]


def _stem(scene: Scene) -> str:
    return re.sub(r"[^\w.-]+", "_", scene.clip)


def _figure(rows: int, columns: int) -> tuple["Figure", Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height = 3.4 * columns, 3.6 * rows + 0.8
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    figure.subplots_adjust(
        left=0.7 / width,
        right=1 - 0.6 / width,
        bottom=0.7 / height,
        top=1 - 0.8 / height,
        wspace=0.42,
        hspace=0.42,
    )
    return figure, figure.subplots(rows, columns, squeeze=False)


Panel = Callable[[Any, Moment], None]


def _panels(scene: Scene, joint: str | None) -> list[Panel]:
    """Return what draws each panel of a frame; limits are those of all frames."""
    pixels = np.concatenate([moment.keypoints for moment in scene.moments])
    middle, half = _square(pixels)
    poses = np.concatenate(
        [
            pose
            for moment in scene.moments
            for pose in (moment.predicted, moment.truth)
            if pose is not None
        ]
    )
    reach = 1.1 * float(np.abs(poses).max())

    def image(axes: "Axes", moment: Moment) -> None:
        draw_bones(axes, moment.keypoints, scene.layout)
        axes.set(
            xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] + half, middle[1] - half)
        )
        _dress(axes, "2D input, pixels")

    def view(title: str, axis: int) -> Panel:
        def draw(axes: "Axes", moment: Moment) -> None:
            if moment.truth is not None:
                _draw_grey(axes, _seen(moment.truth, axis), scene.skeleton)
            draw_bones(axes, _seen(moment.predicted, axis), scene.skeleton)
            axes.set(xlim=(-reach, reach), ylim=(-reach, reach))
            _dress(axes, title)

        return draw

    panels = [image, view("3D from the front, metres", 0), view("3D from the side, metres", 2)]
    kinds = [kind for kind in _KINDS if kind in scene.moments[0].affinities]
    if not kinds:
        return panels
    weights = [moment.affinities[kind] for moment in scene.moments for kind in kinds]
    largest = max(float(np.abs(matrix).max()) for matrix in weights)
    signed = min(float(matrix.min()) for matrix in weights) < 0
    listener = _listener(scene.skeleton, joint)

    def matrix(kind: str) -> Panel:
        def draw(axes: "Axes", moment: Moment) -> None:
            shown = axes.imshow(
                moment.affinities[kind],
                cmap="RdBu_r" if signed else "Greens",
                vmin=-largest if signed else 0,
                vmax=largest,
                interpolation="nearest",
            )
            names = scene.skeleton.joints
            axes.set_xticks(range(len(names)), names, rotation=90)
            axes.set_yticks(range(len(names)), names)
            axes.tick_params(labelsize=6.5, length=1.5, pad=1)
            axes.get_yticklabels()[listener].set_fontweight("bold")
            axes.set_title(_KINDS[kind], fontsize=9)
            if kind == kinds[0]:
                axes.set_ylabel("takes in", fontsize=8, labelpad=1)
                axes.set_xlabel("is taken in", fontsize=8, labelpad=1)
            if kind == kinds[-1]:
                bar = axes.figure.colorbar(shown, cax=axes.inset_axes((1.03, 0.0, 0.05, 1.0)))
                bar.ax.tick_params(labelsize=7, length=1.5, pad=1)
                bar.set_label("weight", fontsize=8, labelpad=2)

        return draw

    def graph(axes: "Axes", moment: Moment) -> None:
        points = _upright(scene.skeleton)
        if points is None:  # joints of somebody's own
            points = _seen(moment.predicted, 0)
        _draw_grey(axes, points, scene.skeleton)
        for kind in kinds:
            _draw_connections(
                axes, points, moment.affinities[kind][listener], listener, kind, largest
            )
        axes.plot(*points[listener], "o", color="black", markersize=4)
        middle, half = _square(points)
        half *= 1.25  # the legend stands below
        axes.set(
            xlim=(middle[0] - half, middle[0] + half),
            ylim=(middle[1] - 1.2 * half, middle[1] + 0.8 * half),
        )
        axes.legend(fontsize=7, loc="lower left", frameon=False, borderpad=0)
        axes.text(0.03, 0.93, "left", transform=axes.transAxes, fontsize=8)
        axes.text(0.97, 0.93, "right", transform=axes.transAxes, fontsize=8, ha="right")
        _dress(axes, f"What {scene.skeleton.joints[listener]} takes in (rings: itself)")
        axes.set(xticks=[], yticks=[])

    return [*panels, graph, *map(matrix, kinds)]


def _draw_connections(
    axes: "Axes", points: Floats, weights: Floats, listener: int, kind: str, largest: float
) -> None:
    """Draw arrows to a joint from those it listens to, as wide as they weigh; itself as a ring."""
    from matplotlib.patches import FancyArrowPatch

    colour = _COLOURS[kind]
    axes.plot([], [], color=colour, label=_KINDS[kind])
    for sender, weight in enumerate(np.abs(weights) / largest):
        if weight < _LEAST_WEIGHT:
            continue
        if sender == listener:
            size = {"spatial": 8, "backward": 11, "forward": 14}[kind]
            axes.plot(
                *points[listener], "o", mfc="none", mec=colour, markersize=size, mew=2.5 * weight
            )
            continue
        axes.add_patch(
            FancyArrowPatch(
                points[sender],
                points[listener],
                connectionstyle=f"arc3,rad={_BENDS[kind]}",
                arrowstyle="-|>",
                mutation_scale=6,
                linewidth=0.3 + 2.2 * weight,
                color=colour,
                alpha=0.85,
                shrinkA=1,
                shrinkB=3,
            )
        )


def _upright(skeleton: Skeleton) -> Floats | None:
    """Return (joints, 2) places in the graph, or None where a joint is not known there."""
    places = []
    for index, joint in enumerate(skeleton.joints):
        side = (index in skeleton.right) - (index in skeleton.left)
        name = joint[1:] if side else joint
        place = _UPRIGHT.get("Hip of a side" if side and name == "Hip" else name)
        if place is None:
            return None
        places.append((side * place[0] if side else place[0], place[1]))
    return np.array(places)


def _draw_grey(axes: "Axes", points: Floats, skeleton: Skeleton) -> None:
    for edge in skeleton.edges:
        axes.plot(*points[list(edge)].T, "-", color="0.7", linewidth=2.6, solid_capstyle="round")


def _seen(pose: Floats, axis: int) -> Floats:
    """Return (joints, 2): a pose from the front (axis 0) or, depth to the right, the side (2)."""
    return np.stack([pose[:, axis], -pose[:, 1]], axis=-1)


def _square(points: Floats) -> tuple[Floats, float]:
    """Return the middle of all points and half the side of the square around them."""
    low, high = points.min(axis=0), points.max(axis=0)
    return (low + high) / 2, 0.55 * max(float((high - low).max()), 1.0)


def _listener(skeleton: Skeleton, joint: str | None) -> int:
    if joint is None:
        return skeleton.joints.index(_USUAL_JOINT) if _USUAL_JOINT in skeleton.joints else 0
    if joint not in skeleton.joints:
        raise unknown_name(f"joint of {skeleton.name}", joint, skeleton.joints)
    return skeleton.joints.index(joint)


def _dress(axes: "Axes", title: str) -> None:
    axes.set_aspect("equal")
    axes.tick_params(labelsize=7, length=2, pad=1)
    axes.set_title(title, fontsize=9)


def _title(scene: Scene) -> str:
    truth = ", truth grey" if scene.moments[0].truth is not None else ""
    weights = f"; weights of block {scene.block + 1}" if scene.moments[0].affinities else ""
    made_of = f"{scene.dataset}, {scene.clip}, 2D {scene.input_2d}"
    return f"{made_of}\n{scene.model} ({scene.run_id}){weights}; left red, right blue{truth}"


def _when(scene: Scene, moment: Moment) -> str:
    return f"frame {moment.frame} ({moment.frame / scene.fps:.2f} s)"
