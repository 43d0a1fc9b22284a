"""Writing a prepared set: clips stream into growing arrays, whatever their number.

A killed or failed import leaves an older set of the same place as it was.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.body.camera import Camera
from harness.body.skeleton import Skeleton, is_built_in, skeleton_called
from harness.datasets.clip_table import CLIP_COLUMNS, name_problem, write_clips
from harness.datasets.growing_array import GrowingArray
from harness.datasets.plausible_2d import SourceCounts, check_2d
from harness.datasets.plausible_3d import check_3d
from harness.datasets.prepared import Manifest, Source2D, Split, data_hash_of
from harness.foundation.errors import HarnessError
from harness.foundation.files import atomic_folder, only_writer, write_json

_TOLD_NOTES = 3


@dataclass
class PreparedWriter:
    """Takes clips one by one and streams them into a prepared set; see `write_prepared_set`."""

    folder: Path
    skeleton: Skeleton
    activities: Sequence[str] = ()
    _clips: list[dict[str, Any]] = field(default_factory=list)
    _cameras: dict[str, Camera] = field(default_factory=dict)
    _arrays: dict[str, GrowingArray] = field(default_factory=dict)
    _layouts: dict[str, Source2D] = field(default_factory=dict)
    _counts: dict[str, SourceCounts] = field(default_factory=dict)
    _odd: dict[str, list[str]] = field(default_factory=dict)
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
        positions_3d: NDArray[np.floating] | None,
        keypoints_2d: Mapping[str, NDArray[np.floating]],
        layouts: Mapping[str, Source2D],
        confidence: Mapping[str, NDArray[np.floating]] | None = None,
        valid: NDArray[np.bool_] | None = None,
        activity: NDArray[np.integer] | None = None,
        image_25d: NDArray[np.floating] | None = None,
        factor: NDArray[np.floating] | None = None,
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
            positions_3d: (frames, joints, 3) camera space, metres; None in a set of 2D only.
            keypoints_2d: by 2D source, (frames, layout joints, 2) pixels.
            layouts: by 2D source, its layout and kind; the same for every clip.
            confidence: by 2D source that has it, (frames, layout joints) in [0, 1].
            valid: (frames,) frames to be scored; all clips of a set have it or none has.
            activity: (frames,) indices into the set's activities; likewise.
            image_25d: (frames, joints, 3) millimetres, 2.5D truth in place of `positions_3d`.
            factor: (frames,) millimetres a pixel, above 0; with `image_25d`.

        Raises:
            HarnessError: shapes disagree, a value is not finite or out of its range, a clip is
                empty or comes twice, 3D or 2D cannot be what it is taken for (`check_3d`,
                `check_2d`).
        """
        frames = len(next(iter(keypoints_2d.values())) if positions_3d is None else positions_3d)
        if frames == 0:
            raise HarnessError(f"{origin}: has no frames; remove it or export it again")
        if not fps > 0:
            raise HarnessError(f"{origin}: frame rate is {fps}, expected a positive number")
        arrays: dict[str, NDArray[Any]] = {}
        if positions_3d is not None:
            arrays["positions_3d.npy"] = _checked(
                origin, "3D positions", positions_3d, (frames, len(self.skeleton), 3)
            )
            # Before its projection is looked at: what is behind the camera has none.
            counted = valid if valid is not None and valid.shape == (frames,) else None
            scored = np.ones(frames, dtype=bool) if counted is None else counted.astype(bool)
            for note in check_3d(origin, arrays["positions_3d.npy"], self.skeleton, camera, scored):
                self._odd.setdefault(f"{subject}: {note}", []).append(origin)
        if image_25d is not None and factor is not None:
            arrays |= _image_truth(origin, image_25d, factor, (frames, len(self.skeleton), 3))
        for source, layout in layouts.items():
            if self._layouts.setdefault(source, layout) != layout:
                raise HarnessError(f"{origin}: 2D source {source} differs from earlier clips'")
            joints = len(skeleton_called(layout.layout))
            what = f"2D keypoints '{source}'"
            arrays[f"keypoints_2d/{source}.npy"] = _checked(
                origin, what, keypoints_2d[source], (frames, joints, 2)
            )
            if layout.confidence:
                sure = _checked(
                    origin, f"confidence of {what}", (confidence or {})[source], (frames, joints)
                )
                if sure.min() < 0 or sure.max() > 1:
                    raise HarnessError(
                        f"{origin}: confidence of {what} is from {sure.min():g} to {sure.max():g}, "
                        "expected 0 to 1; scale it"
                    )
                arrays[f"confidence/{source}.npy"] = sure
        for name, flags, kind in (("valid", valid, np.bool_), ("activity", activity, np.uint8)):
            if flags is not None:
                if flags.shape != (frames,):
                    raise HarnessError(f"{origin}: {flags.shape} {name} flags for {frames} frames")
                arrays[f"{name}.npy"] = np.asarray(flags, dtype=kind)
        if self._clips and arrays.keys() != self._arrays.keys():
            odd = sorted(arrays.keys() ^ self._arrays.keys())
            raise HarnessError(f"{origin}: {', '.join(odd)} is there for some clips, not for all")
        identity = {
            "subject": subject,
            "action": action,
            "subaction": subaction,
            "camera": camera_key,
        }
        for column, name in identity.items():
            if problem := name_problem(column, name):
                raise HarnessError(f"{origin}: {problem}; name it otherwise")
        if any(identity.items() <= clip.items() for clip in self._clips):
            raise HarnessError(f"{origin}: clip {' '.join(identity.values())} comes twice")
        if self._cameras.setdefault(camera_key, camera) != camera:
            raise HarnessError(f"{origin}: camera {camera_key} differs from earlier clips'")
        scored = np.ones(frames, dtype=bool) if valid is None else arrays["valid.npy"]
        self._check_keypoints(origin, arrays, scored, camera)
        first_row = self._clips[-1]["first_row"] + self._clips[-1]["frames"] if self._clips else 0
        for name, array in arrays.items():
            if name not in self._arrays:
                self._arrays[name] = GrowingArray(self.folder / name, array)
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

    def _check_keypoints(
        self,
        origin: str,
        arrays: Mapping[str, NDArray[Any]],
        scored: NDArray[np.bool_],
        camera: Camera,
    ) -> None:
        """Look at what a clip's keypoints say, once their shapes are right."""
        truth = next((name for name, kind in self._layouts.items() if kind.exact), None)
        for source, kind in self._layouts.items():
            points = arrays[f"keypoints_2d/{source}.npy"]
            exact = None
            if truth is not None and not kind.exact and kind.layout == self._layouts[truth].layout:
                exact = arrays[f"keypoints_2d/{truth}.npy"][scored]
            check_2d(origin, source, points[scored], camera, exact)
            sure = arrays.get(f"confidence/{source}.npy")
            counts = self._counts.setdefault(source, SourceCounts())
            counts.add(points[scored], None if sure is None else sure[scored], camera)

    @property
    def splits(self) -> set[Split]:
        """The splits that have a clip so far."""
        return {clip["split"] for clip in self._clips}

    def finish(self, **manifest: Any) -> Manifest:
        """Close the arrays, write the clips and the manifest, and return the manifest.

        Raises:
            HarnessError: there is no clip, or most of a 2D source is no detection.
        """
        if not self._clips:
            if self.notes:
                told = "; ".join(self.notes[-_TOLD_NOTES:])
                raise HarnessError(f"nothing is left to import: {told}")
            raise HarnessError("no clips were found; check the folder given with --raw")
        self.notes.extend(_portraits(self._cameras.values()))
        for note, origins in self._odd.items():
            self.notes.append(f"{note} ({origins[0]}{_and_more(origins)})")
        for source, counts in self._counts.items():
            self.notes.extend(counts.notes(source))
        hashes = {name: array.close() for name, array in sorted(self._arrays.items())}
        clips = pd.DataFrame(self._clips)[list(CLIP_COLUMNS)].astype(CLIP_COLUMNS)
        write_clips(self.folder / "clips.parquet", clips)
        used = {self.skeleton, *(skeleton_called(item.layout) for item in self._layouts.values())}
        skeletons = sorted((item for item in used if not is_built_in(item)), key=lambda x: x.name)
        result = Manifest(
            skeleton=self.skeleton.name,
            sources_2d=self._layouts,
            cameras=self._cameras,
            source_files=dict(sorted(self.source_files.items())),
            notes=self.notes,
            has_3d="positions_3d.npy" in hashes,
            activities=list(self.activities),
            skeletons=skeletons,
            data_hash=data_hash_of(
                arrays=hashes,
                clips=self._clips,
                skeleton=self.skeleton.name,
                sources_2d=self._layouts,
                cameras=self._cameras,
                activities=self.activities,
                skeletons=[asdict(item) for item in skeletons],
            ),
            **manifest,
        )
        write_json(self.folder / "manifest.json", result.model_dump(mode="json"))
        return result


