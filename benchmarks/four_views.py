"""How far poses lifted from one view of a real person are from four views' triangulation.

Accuracy, not speed. The views are those of the package pose2sim (its Demo_SinglePerson); the
extra `video` finds the landmarks; docs/lift.md says how to get both. Lens distortion is left out:
it is a pixel or two.
"""

import argparse
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.command import parser_of, run
from benchmarks.record import Line
from harness.body.size import leg_length
from harness.body.skeleton import H36M_17
from harness.datasets.derived_joints import mean_weights
from harness.datasets.keypoints.layouts import BLAZEPOSE_33
from harness.datasets.keypoints.mapping import derivations
from harness.datasets.video.detect import TITLE, detect_people
from harness.lifting.checkpoint import CHECKPOINT, load_checkpoint
from harness.prediction.lift_file import LiftOptions, lift_detections
from harness.scoring.procrustes import aligned_distances

MODELS = ("dgnet", "martinez", "videopose3d")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """A calibrated camera: x_camera = rotation (x_world - place), pixels = matrix x_camera."""

    rotation: Floats
    place: Floats
    matrix: Floats

    @property
    def projection(self) -> Floats:
        """(3, 4) from homogeneous world metres to homogeneous pixels."""
        inside = np.column_stack([self.rotation, -self.rotation @ self.place])
        return self.matrix @ inside


def read_views(path: Path) -> dict[str, View]:
    """Read a calibration of Qualisys: lengths in mm, pixels in 64ths, the camera looks along -z."""
    views = {}
    for camera in ElementTree.parse(path).getroot().iter("camera"):
        outer, inner = camera.find("transform"), camera.find("intrinsic")
        if outer is None or inner is None:
            continue
        turn = [[float(outer.attrib[f"r{row}{column}"]) for column in "123"] for row in "123"]
        focal = [float(inner.attrib[f"focalLength{axis}"]) / 64 for axis in "UV"]
        centre = [float(inner.attrib[f"centerPoint{axis}"]) / 64 for axis in "UV"]
        views[camera.attrib["serial"]] = View(
            np.diag([1.0, -1.0, -1.0]) @ np.array(turn),
            np.array([float(outer.attrib[axis]) / 1000 for axis in "xyz"]),
            np.array([[focal[0], 0, centre[0]], [0, focal[1], centre[1]], [0, 0, 1.0]]),
        )
    return views


def triangulated(views: list[View], points: Floats, confidence: Floats) -> tuple[Floats, float]:
    """Return the (frames, joints, 3) metres that points (views, frames, joints, 2) are seen at.

    Each point counts by its confidence (direct linear transformation). The second value is the
    median distance in pixels of what is seen from where that lies in the views.
    """
    rows = []
    for view, seen, sure in zip(views, points, confidence, strict=True):
        for axis in range(2):
            equation = seen[..., axis, None] * view.projection[2] - view.projection[axis]
            rows.append(equation * sure[..., None])
    _, _, directions = np.linalg.svd(np.stack(rows, axis=-2))
    world = directions[..., -1, :3] / directions[..., -1, 3:]
    homogeneous = np.concatenate([world, np.ones((*world.shape[:-1], 1))], axis=-1)
    images = np.stack([homogeneous @ view.projection.T for view in views])
    off = np.linalg.norm(images[..., :2] / images[..., 2:] - points, axis=-1)
    return world, float(np.median(off))


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return errors in mm of poses lifted from each view, and what the truth is worth."""
    views = read_views(arguments.demo / "calibration" / "Calib.qca.txt")
    files = {name: arguments.demo / "videos" / f"{name}.mp4" for name in sorted(views)}
    found = {name: detect_people(path, arguments.detector) for name, path in files.items()}
    points = np.stack([item.points * item.size for item in found.values()])
    confidence = np.stack([item.confidence for item in found.values()])
    seen, off = triangulated([views[name] for name in found], points, confidence)
    everywhere = dict.fromkeys(BLAZEPOSE_33.joints, 1.0)
    chosen = derivations(H36M_17.joints, everywhere, "the four views")
    weights = mean_weights(H36M_17.joints, BLAZEPOSE_33.joints, chosen)
    truth = np.einsum("jm,fmc->fjc", weights, seen)
    lines = [
        Line("triangulation: median distance of landmarks", off, "px"),
        Line("triangulation: leg", float(leg_length(truth, H36M_17) or 0), "m"),
        Line("triangulation: spread of bone lengths", _spread_mm(truth), "mm"),
    ]
    for model in arguments.models[:1] if arguments.smoke else arguments.models:
        lifter, contract = load_checkpoint(arguments.runs / f"{model}-seed0" / CHECKPOINT)
        for name in found:
            options = LiftOptions()
            lifted = lift_detections(files[name], TITLE, found[name], lifter, contract, options)
            (motion,) = lifted.motions.values()
            pose = motion.positions
            in_view = (truth - truth[:, :1]) @ views[name].rotation.T
            errors = {
                "MPJPE": 1000 * float(np.linalg.norm(pose - in_view, axis=-1).mean()),
                "P-MPJPE": 1000 * float(aligned_distances(pose, truth).mean()),
                "spread of bone lengths": _spread_mm(pose),
            }
            lines += [
                Line(f"{model}, {name}: {what}", value, "mm") for what, value in errors.items()
            ]
            leg = float(leg_length(pose, H36M_17) or 0)
            lines.append(Line(f"{model}, {name}: leg", leg, "m"))
    return lines


def _spread_mm(positions: Floats) -> float:
    """Return the standard deviation over time of a bone's length, the mean over bones."""
    parents, children = zip(*H36M_17.edges, strict=True)
    bones = positions[:, list(children)] - positions[:, list(parents)]
    return 1000 * float(np.linalg.norm(bones, axis=-1).std(axis=0).mean())


if __name__ == "__main__":
    parser = parser_of(__doc__)
    parser.add_argument("--demo", type=Path, required=True, help="folder Demo_SinglePerson")
    parser.add_argument("--detector", type=Path, help="model that finds people, as harness lift's")
    parser.add_argument("--runs", type=Path, default=Path("results/quick/runs"))
    parser.add_argument("--models", nargs="+", default=MODELS, help="methods of these runs")
    run("four_views", measure, parser)
