"""The prepared set: the one form that every data set takes before anything else reads it.

A folder of plain arrays that map straight into memory, and a typed index:

    manifest.json              what it is and what it was made from (class Manifest)
    clips.parquet              a row a clip (CLIP_COLUMNS); a clip is one take seen by one camera
    positions_3d.npy           (rows, joints, 3) float32, camera space, metres; none in a 2D set
    keypoints_2d/<source>.npy  (rows, layout joints, 2) float32, pixels, one file a 2D source
    confidence/<source>.npy    (rows, layout joints) float32 in [0, 1], where the source has it
    image_25d.npy              (rows, joints, 3) float64, millimetres: 2.5D truth, where a file of
                               MotionBERT's family gives it instead of camera space
    factor.npy                 (rows,) float64, millimetres a pixel, with image_25d.npy
    valid.npy                  (rows,) bool: frames to be scored, where the data set says so
    activity.npy               (rows,) uint8: what is done, an index into the manifest's activities,
                               where that changes within a clip

A clip owns the rows first_row ... first_row + frames - 1 of every array. No file holds a pickle.
"""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from harness.body.camera import Camera
from harness.body.skeleton import Skeleton, register_skeleton, skeleton_called
from harness.datasets.clip_table import Split as Split
from harness.datasets.clip_table import read_clips
from harness.datasets.growing_array import map_array
from harness.foundation.errors import HarnessError
from harness.foundation.files import read_json, sha256_of_json
from harness.foundation.settings import Name
from harness.foundation.suggest import unknown_name


class Source2D(BaseModel):
    """A source of 2D keypoints: ground truth or one detector."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: str
    exact: bool
    confidence: bool


class Manifest(BaseModel):
    """What a prepared set is, and what it was made from.

    Attributes:
        name: the data set's name, such as "h36m".
        title: how tables call it.
        skeleton: name of the 3D skeleton.
        sources_2d: the 2D sources by name.
        cameras: every camera by the key that clips use.
        licence: what may be done with the data, in one line.
        citation: the line to print wherever numbers made from it are published.
        importer_version: version of the importer that wrote it.
        settings: the importer's settings.
        source_files: SHA-256 of each file it was made from, by path below the raw folder.
        notes: what the importer left out or mended, a line each.
        has_3d: whether there are 3D positions; without, clips can only be predicted.
        activities: what the numbers in activity.npy stand for; frames of the empty name have none.
        skeletons: the skeletons used that are not built in.
        data_hash: SHA-256 over all arrays, the clips and the fields above that shape numbers.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    title: str
    skeleton: str
    sources_2d: dict[Name, Source2D]
    cameras: dict[str, Camera]
    licence: str
    citation: str
    importer_version: int
    settings: dict[str, Any]
    source_files: dict[str, str]
    notes: list[str]
    has_3d: bool = True
    activities: list[str] = []
    skeletons: list[Skeleton] = []
    data_hash: str


def data_hash_of(
    *,
    arrays: Mapping[str, str],
    clips: Sequence[Mapping[str, Any]],
    skeleton: str,
    sources_2d: Mapping[str, Source2D],
    cameras: Mapping[str, Camera],
    activities: Sequence[str],
    skeletons: Sequence[Mapping[str, Any]],
) -> str:
    """Return the identity of a set: of its arrays, clips, cameras and joints.

    Args:
        arrays: SHA-256 of each array by its name.
        clips: the table of clips, row by row.
        skeleton: name of the 3D skeleton.
        sources_2d: the 2D sources by name.
        cameras: the cameras by the key that clips use.
        activities: names that the numbers in activity.npy stand for.
        skeletons: the skeletons used that are not built in.
    """
    shaping: dict[str, Any] = {
        "arrays": arrays,
        "clips": clips,
        "skeleton": skeleton,
        "sources_2d": {name: item.model_dump() for name, item in sources_2d.items()},
        "cameras": {key: camera.model_dump() for key, camera in cameras.items()},
    }
    if activities:
        shaping["activities"] = list(activities)
    if skeletons:
        shaping["skeletons"] = list(skeletons)
    return sha256_of_json(shaping)


