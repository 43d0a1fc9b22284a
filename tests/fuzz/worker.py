"""The process that lets the readers read mutations, one line of JSON a mutation; see `__main__`."""

import contextlib
import json
import os
import random
import resource
import shutil
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from harness.foundation.errors import HarnessError
from tests.fuzz.mutations import changed_file
from tests.fuzz.samples import Sample, write_samples

_READING_PROCESS = "harness.datasets.files.reader_process"
_told: list[str] = []


def run(folder: Path, seed: int, numbers: range, kinds: list[str]) -> None:
    """Read the mutations with these numbers in `folder`; print what became of each."""
    os.chdir(folder)
    os.environ["HARNESS_TRACKING"] = "off"
    with contextlib.redirect_stdout(sys.stderr):
        samples = [item for item in write_samples() if not kinds or item.kind in kinds]
    sound = {sample.path: sample.path.read_bytes() for sample in samples}
    for sample in samples:  # a sample that is refused would prove nothing
        sample.read()
    sys.addaudithook(_watch)
    print(json.dumps({"kinds": [sample.kind for sample in samples]}), flush=True)
    for number in numbers:
        sample = samples[number % len(samples)]
        print(json.dumps({"begun": number, "kind": sample.kind}), flush=True)
        rng = random.Random(f"{seed}-{number}")
        changed_file(sample.path, sound[sample.path], rng)
        print(json.dumps(_tried(sample, number)), flush=True)
        if sample.path.is_dir():
            shutil.rmtree(sample.path)
        sample.path.write_bytes(sound[sample.path])


def _tried(sample: Sample, number: int) -> dict[str, Any]:
    before, _told[:] = _state(), []
    begun = time.process_time()  # other programs may keep the processor
    outcome, message = "accepted", ""
    try:
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
            sample.read()
    except HarnessError as error:
        outcome, message = "refused", str(error)
    except Exception:
        outcome, message = "traceback", traceback.format_exc(limit=-4)
    seconds = time.process_time() - begun
    faults = list(_told)
    if outcome == "refused" and not (message.isprintable() and message):
        faults.append("the error is not one plain line")
    if _state() != before:
        faults.append("a file was changed")
    return {
        "number": number,
        "kind": sample.kind,
        "outcome": outcome,
        "message": message,
        "seconds": round(seconds, 3),
        "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "faults": faults,
    }


def _state() -> dict[str, tuple[int, int]]:
    """Return size and time of change of every file but those that readers may write."""
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in Path().rglob("*")
        if path.is_file() and path.parts[0] not in ("out", "scored")
    }


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Note what only foreign code would do."""
    if event in ("os.system", "os.exec", "os.posix_spawn", "os.fork", "pty.spawn"):
        _told.append(f"code ran: {event}")
    elif event == "subprocess.Popen" and _READING_PROCESS not in map(str, arguments[1]):
        _told.append(f"code ran: {arguments[1]}")


if __name__ == "__main__":
    place, seed, first, last, *chosen = sys.argv[1:]
    run(Path(place), int(seed), range(int(first), int(last)), chosen)
