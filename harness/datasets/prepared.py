"""The prepared set: the one form that every data set takes before anything else reads it.

A folder of plain arrays that map straight into memory, and a typed index:

    manifest.json              what it is and what it was made from (class Manifest)
    clips.parquet              a row a clip (CLIP_COLUMNS); a clip is one take seen by one camera
    positions_3d.npy           (rows, joints, 3) float32, camera space, metres
    keypoints_2d/<source>.npy  (rows, layout joints, 2) float32, pixels, one file a 2D source
    confidence/<source>.npy    (rows, layout joints) float32 in [0, 1], where the source has it
    valid.npy                  (rows,) bool: frames to be scored, where the data set says so

A clip owns the rows first_row ... first_row + frames - 1 of every array. No file holds a pickle.
"""

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from harness.body.camera import Camera
from harness.body.skeleton import Skeleton, skeleton_called
from harness.runs.errors import HarnessError
from harness.runs.files import atomic_folder, only_writer, read_json, sha256_of_json, write_json
from harness.runs.suggest import unknown_name

Split = Literal["train", "validation", "test"]

CLIP_COLUMNS = {
    "clip": "int32",
    "subject": "string",
    "action": "string",
    "subaction": "string",
    "camera": "string",
    "split": "string",
    "fps": "float64",
    "first_row": "int64",
    "frames": "int64",
}


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
        data_hash: SHA-256 over all arrays, the clips and the fields above that shape numbers.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    title: str
    skeleton: str
    sources_2d: dict[str, Source2D]
    cameras: dict[str, Camera]
    licence: str
    citation: str
    importer_version: int
    settings: dict[str, Any]
    source_files: dict[str, str]
    notes: list[str]
    data_hash: str


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
        self.skeleton = skeleton_called(self.manifest.skeleton)
        self.clips = self._read_clips()
        self.rows = int(self.clips["frames"].sum())
        self.positions_3d = self._map("positions_3d.npy", (len(self.skeleton), 3))
        self.valid = self._map("valid.npy", ()) if (path / "valid.npy").exists() else None

    @property
    def data_hash(self) -> str:
        """Identity of the data: equal hashes mean equal arrays, clips, cameras and skeleton."""
        return self.manifest.data_hash

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

    def _source(self, source: str) -> Source2D:
        if source not in self.manifest.sources_2d:
            raise unknown_name(
                f"2D source of data set {self.manifest.name}", source, self.manifest.sources_2d
            )
        return self.manifest.sources_2d[source]

    def _read_clips(self) -> pd.DataFrame:
        path = self.path / "clips.parquet"
        try:
            clips = pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise HarnessError(f"{path}: cannot be read ({error}); prepare it again") from error
        if list(clips.columns) != list(CLIP_COLUMNS):
            raise HarnessError(
                f"{path}: has columns {list(clips.columns)}, expected {list(CLIP_COLUMNS)}; "
                "prepare the data set again"
            )
        return clips

    def _map(self, name: str, tail: tuple[int, ...]) -> Any:
        path = self.path / name
        try:
            array = np.lib.format.open_memmap(path, mode="r")
        except (OSError, ValueError) as error:
            raise HarnessError(f"{path}: cannot be read ({error}); prepare it again") from error
        if array.shape != (self.rows, *tail):
            raise HarnessError(
                f"{path}: has shape {array.shape}, expected {(self.rows, *tail)} from "
                "clips.parquet; prepare the data set again"
            )
        return array