@contextlib.contextmanager
def write_prepared_set(
    path: Path, skeleton: Skeleton, activities: Sequence[str] = ()
) -> Iterator[PreparedWriter]:
    """Yield a writer into a temporary folder that becomes `path` when the block ends well.

    The block must call `finish` last. A killed or failed import leaves `path` as it was.

    Args:
        path: the folder of the prepared set.
        skeleton: joints of the 3D positions.
        activities: names that the clips' `activity` numbers stand for.

    Raises:
        HarnessError: another process prepares the same set, or the place cannot be written.
    """
    with only_writer(path), atomic_folder(path) as folder:
        yield PreparedWriter(folder, skeleton, activities)


def _portraits(cameras: Iterable[Camera]) -> Iterator[str]:
    """Yield a note where portrait videos are scaled by another side than all others are."""
    names = [camera.name for camera in cameras if camera.portrait and camera.screen is None]
    if names:
        yield (
            f"cameras of portrait videos, such as {names[0]} ({len(names)} in all): the normalised "
            "screen spans the height, as lifters trained on wide pictures want; a camera's "
            '"screen": "width" spans the width, as VideoPose3D\'s code does'
        )


def _and_more(origins: Sequence[str]) -> str:
    return f" and {len(origins) - 1} more clips" if len(origins) > 1 else ""


