"""Whether the files of a prepared set are still those that its data hash was made of.

Opening a set checks what its index says, and the shape and type of every array. Reading all their
bytes takes a second a gigabyte or more, so that is done when it is asked for.
"""

import time
from dataclasses import asdict, dataclass
from typing import Any

from harness.datasets.growing_array import hash_of_array
from harness.datasets.prepared import PreparedSet, data_hash_of
from harness.foundation.errors import CheckFailed


@dataclass(frozen=True)
class Verified:
    """What was read to verify a set.

    Attributes:
        files: number of arrays.
        size: their bytes.
        seconds: time it took.
    """

    files: int
    size: int
    seconds: float


def verify_set(prepared: PreparedSet) -> Verified:
    """Read every array of a prepared set and hold it against the data hash.

    Raises:
        CheckFailed: a file was changed after the set was prepared.
        HarnessError: an array is missing or has another shape.
    """
    begun = time.monotonic()
    manifest = prepared.manifest
    names = ["positions_3d.npy"] if manifest.has_3d else []
    for source, kind in manifest.sources_2d.items():
        prepared.keypoints_2d(source), prepared.confidence(source)  # their shapes
        names.append(f"keypoints_2d/{source}.npy")
        names += [f"confidence/{source}.npy"] if kind.confidence else []
    names += [] if prepared.valid is None else ["valid.npy"]
    names += ["activity.npy"] if manifest.activities else []
    paths = {name: prepared.path / name for name in sorted(names)}
    clips: list[Any] = prepared.clips.to_dict("records")
    found = data_hash_of(
        arrays={name: hash_of_array(path) for name, path in paths.items()},
        clips=clips,
        skeleton=manifest.skeleton,
        sources_2d=manifest.sources_2d,
        cameras=manifest.cameras,
        activities=manifest.activities,
        skeletons=[asdict(item) for item in manifest.skeletons],
    )
    if found != manifest.data_hash:
        raise CheckFailed(
            f"{prepared.path}: data hash {found[:12]}, expected {manifest.data_hash[:12]} as its "
            "manifest says: an array, the clips or the manifest were changed after it was "
            "prepared, so prepare it again and score again what was scored with it"
        )
    size = sum(path.stat().st_size for path in paths.values())
    return Verified(len(paths), size, time.monotonic() - begun)
