"""Runs that were not trained here: predictions of other programs and released weights."""

import re
from pathlib import Path

from harness.prediction.declared import declared_in
from harness.runs.errors import HarnessError
from harness.runs.files import visible
from harness.runs.provenance import RunRecord, read_record


def told_of_elsewhere(record: RunRecord) -> list[str]:
    """Return, in words, what is known of how a run came to be; empty if it was trained here."""
    declared = declared_in(record)
    if declared is not None:
        return declared.sentences()
    if record.kind == "import":
        release = record.parameters.get("origin", {}).get("release", "somebody")
        return [f"weights released by {release}"]
    return []


def models_from_elsewhere(runs: Path) -> list[str]:
    """Return the names of the models whose runs in a folder were not trained here, sorted."""
    found = set()
    for path in visible(runs.glob("*/run.json")):
        try:
            record = read_record(path)
        except HarnessError:
            continue  # whoever asks for the damaged run is told; it must not hide the others
        if record.kind == "import":
            found.add(re.sub(r"-seed\d+$", "", path.parent.name))
    return sorted(found)