def _image_truth(
    origin: str,
    image_25d: NDArray[np.floating],
    factor: NDArray[np.floating],
    shape: tuple[int, ...],
) -> dict[str, NDArray[Any]]:
    """Return the two arrays in the precision of the file, which its protocol's numbers rest on."""
    scale = _checked(origin, "millimetres a pixel", factor, shape[:1], np.float64)
    if (scale <= 0).any():
        frame = int(np.argmax(scale <= 0))
        raise HarnessError(
            f"{origin}: {scale[frame]:g} millimetres a pixel at frame {frame}, expected more than "
            "0; the file is damaged, so download it again"
        )
    truth = _checked(origin, "2.5D positions", image_25d, shape, np.float64)
    return {"image_25d.npy": truth, "factor.npy": scale}


def _checked(
    origin: str,
    what: str,
    array: NDArray[np.floating],
    shape: tuple[int, ...],
    kind: type[np.floating] = np.float32,
) -> NDArray[Any]:
    if array.shape != shape:
        raise HarnessError(f"{origin}: {what} have shape {array.shape}, expected {shape}")
    single = np.ascontiguousarray(array, dtype=kind)
    finite = np.isfinite(single)
    if not finite.all():
        frame, *rest = np.argwhere(~finite)[0]
        joint = f", joint {rest[0]}" if rest else ""
        raise HarnessError(
            f"{origin}: {what} hold NaN or infinity, first at frame {frame}{joint}; "
            "every coordinate must be finite, so repair or drop those frames"
        )
    return single
