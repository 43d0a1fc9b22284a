"""Data of one's own, in a neutral layout: dataset.json and an .npz file of plain arrays a clip."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.body.camera import Camera, project, world_to_camera
from harness.body.skeleton import Skeleton, skeleton_called
from harness.datasets.custom.description import (
    FILE_NAME,
    ClipDescription,
    Description,
    read_description,
)
from harness.datasets.custom.detections import (
    CustomSettings,
    prepare_detections,
    written_by_detector,
)
from harness.datasets.files.keypoints_npz import check_finite
from harness.datasets.files.safe_npz import npz_keys, read_npz
from harness.datasets.importers import Importer
from harness.datasets.keypoints.derived_source import (
    Derivation,
    derivation_of,
    derived_name,
    derived_note,
)
from harness.datasets.prepared import Manifest, Source2D
from harness.datasets.prepared_writer import PreparedWriter, write_prepared_set
from harness.foundation.errors import HarnessError
from harness.foundation.files import sha256_of_file
from harness.foundation.progress import track

_GT = "gt"


def prepare(raw: Path | None, out: Path, settings: CustomSettings) -> Manifest:
    """Import the data set that `raw`/dataset.json describes into the prepared set `out`.

    Without a dataset.json, `raw` holds what a 2D detector wrote: see `prepare_detections`.

    Raises:
        HarnessError: the description or a file is missing, wrong, damaged or unsafe.
    """
    if raw is None:
        raise HarnessError("custom is made from your own files: give their folder with --raw")
    if not (raw / FILE_NAME).exists() and written_by_detector(raw):
        return prepare_detections(raw, out, settings, IMPORTER.version)
    if settings != CustomSettings():
        raise HarnessError(f"{raw}: options are for what detectors wrote; {FILE_NAME} says all")
    description, skeleton = read_description(raw)
    cameras = {name: item.camera(name) for name, item in description.cameras.items()}
    derived = _derived(description, skeleton)
    with write_prepared_set(out, skeleton) as writer:
        for clip in track(description.clips, f"importing {description.title}"):
            camera = cameras[clip.camera]
            _add(writer, raw / clip.file, clip, description, skeleton, camera, derived)
        for name in {FILE_NAME, *(clip.file for clip in description.clips)}:
            writer.source_files[name] = sha256_of_file(raw / name)
        writer.notes = [
            derived_note(derived_name(source, skeleton), how) for source, how in derived.items()
        ]
        return writer.finish(
            name=description.name,
            title=description.title,
            licence=description.licence,
            citation=description.citation,
            importer_version=IMPORTER.version,
            settings=settings.model_dump(mode="json"),
        )


def _derived(description: Description, skeleton: Skeleton) -> dict[str, Derivation]:
    """Return how the joints of 3D are derived from each 2D source that lacks some of them.

    Graph networks predict the joints that they take. Sources of which a joint cannot be derived, or
    that have a derived one beside them already, are left as they are.
    """
    derived = {}
    for name, source in description.sources_2d.items():
        joints = skeleton_called(source.layout).joints
        if set(skeleton.joints) <= set(joints):
            continue
        if derived_name(name, skeleton) in description.sources_2d:
            continue
        with contextlib.suppress(HarnessError):
            derived[name] = derivation_of(skeleton, joints, name)
    return derived


def _add(
    writer: PreparedWriter,
    path: Path,
    clip: ClipDescription,
    description: Description,
    skeleton: Skeleton,
    camera: Camera,
    derived: Mapping[str, Derivation],
) -> None:
    layouts = {
        name: Source2D(layout=item.layout, exact=item.exact, confidence=item.confidence)
        for name, item in description.sources_2d.items()
    }
    held = _read(path, _expected_keys(description))
    positions = held.get("positions_3d")
    keypoints = {name: held[f"keypoints_2d/{name}"] for name in layouts}
    confidence = {
        name: held[f"confidence/{name}"] for name, item in layouts.items() if item.confidence
    }
    if positions is not None:
        positions = positions.astype(np.float64)
        check_finite(str(path), "3D positions", positions)
        if description.space == "world":
            positions = world_to_camera(positions, camera)
        if _GT not in layouts:
            layouts[_GT] = Source2D(layout=skeleton.name, exact=True, confidence=False)
            keypoints[_GT] = project(positions, camera)
    for name, how in derived.items():
        target = derived_name(name, skeleton)
        layouts[target] = Source2D(layout=skeleton.name, exact=False, confidence=name in confidence)
        keypoints[target] = how.points(keypoints[name])
        if name in confidence:
            confidence[target] = how.confidence(confidence[name])
    writer.add_clip(
        origin=str(path),
        subject=clip.subject,
        action=clip.action,
        subaction=clip.subaction,
        split=clip.split,
        fps=clip.fps or description.fps,
        camera=camera,
        camera_key=clip.camera,
        positions_3d=positions,
        keypoints_2d=keypoints,
        layouts=layouts,
        confidence=confidence,
        valid=held["valid"].astype(bool) if "valid" in held else None,
    )


def _expected_keys(description: Description) -> dict[str, int]:
    """Return the number of dimensions of every array that a clip's file must hold."""
    keys = {} if description.space == "none" else {"positions_3d": 3}
    for name, item in description.sources_2d.items():
        keys[f"keypoints_2d/{name}"] = 3
        if item.confidence:
            keys[f"confidence/{name}"] = 2
    return keys


def _read(path: Path, expected: dict[str, int]) -> dict[str, NDArray[Any]]:
    """Read the expected arrays and, where it is there, "valid"; anything else is refused."""
    if not path.is_file():
        raise HarnessError(f"{path}: no such file, but {FILE_NAME} lists it")
    held = npz_keys(path)
    unknown = sorted(set(held) - {*expected, "valid"})
    if unknown:
        raise HarnessError(
            f"{path}: has the entry '{unknown[0]}', which {FILE_NAME} does not announce (expected "
            f"{', '.join(expected)}, and valid where frames are left out)"
        )
    arrays = {}
    for key in (*expected, *({"valid"} & set(held))):
        values = np.asarray(read_npz(path, key))
        dimensions = expected.get(key, 1)
        if values.dtype.kind not in "biuf" or values.ndim != dimensions:
            raise HarnessError(
                f"{path}: entry '{key}' is {values.ndim}-dimensional of type {values.dtype}, "
                f"expected numbers in {dimensions} dimensions, frames first"
            )
        arrays[key] = values
    return arrays


IMPORTER = Importer(
    name="custom",
    title="Data of your own",
    needs_raw=True,
    settings=CustomSettings,
    prepare=prepare,
    licence="yours; dataset.json says it",
    how_to_get="a folder with dataset.json and an .npz file a clip, or with what a 2D detector "
    "wrote, see docs/data.md",
    version=2,
)
