"""Runs that were not trained here: predictions of other programs and released weights."""

from harness.foundation.provenance import RunRecord
from harness.prediction.declared import declared_in


def told_of_elsewhere(record: RunRecord) -> list[str]:
    """Return, in words, what is known of how a run came to be; empty if it was trained here."""
    declared = declared_in(record)
    if declared is not None:
        return declared.sentences()
    if record.kind == "import":
        release = record.parameters.get("origin", {}).get("release", "somebody")
        return [f"weights released by {release}"]
    return []
