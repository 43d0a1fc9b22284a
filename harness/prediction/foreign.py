"""Predictions made by other programs: read from plain arrays, checked, stored like our own.

    .npz   an array (frames, joints, 3) a clip, under the clip's name (`clip_names`)
    .npy   one array (rows, joints, 3): the clips one after the other in the prepared set's order
    .mat   MPI-INF-3DHP: a variable a test sequence, TS1 to TS6, (3, joints, 1, frames) as P-STMO
           writes it for the data set's own evaluation, or (frames, joints, 3)

Several hypotheses a frame are a second axis, (frames, hypotheses, joints, 3), in .npz and .npy.
Where the prepared set marks frames that are scored, a clip may also hold these alone.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.body.skeleton import Skeleton, skeleton_called
from harness.datasets.clip_names import clip_names
from harness.datasets.files.matlab import read_matlab
from harness.datasets.files.safe_npz import npz_keys, read_npy, read_npz
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.foundation.files import only_writer, sha256_of_file
from harness.foundation.provenance import RunRecord, collect, read_record, write_record
from harness.foundation.suggest import nearest_name
from harness.lifting.registry import method_names
from harness.prediction.declared import Declared, declared_in
from harness.prediction.stored import PredictionContract, write_predictions

SUFFIXES = (".npz", ".npy", ".mat")

_LIST_NAMES = "'harness data clips' lists names and frames"
# Poses differ in size by a factor of two; what is smaller still may just be a bad prediction,
# unless the factor is nearly that of a unit.
_POSES_DIFFER, _UNITS_FIT, _FAR_OFF = 2.2, 1.6, 30.0
_METRES = {
    "metres": 1.0,
    "millimetres": 0.001,
    "centimetres": 0.01,
    "inches": 0.0254,
    "feet": 0.3048,
}
_ROOT_METRES = 1.0  # no method is so wrong about a root that is zero
_FAR_ROOT = 100.0  # metres; nobody is lifted from farther away


def store_foreign(
    path: Path, declared: Declared, prepared: PreparedSet, folder: Path, *, force: bool = False
) -> RunRecord:
    """Store the predictions in a file as the predictions of a run, with a record of the run.

    Args:
        path: the file.
        declared: how they were made.
        prepared: the set whose clips were predicted.
        folder: the run's folder; the same file under the same declaration is stored once, and its
            record keeps the command and time of the first.
        force: replace other predictions from elsewhere in `folder`.

    Raises:
        HarnessError: the file is missing, damaged or holds something else than these predictions,
            or `folder` holds another run.
    """
    checked = check_foreign(path, declared, prepared)
    clips, skeleton, positions = checked.clips, checked.skeleton, checked.positions
    digest = sha256_of_file(path)
    files = {"file": {"name": path.name, "sha256": digest}}
    roots = checked.roots
    if declared.root_file is not None:
        beside = path.parent / declared.root_file
        files["root_file"] = {"name": beside.name, "sha256": sha256_of_file(beside)}
    record = collect(
        run=f"{folder.parent.parent.name}/{folder.name}",
        kind="import",
        model=declared.model,
        seed=declared.seed,
        parameters={
            "declared": declared.model_dump(mode="json"),
            **files,
        },
        dataset=prepared.manifest.name,
        data_hash=prepared.data_hash,
        code="",  # somebody else's
    )
    contract = PredictionContract(
        model=declared.model,
        run_id=record.run_id,
        checkpoint_sha256=digest,
        dataset=prepared.manifest.name,
        data_hash=prepared.data_hash,
        input_2d=declared.input_2d,
        trained_on_2d=declared.trained_on_2d or declared.input_2d,
        split=declared.split,
        skeleton=skeleton.name,
        frames=declared.frames,
        predicts=declared.predicts,
        flip_test=declared.flip_test,
        uses_root_depth=declared.uses_root_depth,
        seed=declared.seed,
        space="image25d" if declared.unit == "image25d" else "camera",
        hypotheses=declared.hypotheses,
        predicts_root=roots is not None,
    )
    with only_writer(folder):
        there = _stored_before(folder, record.run_id, force)
        write_predictions(folder / "predictions", contract, clips, positions, roots)
        if there is not None:
            return there
        record = record.ended("finished", {"frames": len(positions)})
        write_record(folder / "run.json", record)
    return record


@dataclass(frozen=True)
class CheckedPredictions:
    """Predictions from elsewhere that can be stored as they are.

    Attributes:
        clips: a row a clip of the split.
        skeleton: the joints predicted.
        positions: (rows, joints, 3) root-relative metres; hypotheses are the second axis.
        roots: (rows, 3) camera-space metres, or None.
    """

    clips: pd.DataFrame
    skeleton: Skeleton
    positions: NDArray[np.float32]
    roots: NDArray[np.float32] | None


def check_foreign(path: Path, declared: Declared, prepared: PreparedSet) -> CheckedPredictions:
    """Read predictions from a file without storing them.

    Args:
        path: the file.
        declared: how they were made.
        prepared: the set whose clips were predicted.

    Raises:
        HarnessError: the file is missing, damaged or holds something else than these predictions,
            or declares the name of a model of the harness.
    """
    if declared.model in method_names():
        raise HarnessError(
            f"{path}: model '{declared.model}' is a model of this harness; declare another name, "
            f"such as {declared.model}_elsewhere"
        )
    skeleton = skeleton_called(declared.skeleton) if declared.skeleton else prepared.skeleton
    positions = read_foreign(path, declared, prepared, skeleton)
    roots = None
    if declared.root_file is not None:
        roots = read_root_path(path.parent / declared.root_file, declared, prepared)
    return CheckedPredictions(prepared.select(declared.split), skeleton, positions, roots)


def read_foreign(
    path: Path,
    declared: Declared,
    prepared: PreparedSet,
    skeleton: Skeleton,
) -> NDArray[np.float32]:
    """Return (rows, joints, 3) root-relative metres, clip after clip as the split has them.

    Raises:
        HarnessError: the file is missing or damaged, or clips, frames, joints or unit are others.
    """
    if path.suffix not in SUFFIXES:
        raise HarnessError(f"{path}: expected a file that ends in {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise HarnessError(f"{path}: no such file")
    clips = _clips(prepared.select(declared.split))
    several = (declared.hypotheses,) if declared.hypotheses > 1 else ()
    shape = (*several, len(skeleton), 3)
    read = {".npz": _from_npz, ".npy": _from_npy, ".mat": _from_mat}[path.suffix]
    unit = declared.unit or ("mm" if path.suffix == ".mat" else "m")
    joined = _joined(path, read(path, clips, shape), clips, shape, prepared, _hint(skeleton))
    if unit == "mm":
        joined /= 1000
    if unit != "image25d":
        first = joined[:, 0] if several else joined
        _check_size(path, first, unit, prepared, [clip.first_row for clip in clips], skeleton)
    return joined


def read_root_path(path: Path, declared: Declared, prepared: PreparedSet) -> NDArray[np.float32]:
    """Return (rows, 3) the predicted path of the root in camera space, clip after clip.

    Raises:
        HarnessError: the file is missing or damaged, or clips, frames or the unit are others.
    """
    if path.suffix != ".npz" or not path.is_file():
        raise HarnessError(
            f"{path}: the root's path is no such file; expected an .npz with an array (frames, 3) "
            "a clip, beside the predictions"
        )
    clips = _clips(prepared.select(declared.split))
    hint = "camera space, metres"
    roots = _joined(path, _from_npz(path, clips, (3,)), clips, (3,), prepared, hint)
    depth = float(np.median(roots[:, 2]))
    if not 0 < depth < _FAR_ROOT:
        raise HarnessError(
            f"{path}: the root is {depth:.3g} m before the camera, expected 0 to {_FAR_ROOT:g}; "
            "give the root's place in camera space, in metres"
        )
    return roots


def _joined(
    path: Path,
    array_of: "_ArrayOf",
    clips: Sequence["_Clip"],
    shape: tuple[int, ...],
    prepared: PreparedSet,
    hint: str,
) -> NDArray[np.float32]:
    """Put the arrays of the clips one after the other, with one clip in memory beside the whole."""
    joined = np.zeros((sum(clip.frames for clip in clips), *shape), np.float32)
    first = 0
    for clip in clips:
        where = f"{path}: clip '{clip.name}'"
        array = _checked(where, array_of(clip), shape, hint)
        valid = None
        if prepared.valid is not None:
            valid = prepared.valid[clip.first_row : clip.first_row + clip.frames]
        joined[first : first + clip.frames] = _all_frames(where, array, clip.frames, valid)
        first += clip.frames
    return joined


class _Clip(NamedTuple):
    """A clip of the prepared set."""

    name: str
    subject: str
    first_row: int
    frames: int


_ArrayOf = Callable[[_Clip], Any]
"""Returns the array of a clip."""


def _clips(table: pd.DataFrame) -> list[_Clip]:
    columns = table[["subject", "first_row", "frames"]].itertuples(index=False)
    return [
        _Clip(name, str(subject), int(first_row), int(frames))
        for name, (subject, first_row, frames) in zip(clip_names(table), columns, strict=True)
    ]


def _from_npz(path: Path, clips: Sequence[_Clip], shape: tuple[int, ...]) -> _ArrayOf:
    found, expected = npz_keys(path), [clip.name for clip in clips]
    missing = [name for name in expected if name not in set(found)]
    odd = [name for name in found if name not in set(expected)]
    if odd:
        nearest = nearest_name(odd[0], missing or expected)
        hint = f"; did you mean '{nearest}'?" if nearest else ""
        raise HarnessError(
            f"{path}: array '{odd[0]}' ({len(odd)} in all) is no clip that was to be "
            f"predicted{hint} ({_LIST_NAMES})"
        )
    if missing:
        raise HarnessError(
            f"{path}: lacks {len(missing)} of {len(clips)} clips, first '{missing[0]}' "
            f"({_LIST_NAMES})"
        )
    return lambda clip: read_npz(path, clip.name)


def _from_npy(path: Path, clips: Sequence[_Clip], shape: tuple[int, ...]) -> _ArrayOf:
    array, rows = read_npy(path), sum(clip.frames for clip in clips)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise _pickled(path)
    if array.ndim != 1 + len(shape) or len(array) != rows:
        raise HarnessError(
            f"{path}: has shape {array.shape}, expected {(rows, *shape)}: the frames of "
            f"{len(clips)} clips one after the other ({_LIST_NAMES})"
        )
    ends = dict(zip(clips, itertools.accumulate(clip.frames for clip in clips), strict=True))
    return lambda clip: array[ends[clip] - clip.frames : ends[clip]]


def _from_mat(path: Path, clips: Sequence[_Clip], shape: tuple[int, ...]) -> _ArrayOf:
    subjects = [clip.subject for clip in clips]
    if len(set(subjects)) < len(subjects):
        raise HarnessError(
            f"{path}: MATLAB files hold one clip a test sequence, as MPI-INF-3DHP has them; these "
            "clips have several a subject, so store them as .npz"
        )
    content: Mapping[str, Any] = read_matlab(path, subjects)

    def array_of(clip: _Clip) -> Any:
        array = content[clip.subject]
        if array.ndim == 4 and array.shape[2] == 1:
            array = array[:, :, 0]
        if array.ndim == 3 and array.shape[:2] == shape[::-1]:
            return array.transpose(2, 1, 0)
        return array

    return array_of


def _hint(skeleton: Skeleton) -> str:
    joints = ", ".join(skeleton.joints)
    return f"the joints of {skeleton.name}: {joints}; declare skeleton if it has others"


def _checked(where: str, array: Any, shape: tuple[int, ...], hint: str) -> NDArray[np.floating]:
    """Return the array of a clip, or say what is wrong with it."""
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise _pickled(where)
    if array.ndim == 4 and (len(shape) == 2 or array.shape[1] != shape[0]):
        expected = shape[0] if len(shape) == 3 else 1
        raise HarnessError(
            f"{where}: has shape {array.shape}, which is {array.shape[1]} hypotheses a frame, "
            f"expected {expected}; all clips need as many, and they are declared as "
            f"hypotheses={array.shape[1]}"
        )
    if array.ndim != 1 + len(shape) or array.shape[1:] != shape:
        expected_shape = ", ".join(["frames", *map(str, shape)])
        raise HarnessError(f"{where}: has shape {array.shape}, expected ({expected_shape}), {hint}")
    finite = np.isfinite(array).reshape(len(array), -1).all(axis=1)
    if not finite.all():
        raise HarnessError(f"{where}: holds NaN or infinity, first in frame {finite.argmin()}")
    return array


def _all_frames(
    where: str, array: NDArray[np.floating], frames: int, valid: NDArray[np.bool_] | None
) -> NDArray[np.floating]:
    """Return a row a frame of the clip; those that are not scored are zero where none is given."""
    if len(array) == frames:
        return array
    if valid is not None and len(array) == int(valid.sum()):
        whole: NDArray[np.floating] = np.zeros((frames, *array.shape[1:]), np.float32)
        whole[valid] = array
        return whole
    marked = "" if valid is None else f", or the {int(valid.sum())} that are scored"
    raise HarnessError(f"{where}: has {len(array)} frames, expected {frames}{marked}")


def _check_size(
    path: Path,
    positions: NDArray[np.float32],
    unit: str,
    prepared: PreparedSet,
    rows: list[int],
    skeleton: Skeleton,
) -> None:
    """Raise where positions are in another unit than declared, or not relative to the root."""
    predicted = positions[positions.any(axis=(1, 2))]
    found = float(np.median(np.linalg.norm(predicted, axis=-1))) if len(predicted) else 0.0
    if not found:
        return  # most joints at the origin have no size; they score as badly as they should
    root = prepared.skeleton.root
    image = prepared.image_25d
    truth = prepared.positions_3d[rows] if image is None else image[rows] / 1000
    usual = float(np.median(np.linalg.norm(truth - truth[:, root : root + 1], axis=-1)))
    told = (
        f"read in {unit}, joints lie {found:.3g} m from the origin, {usual:.2g} m in the data set"
    )
    if advice := _unit_advice(usual / found, unit):
        raise HarnessError(f"{path}: {told}; {advice}")
    away = float(np.median(np.linalg.norm(predicted[:, skeleton.root], axis=-1)))
    if away > _ROOT_METRES:
        raise HarnessError(
            f"{path}: the root joint ({skeleton.joints[skeleton.root]}) lies {away:.2g} m from the "
            "origin; expected positions relative to the root, so subtract it"
        )


def _unit_advice(factor: float, unit: str) -> str:
    """Say which unit predictions are in that are this factor too small; "" for the right one.

    Args:
        factor: by which their joints lie nearer to the root than the data set's.
        unit: in which they were read.
    """
    units = {name: metres * (1000 if unit == "mm" else 1) for name, metres in _METRES.items()}
    name, fitting = min(units.items(), key=lambda item: abs(np.log(factor / item[1])))
    if 1 / _POSES_DIFFER < factor < _POSES_DIFFER:
        return ""
    if not 1 / _UNITS_FIT < factor / fitting < _UNITS_FIT:
        far = not 1 / _FAR_OFF < factor < _FAR_OFF
        return f"scale them: multiplied by {factor:.3g} they would fit" if far else ""
    if name in ("metres", "millimetres"):
        return f"they seem to be in {name}, so declare unit={'m' if name == 'metres' else 'mm'}"
    return f"they seem to be in {name}: multiply by {_METRES[name]:g} and declare unit=m"


def _pickled(where: object) -> HarnessError:
    return HarnessError(
        f"{where}: holds no numbers but Python objects (a pickle); save plain arrays, such as "
        "np.savez('theirs.npz', **{name: array})"
    )


def _stored_before(folder: Path, run_id: str, force: bool) -> RunRecord | None:
    """Return the record of the same predictions, or None of others that may be replaced."""
    if not (folder / "run.json").exists():
        return None
    there = read_record(folder / "run.json")
    if declared_in(there) is None:
        raise HarnessError(
            f"{folder}: holds run {there.run_id}, which was made here; declare another model name"
        )
    if there.run_id != run_id and not force:
        raise HarnessError(
            f"{folder}: holds other predictions ({there.run_id}); declare another model name or "
            "seed, or replace them with --force"
        )
    return there if there.run_id == run_id else None
