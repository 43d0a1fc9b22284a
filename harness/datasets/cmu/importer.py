"""The CMU Graphics Lab Motion Capture Database: Acclaim files to Human3.6M's joints and cameras.

Motion. `motion` says how joints and world are made of the files and what is mended.

Place, cameras and detections are those of `filming`: the database's own views are not calibrated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, get_args

from pydantic import Field, model_validator

from harness.body.skeleton import H36M_17
from harness.datasets.cmu.acclaim import read_asf
from harness.datasets.cmu.frame_rates import USUAL_RATE, known_frame_rates
from harness.datasets.cmu.motion import motion_pieces
from harness.datasets.cmu.splits import split_called
from harness.datasets.cmu.sums import shipped_sums
from harness.datasets.cmu.trials import ACTIONS, UNLABELLED
from harness.datasets.filming import FilmingSettings, Trial, camera_notes, check_splits_left, film
from harness.datasets.importers import Importer
from harness.datasets.prepared import Manifest, Split
from harness.datasets.prepared_writer import write_prepared_set
from harness.datasets.trial_splits import TrialSplit
from harness.foundation.errors import HarnessError
from harness.foundation.files import sha256_of_file
from harness.foundation.progress import track
from harness.foundation.suggest import unknown_name

_NAMED = 8


class CmuSettings(FilmingSettings):
    """Options of the importer, beside those of filming.

    Subjects are two digits ("02"), trials subject and number ("02_04"); in YAML both need their
    quotes. A trial named by itself goes where it is named, whatever list its subject is in. What
    is in no list is left out.

    Attributes:
        split: a split as data: the name of one that ships, such as "cmu26", or the path of a CSV
            file; it takes the place of the three lists and of the names of actions.
        train: subjects or trials to train on.
        validation: subjects or trials to choose epochs and settings on. By default one trial of
            each training subject: climbing and jumping down, walking over blocks.
        test: subjects or trials to test on.
        actions: action name by trial, before the built-in table.
        frame_rates: frames a second of the files, by subject or trial, before the built-in list
            (frame_rates.csv); the files do not say.
        metres_per_unit: length of the files' unit where it is not the database's, an inch divided
            by the skeleton's own `length`; 0.01 for a skeleton in centimetres.
    """

    split: str | None = None
    train: list[str] = Field(default=["01", "03"])
    validation: list[str] = Field(default=["01_14", "03_01"])
    test: list[str] = Field(default=["02"])
    actions: dict[str, str] = Field(default_factory=dict)
    frame_rates: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    metres_per_unit: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_split(self) -> "CmuSettings":
        lists = sorted({"train", "validation", "test"} & self.model_fields_set)
        if self.split is not None and lists:
            raise ValueError(
                f"split {self.split} already says who trains and who tests; leave {lists[0]} out"
            )
        return self


@dataclass(frozen=True)
class CmuTrial(Trial):
    """A trial of the database; `rate` is None where nobody says it."""

    rate: float | None


def find_trials(
    raw: Path, settings: CmuSettings, listed: TrialSplit | None = None
) -> list[CmuTrial]:
    """Return the trials that the settings use, by name.

    Args:
        raw: the folder that holds `subjects`, or that folder itself.
        settings: the importer's options.
        listed: the split that they name.

    Raises:
        HarnessError: no motion files, one trial in two folders, a listed subject or trial that is
            not there, a trial in two lists, a rate below the prepared set's.
    """
    paths = _motions(raw)
    known = set(paths) | {path.parent.name for path in paths.values()}
    for name in [*settings.actions, *settings.frame_rates]:
        if name not in known:
            raise unknown_name(f"subject or trial in {raw}", name, known)
    if listed is not None:
        listed.check_subjects({name: path.parent.name for name, path in paths.items()})
        listed.check_there(
            raw,
            paths,
            f"get them with 'harness data fetch cmu --split {listed.name}'",
        )
        splits: Mapping[str, Split] = {name: line.split for name, line in listed.trials.items()}
        named = {name: line.action for name, line in listed.trials.items()}
    else:
        splits, named = _splits(raw, known, settings), ACTIONS
    trials = []
    for name, path in paths.items():
        subject = path.parent.name
        split = splits.get(name, splits.get(subject) if listed is None else None)
        if split is None:
            continue
        rate = settings.frame_rates.get(
            name, settings.frame_rates.get(subject, known_frame_rates().get(name))
        )
        if (rate or USUAL_RATE) < settings.fps:
            raise HarnessError(
                f"{path}: has {rate or USUAL_RATE:g} frames a second, fewer than the "
                f"{settings.fps:g} to be made of them; lower the option fps"
            )
        action = settings.actions.get(name, named.get(name, UNLABELLED))
        trials.append(CmuTrial(name, subject, path, action, split, rate))
    return trials


def _motions(raw: Path) -> dict[str, Path]:
    """Return the motion files below a raw folder by trial, whatever the case of their ending."""
    folder = raw / "subjects" if (raw / "subjects").is_dir() else raw
    paths: dict[str, Path] = {}
    for path in sorted(folder.glob("*/*")):
        if path.suffix.lower() != ".amc":
            continue
        if path.stem in paths:
            raise HarnessError(f"{path}: trial {path.stem} is also {paths[path.stem]}; rename one")
        paths[path.stem] = path
    if not paths:
        raise HarnessError(
            f"{raw}: holds no motions; expected subjects/NN/NN_MM.amc with subjects/NN/NN.asf "
            f"({IMPORTER.how_to_get})"
        )
    return paths


def _skeleton_path(folder: Path) -> Path:
    """Return the skeleton of a subject's folder: the one called like it, or the only one."""
    found = sorted(path for path in folder.glob("*") if path.suffix.lower() == ".asf")
    own = [path for path in found if path.stem.lower() == folder.name.lower()]
    if len(found) == 1 or own:
        return (own or found)[0]
    if found:
        raise HarnessError(
            f"{folder}: holds {len(found)} skeletons, none called {folder.name}.asf; give each "
            "person a folder"
        )
    return folder / f"{folder.name}.asf"


