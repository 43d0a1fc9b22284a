"""The importers by name: each turns one data set, as its users have it, into the prepared form.

An importer is a module with a constant IMPORTER; it is loaded on first use.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from harness.datasets.prepared import Manifest
from harness.foundation.errors import HarnessError
from harness.foundation.settings import validated
from harness.foundation.suggest import unknown_name


@dataclass(frozen=True)
class Importer:
    """How a data set becomes a prepared set.

    Attributes:
        name: what commands and params.yaml call it.
        title: what tables call it.
        needs_raw: whether it reads files that the user supplies.
        settings: the class of its options; unknown options are refused.
        prepare: (raw folder or None, folder to write, settings) -> manifest.
        licence: what may be done with the data, in one line.
        how_to_get: where a user gets the files, in one line.
        version: goes up whenever the same files and settings give other arrays.
        expected_counts: least and greatest count that a complete set has, by what is counted, such
            as "test frames", "test clips" or "test frames to score"; `harness data inspect` sets
            them beside those found.
    """

    name: str
    title: str
    needs_raw: bool
    settings: type[BaseModel]
    prepare: Callable[[Path | None, Path, Any], Manifest]
    licence: str
    how_to_get: str
    version: int
    expected_counts: Mapping[str, tuple[int, int]] = field(default_factory=dict)


_MODULES = {
    "bvh": "harness.datasets.bvh.importer",
    "cmu": "harness.datasets.cmu.importer",
    "custom": "harness.datasets.custom.importer",
    "h36m": "harness.datasets.h36m.importer",
    "h36m_motionbert": "harness.datasets.h36m_motionbert.importer",
    "humaneva": "harness.datasets.humaneva.importer",
    "mpi_inf_3dhp": "harness.datasets.mpi_inf_3dhp.importer",
    "penn_action": "harness.datasets.penn_action",
    "synthetic": "harness.datasets.synthetic",
}


def importer_names() -> Sequence[str]:
    """Return the names of all importers."""
    return sorted(_MODULES)


def importer_called(name: str) -> Importer:
    """Return the importer with this name.

    Raises:
        HarnessError: there is none.
    """
    if name not in _MODULES:
        raise unknown_name("data set", name, _MODULES)
    return import_module(_MODULES[name]).IMPORTER


def prepare_set(name: str, raw: Path | None, out: Path, options: Mapping[str, Any]) -> Manifest:
    """Import a data set into the prepared set at `out` and return its manifest.

    Args:
        name: the importer's name.
        raw: folder with the user's files; None where the importer needs none.
        out: folder of the prepared set; an older one is replaced once the new one is whole.
        options: the importer's settings, as in params.yaml.

    Raises:
        HarnessError: unknown data set or option, missing or unusable files.
    """
    importer = importer_called(name)
    settings = validated(importer.settings, options, where=f"options of data set {name}")
    if importer.needs_raw:
        if raw is None:
            raise HarnessError(
                f"data set {name} is made from your own files: give their folder with --raw "
                f"({importer.how_to_get})"
            )
        if not raw.is_dir():
            raise HarnessError(
                f"{raw}: is not a folder; give that of the files of {name} ({importer.how_to_get})"
            )
    return importer.prepare(raw, out, settings)