@dataclass
class PreparedWriter:
    """Takes clips one by one and streams them into a prepared set; see `write_prepared_set`."""

    folder: Path
    skeleton: Skeleton
    _clips: list[dict[str, Any]] = field(default_factory=list)
    _cameras: dict[str, Camera] = field(default_factory=dict)
    _arrays: dict[str, "_GrowingArray"] = field(default_factory=dict)
    _layouts: dict[str, Source2D] = field(default_factory=dict)
    source_files: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add_clip(
        self,
        *,
        origin: str,
        subject: str,
        action: str,
        subaction: str,
        split: Split,
        fps: float,
        camera: Camera,
        camera_key: str,
        positions_3d: NDArray[np.floating],
        keypoints_2d: Mapping[str, NDArray[np.floating]],
        layouts: Mapping[str, Source2D],
        confidence: Mapping[str, NDArray[np.floating]] | None = None,
        valid: NDArray[np.bool_] | None = None,
    ) -> None:
        """Append a clip.

        Args:
            origin: the file and entry that the clip comes from; errors name it.
            subject: whose motion it is.
            action: the exact action name that protocols average over.
            subaction: the take, unique with subject, action and camera.
            split: train, validation or test.
            fps: frames a second.
            camera: the camera that saw it.
            camera_key: identity of the camera in this set, such as "S1/54138969".
            positions_3d: (frames, joints, 3) camera space, metres.
            keypoints_2d: by 2D source, (frames, layout joints, 2) pixels.
            layouts: by 2D source, its layout and kind; the same for every clip.
            confidence: by 2D source that has it, (frames, layout joints) in [0, 1].
            valid: (frames,) frames to be scored; all clips of a set have it or none has.

        Raises:
            HarnessError: shapes disagree, a value is not finite, a clip is empty or comes twice.
        """
        frames = len(positions_3d)
        if frames == 0:
            raise HarnessError(f"{origin}: has no frames; remove it or export it again")
        if not fps > 0:
            raise HarnessError(f"{origin}: frame rate is {fps}, expected a positive number")
        arrays: dict[str, NDArray[Any]] = {}
        arrays["positions_3d.npy"] = _checked(
            origin, "3D positions", positions_3d, (frames, len(self.skeleton), 3)
        )
        for source, layout in layouts.items():
            if self._layouts.setdefault(source, layout) != layout:
                raise HarnessError(f"{origin}: 2D source {source} differs from earlier clips'")
            joints = len(skeleton_called(layout.layout))
            what = f"2D keypoints '{source}'"
            arrays[f"keypoints_2d/{source}.npy"] = _checked(
                origin, what, keypoints_2d[source], (frames, joints, 2)
            )
            if layout.confidence:
                arrays[f"confidence/{source}.npy"] = _checked(
                    origin, f"confidence of {what}", (confidence or {})[source], (frames, joints)
                )
        if valid is not None:
            if valid.shape != (frames,):
                raise HarnessError(f"{origin}: {valid.shape} valid flags for {frames} frames")
            arrays["valid.npy"] = np.asarray(valid, dtype=bool)
        if self._clips and arrays.keys() != self._arrays.keys():
            odd = sorted(arrays.keys() ^ self._arrays.keys())
            raise HarnessError(f"{origin}: {', '.join(odd)} is there for some clips, not for all")
        identity = {
            "subject": subject,
            "action": action,
            "subaction": subaction,
            "camera": camera_key,
        }
        if any(identity.items() <= clip.items() for clip in self._clips):
            raise HarnessError(f"{origin}: clip {' '.join(identity.values())} comes twice")
        if self._cameras.setdefault(camera_key, camera) != camera:
            raise HarnessError(f"{origin}: camera {camera_key} differs from earlier clips'")
        first_row = self._clips[-1]["first_row"] + self._clips[-1]["frames"] if self._clips else 0
        for name, array in arrays.items():
            if name not in self._arrays:
                self._arrays[name] = _GrowingArray(self.folder / name, array)
            self._arrays[name].append(array)
        self._clips.append(
            {
                "clip": len(self._clips),
                **identity,
                "split": split,
                "fps": float(fps),
                "first_row": first_row,
                "frames": frames,
            }
        )

    def finish(self, **manifest: Any) -> Manifest:
        """Close the arrays, write the clips and the manifest, and return the manifest."""
        if not self._clips:
            raise HarnessError("no clips were found; check the folder given with --raw")
        hashes = {name: array.close() for name, array in sorted(self._arrays.items())}
        clips = pd.DataFrame(self._clips)[list(CLIP_COLUMNS)].astype(CLIP_COLUMNS)
        clips.to_parquet(self.folder / "clips.parquet", index=False)
        shaping = {
            "arrays": hashes,
            "clips": self._clips,
            "skeleton": self.skeleton.name,
            "sources_2d": {name: item.model_dump() for name, item in self._layouts.items()},
            "cameras": {key: camera.model_dump() for key, camera in self._cameras.items()},
        }
        result = Manifest(
            skeleton=self.skeleton.name,
            sources_2d=self._layouts,
            cameras=self._cameras,
            source_files=dict(sorted(self.source_files.items())),
            notes=self.notes,
            data_hash=sha256_of_json(shaping),
            **manifest,
        )
        write_json(self.folder / "manifest.json", result.model_dump(mode="json"))
        return result


@contextlib.contextmanager
def write_prepared_set(path: Path, skeleton: Skeleton) -> Iterator[PreparedWriter]:
    """Yield a writer into a temporary folder that becomes `path` when the block ends well.

    The block must call `finish` last. A killed or failed import leaves `path` as it was.

    Raises:
        HarnessError: another process prepares the same set, or the place cannot be written.
    """
    with only_writer(path), atomic_folder(path) as folder:
        yield PreparedWriter(folder, skeleton)


def _checked(
    origin: str, what: str, array: NDArray[np.floating], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    if array.shape != shape:
        raise HarnessError(f"{origin}: {what} have shape {array.shape}, expected {shape}")
    single = np.ascontiguousarray(array, dtype=np.float32)
    finite = np.isfinite(single)
    if not finite.all():
        frame, *rest = np.argwhere(~finite)[0]
        raise HarnessError(
            f"{origin}: {what} hold NaN or infinity, first at frame {frame}, joint {rest[0]}; "
            "every coordinate must be finite, so repair or drop those frames"
        )
    return single


class _GrowingArray:
    """A .npy file that grows by appending; its header is completed on closing."""

    _HEADER_BYTES = 128

    def __init__(self, path: Path, like: NDArray[Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._dtype, self._tail, self._rows = like.dtype, like.shape[1:], 0
        self._hash = hashlib.sha256()
        self._stream: IO[bytes] = path.open("wb")
        self._stream.write(b" " * self._HEADER_BYTES)

    def append(self, array: NDArray[Any]) -> None:
        data = np.ascontiguousarray(array, dtype=self._dtype).tobytes()
        self._stream.write(data)
        self._hash.update(data)
        self._rows += len(array)

    def close(self) -> str:
        """Write the header (.npy format 1.0) and return the SHA-256 of header and data."""
        shape = (self._rows, *self._tail)
        entries = f"{{'descr': '{self._dtype.str}', 'fortran_order': False, 'shape': {shape}, }}"
        prefix = b"\x93NUMPY\x01\x00"
        room = self._HEADER_BYTES - len(prefix) - 2
        header = prefix + room.to_bytes(2, "little") + entries.ljust(room - 1).encode() + b"\n"
        self._stream.seek(0)
        self._stream.write(header)
        self._stream.close()
        self._hash.update(header)
        return self._hash.hexdigest()
