"""Writing motions: all formats of a person, or none."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.foundation.errors import HarnessError
from harness.foundation.suggest import unknown_name
from harness.prediction.motion import Motion, Unit
from harness.prediction.motion_formats import arrays, bvh, plain_object, table, trc

Writer = Callable[[Motion, Path], None]

FORMATS: Mapping[str, Writer] = {
    "npz": arrays.write,
    "csv": table.write,
    "json": plain_object.write,
    "bvh": bvh.write,
    "trc": trc.write,
}
"""By the name that commands take, which is also the ending of the files.

A page to look at is made by `harness.reporting.page`, above this floor; commands add it to these.
"""


_IN_METRES = ("trc", "html")


def formats_called(names: Sequence[str], known: Mapping[str, Writer] = FORMATS) -> list[str]:
    """Return names of known formats, each once.

    Raises:
        HarnessError: one is unknown, or there are none.
    """
    for name in names:
        if name not in known:
            raise unknown_name("format of motions", name, known)
    if not names:
        raise HarnessError(f"no format is named; choose of {', '.join(known)}")
    return list(dict.fromkeys(names))


def refuse_unit(formats: Sequence[str], unit: Unit) -> None:
    """Raise where a format takes metres alone and motions have another unit."""
    for name in formats:
        if name in _IN_METRES and unit != "m":
            raise HarnessError(
                f"--format {name} needs metres, and this lifter predicts in units of the screen; "
                "say how long a leg is (--leg-length 0.85), or choose another format"
            )


def motion_files(folder: Path, stem: str, people: Sequence[str]) -> dict[str, Path]:
    """Return, by person, where their motion goes, without the ending of a format.

    Args:
        folder: that all lie in.
        stem: what names begin with; the name of the person follows, where there are several.
        people: names as files give them, which need not be names of files.
    """
    if len(people) == 1:
        return {people[0]: folder / stem}
    safe = [re.sub(r"[^\w-]+", "_", name, flags=re.ASCII) for name in people]
    if len(set(safe)) < len(safe):
        safe = [f"{name}-{number}" for number, name in enumerate(safe, start=1)]
    return {
        person: folder / f"{stem}-person-{name}" for person, name in zip(people, safe, strict=True)
    }


def write_motion(
    motion: Motion,
    place: Path,
    formats: Sequence[str],
    known: Mapping[str, Writer] = FORMATS,
) -> list[Path]:
    """Write a motion in several formats and return the files.

    Args:
        motion: what to write.
        place: where to, without the ending.
        formats: names of formats.
        known: how each is written.

    Raises:
        HarnessError: the place cannot be written.
    """
    written = []
    for name in formats:
        path = place.with_name(f"{place.name}.{name}")
        known[name](motion, path)
        written.append(path)
    return written


def refuse_existing(folder: Path, stem: str, formats: Sequence[str], *, force: bool) -> None:
    """Raise where a file of this name and one of the formats is there, unless `force`."""
    for name in formats:
        there = sorted(folder.glob(f"{_literal(stem)}*.{name}"))
        if there and not force:
            raise HarnessError(
                f"{there[0]}: exists; choose another place (--out) or say that it may be replaced "
                "(--force)"
            )


def _literal(stem: str) -> str:
    """Return a pattern of names that only this stem fits."""
    return re.sub(r"([*?\[])", r"[\1]", stem)
