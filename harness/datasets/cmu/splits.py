"""Splits of the CMU database that ship with the code, and those of one's own.

Shipped ones lie in `splits/` and have a version and a hash: "CMU-26, version 1" is the same trials
for everybody.
"""

import hashlib
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from harness.datasets.trial_splits import TrialSplit, split_of_file, split_of_text
from harness.foundation.errors import HarnessError
from harness.foundation.suggest import unknown_name


@dataclass(frozen=True)
class _Shipped:
    title: str
    version: int
    sha256: str


_SHIPPED = {
    "cmu26": _Shipped(
        "CMU-26", 1, "7116b11c7b48b535f7230d53f93b18c7e0a02e5ff773a7419f6ca2be924518d1"
    ),
}


def split_called(name: str) -> TrialSplit:
    """Return the shipped split of this name, or that of the CSV file at this path.

    Raises:
        HarnessError: there is none, it is no such CSV file, names a trial twice or a subject in two
            splits, or a shipped one is not what its hash says.
    """
    if name not in _SHIPPED:
        if not name.endswith(".csv"):
            raise unknown_name("split (or give the path of a .csv file)", name, _SHIPPED)
        return split_of_file(Path(name))
    known = _SHIPPED[name]
    place = resources.files("harness.datasets.cmu").joinpath("splits", f"{name}.csv")
    content = place.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != known.sha256:
        raise HarnessError(
            f"{place}: is not {known.title}, version {known.version} (SHA-256 {digest[:12]}, "
            f"expected {known.sha256[:12]}); restore it, or give a split of your own as a file"
        )
    listed = split_of_text(content, str(place), name, f"{known.title}, version {known.version}")
    return replace(listed, is_shipped=True)
