"""A prepared set with one more 2D source: joints derived as `harness lift` derives them.

A lifter that is to lift a detector's joints does better when it was trained on joints derived from
them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.body.camera import Camera, project
from harness.body.skeleton import H36M_17, Skeleton
from harness.datasets.derived_joints import mean_weights
from harness.datasets.keypoints.layouts import BY_COUNT
from harness.datasets.keypoints.mapping import derivations
from harness.datasets.keypoints.seen_joints import seen_joints
from harness.datasets.prepared import Manifest, PreparedSet, Source2D
from harness.datasets.prepared_writer import write_prepared_set
from harness.foundation.errors import HarnessError
from harness.foundation.progress import track
from harness.foundation.suggest import unknown_name

Floats = NDArray[np.floating]

ORDERS = {order.name: order for order in BY_COUNT.values()}
"""The joints of detectors, by name."""


@dataclass(frozen=True)
class Derivation:
    """How the joints of a skeleton are made of those found.

    Attributes:
        weights: (joints of the skeleton, joints found).
        told: which joints are derived, and of which, for people.
    """

    weights: Floats
    told: str

    def points(self, found: Floats) -> Floats:
        """Return (frames, joints of the skeleton, 2) of (frames, joints found, 2)."""
        return np.einsum("jm,fma->fja", self.weights, found)

    def confidence(self, found: Floats) -> Floats:
        """Return (frames, joints): for each the least of the joints that it is derived from."""
        return np.where(self.weights != 0, found[:, None], np.inf).min(axis=-1)


def derivation_of(skeleton: Skeleton, found: Sequence[str], where: str) -> Derivation:
    """Return how to make a skeleton's joints of those found, as `harness lift` makes them.

    Raises:
        HarnessError: a joint cannot be derived.
    """
    chosen = derivations(skeleton.joints, dict.fromkeys(found, 1.0), where)
    told = "; ".join(
        f"{joint} of {', '.join(sources)}" for joint, sources in sorted(chosen.items())
    )
    return Derivation(mean_weights(skeleton.joints, found, chosen), told or "nothing")


def derived_name(source: str, skeleton: Skeleton) -> str:
    """Return what the source is called that holds a skeleton's joints, derived from `source`."""
    return f"{source}_{skeleton.name}"


def derived_note(name: str, derivation: Derivation) -> str:
    """Return what a manifest says of a source of derived joints."""
    return f"2D source {name} is derived (docs/lift.md): {derivation.told}"


@dataclass(frozen=True)
class Found:
    """What a detector found in the clips of a prepared set.

    Attributes:
        name: of the source that is derived from it.
        joints: names of what it found.
        points: gives the (frames, joints, 2) pixels of the rows of a clip and its camera.
        confidence: (rows, joints), or None.
    """

    name: str
    joints: tuple[str, ...]
    points: Callable[[slice, Camera], Floats]
    confidence: NDArray[np.float32] | None = None


def found_on_3d(prepared: PreparedSet, order_name: str) -> Found:
    """Return what a detector would find on the exact 3D of a set (`seen_joints`).

    Args:
        prepared: the set; its 3D must be in the joints of H36M_17.
        order_name: name of the detector's joints, such as "coco_17".

    Raises:
        HarnessError: no detector has such joints, or the set has other ones in 3D.
    """
    if order_name not in ORDERS:
        raise unknown_name("joints of a detector", order_name, ORDERS)
    if prepared.skeleton != H36M_17:
        raise HarnessError(
            f"{prepared.path}: has skeleton {prepared.skeleton.name}, and where detectors' joints "
            f"lie is known in {H36M_17.name} alone; derive from a 2D source of the set (--source)"
        )
    order = ORDERS[order_name]
    there = np.isfinite(seen_joints(prepared.positions_3d[:1], order)[0, :, 0])

    def points(rows: slice, camera: Camera) -> Floats:
        return project(seen_joints(prepared.positions_3d[rows], order)[:, there], camera)

    joints = tuple(joint for joint, known in zip(order.joints, there, strict=True) if known)
    return Found(f"gt_{order.name}", joints, points)


def found_in_source(prepared: PreparedSet, source: str) -> Found:
    """Return what a 2D source of a set holds, whatever its joints.

    Raises:
        HarnessError: there is no such source.
    """
    keypoints = prepared.keypoints_2d(source)
    return Found(
        derived_name(source, prepared.skeleton),
        prepared.layout(source).joints,
        lambda rows, camera: keypoints[rows],
        prepared.confidence(source),
    )


def write_with_derived(prepared: PreparedSet, found: Found, out: Path) -> Manifest:
    """Write a set that has, beside all of `prepared`, a 2D source in the joints of its 3D.

    Args:
        prepared: the set, which is left as it is.
        found: what the source is derived from.
        out: folder of the new set.

    Raises:
        HarnessError: the set has such a source, a joint cannot be derived, or the place cannot be
            written.
    """
    manifest, skeleton = prepared.manifest, prepared.skeleton
    if found.name in manifest.sources_2d:
        raise HarnessError(f"{prepared.path}: has a 2D source {found.name} already")
    derivation = derivation_of(skeleton, found.joints, f"{prepared.path}: {found.name}")
    sure = found.confidence
    layouts = manifest.sources_2d | {
        found.name: Source2D(layout=skeleton.name, exact=False, confidence=sure is not None)
    }
    with write_prepared_set(out, skeleton, manifest.activities) as writer:
        for clip in track(prepared.clips.to_dict("records"), f"deriving {found.name}"):
            rows = slice(clip["first_row"], clip["first_row"] + clip["frames"])
            camera = prepared.camera(clip["camera"])
            keypoints: dict[str, Floats] = {
                source: prepared.keypoints_2d(source)[rows] for source in manifest.sources_2d
            }
            keypoints[found.name] = derivation.points(found.points(rows, camera))
            confidence: dict[str, Floats] = {}
            for source in manifest.sources_2d:
                held = prepared.confidence(source)
                if held is not None:
                    confidence[source] = held[rows]
            if sure is not None:
                confidence[found.name] = derivation.confidence(sure[rows])
            writer.add_clip(
                origin=f"{prepared.path}: clip {clip['clip']}",
                subject=clip["subject"],
                action=clip["action"],
                subaction=clip["subaction"],
                split=clip["split"],
                fps=clip["fps"],
                camera=camera,
                camera_key=clip["camera"],
                positions_3d=prepared.positions_3d[rows] if manifest.has_3d else None,
                keypoints_2d=keypoints,
                layouts=layouts,
                confidence=confidence,
                valid=None if prepared.valid is None else prepared.valid[rows],
                activity=None if prepared.activity is None else prepared.activity[rows],
                image_25d=None if prepared.image_25d is None else prepared.image_25d[rows],
                factor=None if prepared.factor is None else prepared.factor[rows],
            )
        writer.source_files = dict(manifest.source_files)
        writer.notes = [*manifest.notes, derived_note(found.name, derivation)]
        return writer.finish(
            name=manifest.name,
            title=manifest.title,
            licence=manifest.licence,
            citation=manifest.citation,
            importer_version=manifest.importer_version,
            settings=manifest.settings,
        )