def _splits(raw: Path, known: set[str], settings: CmuSettings) -> dict[str, Split]:
    splits: dict[str, Split] = {}
    for split in get_args(Split):
        for name in getattr(settings, split):
            if name not in known:
                raise unknown_name(f"subject or trial in {raw}, listed as {split},", name, known)
            if splits.setdefault(name, split) != split:
                raise HarnessError(
                    f"options of data set cmu: {name} is listed as {splits[name]} and as {split}; "
                    "list it once"
                )
    return splits


def _notes(trials: Sequence[CmuTrial], listed: TrialSplit | None) -> list[str]:
    notes = [] if listed is None else [str(listed)]
    unknown = [trial.name for trial in trials if trial.rate is None]
    if unknown:
        notes.append(
            f"the frame rate of {_some(unknown)} is in no list and is taken to be "
            f"{USUAL_RATE:g} (option frame_rates)"
        )
    slower = [trial.name for trial in trials if trial.rate not in (None, USUAL_RATE)]
    if slower:
        notes.append(f"recorded at another rate than {USUAL_RATE:g}: {_some(slower)}")
    return notes


def _changed(sums: Mapping[str, str]) -> list[str]:
    """Return the files whose SHA-256 is not the one that is known of them."""
    known = shipped_sums()
    return [
        name
        for name, digest in sums.items()
        if known.get(name.removeprefix("subjects/"), digest) != digest
    ]


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown


def _prepare(raw: Path | None, out: Path, settings: CmuSettings) -> Manifest:
    if raw is None:
        raise HarnessError(f"data set cmu needs the folder of its files ({IMPORTER.how_to_get})")
    listed = None if settings.split is None else split_called(settings.split)
    trials = find_trials(raw, settings, listed)
    skeletons = {
        trial.subject: read_asf(_skeleton_path(trial.path.parent), settings.metres_per_unit)
        for trial in trials
    }
    with write_prepared_set(out, H36M_17) as writer:
        writer.notes.extend([*_notes(trials, listed), *camera_notes(settings)])
        for trial in track(trials, "Importing cmu"):
            skeleton = skeletons[trial.subject]
            for path in (skeleton.path, trial.path):
                writer.source_files[path.relative_to(raw).as_posix()] = sha256_of_file(path)
            rate = trial.rate or USUAL_RATE
            pieces, notes = motion_pieces(trial.path, skeleton, rate, settings.fps)
            writer.notes.extend([*notes, *film(writer, trial, pieces, settings)])
        check_splits_left(writer, trials)
        title = IMPORTER.title if listed is None else listed.title
        changed = _changed(writer.source_files)
        if listed is not None and listed.is_shipped and changed:
            title += ", of changed files"
            writer.notes.append(
                f"not the files that {listed.title} is of (SHA-256): {_some(changed)}; numbers "
                "compare only where data hashes are equal; 'harness data fetch cmu --split "
                f"{listed.name}' gets the right ones"
            )
        return writer.finish(
            name=IMPORTER.name,
            title=title,
            licence=IMPORTER.licence,
            citation=(
                "The data used in this project was obtained from mocap.cs.cmu.edu. The database "
                "was created with funding from NSF EIA-0196217."
            ),
            importer_version=IMPORTER.version,
            settings=settings.model_dump(
                mode="json", exclude=None if listed is None else {*get_args(Split)}
            ),
        )


IMPORTER = Importer(
    name="cmu",
    title="CMU mocap",
    needs_raw=True,
    settings=CmuSettings,
    prepare=_prepare,
    licence="free for all uses; the files may not be resold, even converted (mocap.cs.cmu.edu)",
    how_to_get="'harness data fetch cmu --split cmu26' or mocap.cs.cmu.edu",
    version=2,
)
