"""A run in one file to attach: what it was made from, its scores, and what they mean.

README.txt                    what lies in the file, and how a reader checks it
run.json, history.csv         the run's record and its training curve, where there are any
contract.json                 under what the predictions were made
scores/PROTOCOL/...           conditions, sums by clip and averages of each score
protocols.json                every protocol in full, with the hash of its definition
table.md                      the averages, by what the protocol averages over
SHA256SUMS                    of all these files, as `sha256sum --check` reads it
"""

import hashlib
import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.foundation.errors import HarnessError
from harness.foundation.files import atomic_file, visible
from harness.reporting.stored.score_text import as_markdown
from harness.scoring.all_protocols import files_in_git
from harness.scoring.protocols import Protocol
from harness.scoring.stored_score import read_score

_DATE = (1980, 1, 1, 0, 0, 0)  # equal runs give equal bytes
_README = """\
{name}: a run of the pose lifting harness, in one file.

run.json       settings, data hash, code hash, commit, versions, hardware, seed
contract.json  2D source, window, mirroring and checkpoint that the predictions were made under
scores/        a folder a protocol: score.json (conditions), sequences.csv (sums and counts by clip,
               metric and joint: every average can be made again from these), metrics.json, and
               where there are any hypotheses.csv (such sums) and activities.csv (averages)
protocols.json joints, root, alignment, averaging and metrics of each protocol
table.md       the averages to read

history.csv    error and learning rate by epoch, where the run was trained

Check it:      unzip FILE -d folder && cd folder && sha256sum --check SHA256SUMS
Read it:       'harness show folder', in a checkout
Compare it:    'harness compare folder OTHER', with a run or a model of that checkout
"""


def write_bundle(run: Path, path: Path) -> list[str]:
    """Write a run's bundle and return the names of the files in it.

    Args:
        run: the run's folder.
        path: the zip file; one that is there is replaced.

    Raises:
        HarnessError: the run has no score, one of them is damaged, or the place cannot be written.
    """
    folders = visible(run.glob("scores/*"))
    if not folders:
        raise HarnessError(f"{run}: is not scored, so there is nothing to attach; score it first")
    scores = [read_score(folder) for folder in folders]
    made = scores[0].header.conditions.predictions.model_dump(mode="json")
    name = f"{run.resolve().parents[1].name}/{run.resolve().name}"
    files = {
        "README.txt": _README.format(name=name).encode(),
        "contract.json": _json(made),
        "protocols.json": _json([_told(score.protocol) for score in scores]),
        "table.md": "\n\n".join(map(as_markdown, scores)).encode() + b"\n",
    }
    for kept in ("run.json", "history.csv"):
        if (run / kept).is_file():
            files[kept] = (run / kept).read_bytes()
    for folder in folders:
        for kept_file in files_in_git(folder):
            files[f"scores/{folder.name}/{kept_file.name}"] = kept_file.read_bytes()
    sums = [f"{hashlib.sha256(files[file]).hexdigest()}  {file}\n" for file in sorted(files)]
    files["SHA256SUMS"] = "".join(sums).encode()
    with atomic_file(path, "wb") as stream, zipfile.ZipFile(stream, "w") as bundle:
        for file in sorted(files):
            entry = zipfile.ZipInfo(file, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            bundle.writestr(entry, files[file])
    return sorted(files)


def _told(protocol: Protocol) -> dict[str, Any]:
    return {**asdict(protocol), "definition": protocol.definition}


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, default=list) + "\n").encode()
