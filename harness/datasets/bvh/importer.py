"""Motion in BVH files: any hierarchy that a mapping names, filmed as the CMU database is.

`reader` says how files are read, `mapping` how joints are named, `motion` what is looked at and
mended, `filming` how cameras and detections are made. Who trains and who tests is a split as data,
a CSV file (`trial_splits`); a trial is a file's name without .bvh, wherever it lies below the
folder. What the split does not list is left out.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import Field

from harness.body.skeleton import H36M_17
from harness.datasets.bvh.frame_time import SHORTEST_SECONDS
from harness.datasets.bvh.mapping import mapping_called
from harness.datasets.bvh.motion import UNITS, motion_pieces
from harness.datasets.bvh.reader import read_bvh
from harness.datasets.filming import FilmingSettings, Trial, camera_notes, check_splits_left, film
from harness.datasets.importers import Importer
from harness.datasets.prepared import Manifest
from harness.datasets.prepared_writer import write_prepared_set
from harness.datasets.trial_splits import TrialSplit, split_of_file
from harness.foundation.errors import HarnessError
from harness.foundation.files import sha256_of_file
from harness.foundation.progress import track
from harness.foundation.suggest import unknown_name

_NAMED = 3


class BvhSettings(FilmingSettings):
    """Options of the importer, beside those of filming.

    Attributes:
        skeleton: the mapping of joints: the name of one that ships, such as "lafan1", or the path
            of a YAML file.
        split: the path of a CSV file that says subject, trial, action and split.
        metres_per_unit: length of the files' unit, in place of what the mapping says.
        frame_rates: frames a second by subject or trial, in place of what the files say.
    """

    skeleton: str
    split: str
    metres_per_unit: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    frame_rates: dict[str, Annotated[float, Field(gt=0, le=1 / SHORTEST_SECONDS)]] = Field(
        default_factory=dict
    )


def find_trials(raw: Path, listed: TrialSplit) -> list[Trial]:
    """Return the trials of a split, by name.

    Raises:
        HarnessError: there are no BVH files, one that is listed is not there or is there twice.
    """
    paths: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(raw.rglob("*")):
        if path.suffix.lower() == ".bvh":
            paths[path.stem].append(path)
    if not paths:
        raise HarnessError(f"{raw}: holds no .bvh files; give their folder with --raw")
    listed.check_there(raw, paths, "a trial is called like its file, without .bvh")
    for name in listed.trials:
        if len(paths[name]) > 1:
            raise HarnessError(
                f"{paths[name][1]}: trial {name} is also {paths[name][0]}; rename one"
            )
    return [
        Trial(name, line.subject, paths[name][0], line.action, line.split)
        for name, line in sorted(listed.trials.items())
    ]


def _told_rates(trials: Sequence[Trial], settings: BvhSettings) -> dict[str, float]:
    """Return the frame rates that the options tell, by trial; a trial's before its subject's."""
    told = settings.frame_rates
    known = {name for trial in trials for name in (trial.name, trial.subject)}
    for name in told:
        if name not in known:
            raise unknown_name("subject or trial of the split, in frame_rates,", name, known)
    by_subject = {trial.name: told[trial.subject] for trial in trials if trial.subject in told}
    return by_subject | {trial.name: told[trial.name] for trial in trials if trial.name in told}


def _prepare(raw: Path | None, out: Path, settings: BvhSettings) -> Manifest:
    if raw is None:
        raise HarnessError(f"data set bvh needs the folder of its files ({IMPORTER.how_to_get})")
    mapping = mapping_called(settings.skeleton)
    listed = split_of_file(Path(settings.split))
    trials = find_trials(raw, listed)
    told_rates = _told_rates(trials, settings)
    units: dict[str, list[str]] = defaultdict(list)
    rates: dict[str, list[str]] = defaultdict(list)
    with write_prepared_set(out, H36M_17) as writer:
        writer.notes.extend([str(listed), *camera_notes(settings)])
        notes: list[str] = []
        for trial in track(trials, "Importing bvh"):
            writer.source_files[trial.path.relative_to(raw).as_posix()] = sha256_of_file(trial.path)
            motion = read_bvh(trial.path)
            motion = replace(motion, rate=told_rates.get(trial.name, motion.rate))
            if motion.rate < settings.fps:
                raise HarnessError(
                    f"{trial.path}: has {motion.rate:g} frames a second, fewer than the "
                    f"{settings.fps:g} to be made of them; lower the option fps"
                )
            pieces = motion_pieces(
                trial.name, motion, mapping, settings.fps, settings.metres_per_unit
            )
            units[_unit_told(pieces.metres_per_unit)].append(trial.name)
            rates[f"{motion.rate:.6g} frames a second"].append(trial.name)
            notes += [*pieces.notes, *film(writer, trial, pieces.sound, settings)]
        source = "told" if settings.metres_per_unit or mapping.metres_per_unit else "by their legs"
        writer.notes.extend(f"in {unit} ({source}): {_some(of)}" for unit, of in units.items())
        writer.notes.extend(f"{rate}: {_some(of)}" for rate, of in rates.items())
        writer.notes.extend(notes)
        check_splits_left(writer, trials)
        return writer.finish(
            name=IMPORTER.name,
            title=mapping.title,
            licence=mapping.licence,
            citation=mapping.citation,
            importer_version=IMPORTER.version,
            settings=settings.model_dump(mode="json"),
        )


def _unit_told(metres: float) -> str:
    usual = next((name for unit, name in UNITS.items() if abs(unit / metres - 1) < 1e-6), None)
    return usual or f"units of {metres:g} m"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


IMPORTER = Importer(
    name="bvh",
    title="BVH motion files",
    needs_raw=True,
    settings=BvhSettings,
    prepare=_prepare,
    licence="as the makers of the files say; the shipped mappings name it (harness/datasets/bvh)",
    how_to_get="from whoever recorded them; docs/data.md says how LAFAN1, 100STYLE and others come",
    version=1,
)
