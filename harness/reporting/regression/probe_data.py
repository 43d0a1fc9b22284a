"""First stage of the check: is the prepared set, bit for bit, the one of the references?"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.datasets.prepared import PreparedSet
from harness.foundation.files import sha256_of_file, sha256_of_json


class DataGolden(BaseModel):
    """A prepared set in hashes.

    Attributes:
        data_hash: identity of the set, as its manifest says.
        parts: SHA-256 of each array's file by its path in the set's folder, of the table of clips
            and of the cameras.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_hash: str
    parts: dict[str, str]


def measured_data(folder: Path) -> DataGolden:
    """Return the hashes of the prepared set in `folder`, from the files' own bytes.

    Raises:
        HarnessError: there is no prepared set, or its files do not fit together.
    """
    prepared = PreparedSet(folder)
    parts = {
        str(path.relative_to(folder)): sha256_of_file(path)
        for path in sorted(folder.rglob("*.npy"))
    }
    manifest = prepared.manifest.model_dump(mode="json")
    parts["cameras"] = sha256_of_json(manifest["cameras"])
    parts["clips"] = sha256_of_json(prepared.clips.to_dict("list"))
    return DataGolden(data_hash=prepared.data_hash, parts=parts)


def data_difference(expected: DataGolden, found: DataGolden) -> str:
    """Say which parts of the set differ, or nothing."""
    names = sorted(expected.parts.keys() | found.parts.keys())
    unlike = [name for name in names if expected.parts.get(name) != found.parts.get(name)]
    if unlike:
        why = "another importer, skeleton, settings or raw files"
        return f"{', '.join(unlike)} of the prepared set: {why}"
    if expected.data_hash != found.data_hash:
        return (
            f"data hash is {found.data_hash[:12]}, the reference's {expected.data_hash[:12]}: "
            "joints, 2D sources or importer version"
        )
    return ""