class PreparedSet:
    """A prepared set opened for reading; arrays are mapped, not loaded."""

    def __init__(self, path: Path) -> None:
        """Open the prepared set in folder `path`.

        Raises:
            HarnessError: there is none, or its files do not fit together.
        """
        self.path = path
        if not (path / "manifest.json").exists():
            raise HarnessError(
                f"{path}: is not a prepared data set (no manifest.json); "
                "make one with 'harness data prepare NAME'"
            )
        try:
            self.manifest = Manifest.model_validate(read_json(path / "manifest.json"))
        except ValidationError as error:
            raise HarnessError(
                f"{path / 'manifest.json'}: is not a manifest this version reads "
                f"({error.errors()[0]['msg']}); prepare the data set again"
            ) from error
        for skeleton in self.manifest.skeletons:
            register_skeleton(skeleton)
        self.skeleton = skeleton_called(self.manifest.skeleton)
        self.clips = self._read_clips()
        self.rows = int(self.clips["frames"].sum())
        self._positions_3d = (
            self._map("positions_3d.npy", (len(self.skeleton), 3)) if self.manifest.has_3d else None
        )
        self.valid = self._map("valid.npy", (), np.bool_) if (path / "valid.npy").exists() else None
        self.activity = self._read_activity() if self.manifest.activities else None
        self.image_25d: NDArray[np.float64] | None = None
        self.factor: NDArray[np.float64] | None = None
        if (path / "image_25d.npy").exists():
            self.image_25d = self._map("image_25d.npy", (len(self.skeleton), 3), np.float64)
            self.factor = self._map("factor.npy", (), np.float64)

    @property
    def data_hash(self) -> str:
        """Identity of the data: equal hashes mean equal arrays, clips, cameras and skeleton."""
        return self.manifest.data_hash

    @property
    def positions_3d(self) -> NDArray[np.float32]:
        """The mapped 3D positions: (rows, joints, 3), camera space, metres.

        Raises:
            HarnessError: the set holds 2D only.
        """
        if self._positions_3d is None:
            if self.image_25d is not None:
                raise HarnessError(
                    f"{self.path}: {self.manifest.title} has no positions in camera space, only "
                    "the 2.5D truth of MotionBERT's family; score it under h36m17-motionbert25d"
                )
            raise HarnessError(
                f"{self.path}: {self.manifest.title} has 2D only; it can be predicted, "
                "neither trained nor scored on"
            )
        return self._positions_3d

    def layout(self, source: str) -> Skeleton:
        """Return the joints of a 2D source."""
        return skeleton_called(self._source(source).layout)

    def keypoints_2d(self, source: str) -> NDArray[np.float32]:
        """Map the keypoints of a 2D source: (rows, layout joints, 2), pixels."""
        return self._map(f"keypoints_2d/{source}.npy", (len(self.layout(source)), 2))

    def confidence(self, source: str) -> NDArray[np.float32] | None:
        """Map the confidence of a 2D source, (rows, layout joints), or None where it has none."""
        if not self._source(source).confidence:
            return None
        return self._map(f"confidence/{source}.npy", (len(self.layout(source)),))

    def camera(self, key: str) -> Camera:
        """Return the camera that clips call `key`."""
        return self.manifest.cameras[key]

    def select(
        self,
        split: Split | None = None,
        *,
        subjects: Sequence[str] | None = None,
        actions: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """Return the clips of a split, of some subjects, of some actions (all matched exactly).

        Raises:
            HarnessError: a subject or action does not exist, or no clip is left.
        """
        chosen = self.clips
        if split is not None:
            chosen = chosen[chosen["split"] == split]
        for column, names in (("subject", subjects), ("action", actions)):
            if names is not None:
                for name in names:
                    if name not in set(self.clips[column]):
                        raise unknown_name(column, name, set(self.clips[column]))
                chosen = chosen[chosen[column].isin(names)]
        if chosen.empty:
            raise HarnessError(
                f"{self.path}: no clips left (split {split}, subjects {subjects}, "
                f"actions {actions}); see 'harness data inspect {self.manifest.name}'"
            )
        return chosen

    def part(self, clips: pd.DataFrame) -> "PreparedSet":
        """Return this set with `clips` alone, which may own fewer rows than they do here.

        Arrays and `data_hash` stay those of the whole set.
        """
        part = copy.copy(self)
        part.clips = clips
        return part

    def _source(self, source: str) -> Source2D:
        if source not in self.manifest.sources_2d:
            raise unknown_name(
                f"2D source of data set {self.manifest.name}", source, self.manifest.sources_2d
            )
        return self.manifest.sources_2d[source]

    def _read_clips(self) -> pd.DataFrame:
        path = self.path / "clips.parquet"
        clips = read_clips(path, "prepare it again")
        unknown = sorted(set(clips["camera"]) - self.manifest.cameras.keys())
        if unknown:
            raise HarnessError(
                f"{path}: names camera {unknown[0]}, which manifest.json has not; "
                "prepare the data set again"
            )
        if list(clips["clip"]) != list(range(len(clips))):
            raise HarnessError(f"{path}: does not number the clips from 0; prepare it again")
        return clips

    def _read_activity(self) -> NDArray[np.uint8]:
        activity: NDArray[np.uint8] = self._map("activity.npy", (), np.uint8)
        if activity.max() >= len(self.manifest.activities):
            raise HarnessError(
                f"{self.path / 'activity.npy'}: has activity {activity.max()}, but manifest.json "
                f"names {len(self.manifest.activities)}; prepare the data set again"
            )
        return activity

    def _map(self, name: str, tail: tuple[int, ...], dtype: type = np.float32) -> Any:
        shape = (self.rows, *tail)
        return map_array(self.path / name, shape, np.dtype(dtype), "prepare it again")
