"""Bounded fuzzing of every reader: what becomes of damaged and malicious files.

    python -m tests.fuzz --mutations 10000 --seed 0

Deterministic: the mutation with a number is the same on every machine. Reported, with exit code 1:
tracebacks, more than 10 s of processor time, more than 2 GiB of memory, deaths of the process,
code that ran, files that a refusal changed, errors that are not one plain line.
`--first N --mutations 1` repeats one.
"""

import argparse
import json
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

SECONDS, MIB = 10.0, 2048
_START_SECONDS, _HANGING_SECONDS = 300.0, 60.0


def fuzz(seed: int, first: int, last: int, kinds: list[str]) -> list[dict[str, Any]]:
    """Return what became of the mutations with numbers `first` ... `last - 1`."""
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        part = 0
        while first < last:
            place = Path(folder) / str(part)
            place.mkdir()
            done = _run(place, seed, first, last, kinds)
            results += done
            first += len(done)
            part += 1
    return results


def _run(place: Path, seed: int, first: int, last: int, kinds: list[str]) -> list[dict[str, Any]]:
    """Return results up to the last mutation, or to the one that the process did not survive."""
    command = [sys.executable, "-m", "tests.fuzz.worker", str(place), str(seed)]
    errors = (place.parent / "errors.txt").open("w+")
    results: list[dict[str, Any]] = []
    begun: dict[str, Any] = {}
    with subprocess.Popen(
        [*command, str(first), str(last), *kinds], stdout=subprocess.PIPE, stderr=errors
    ) as process:
        assert process.stdout is not None
        limit = _START_SECONDS
        while True:
            ready = select.select([process.stdout], [], [], limit)[0]
            line = process.stdout.readline() if ready else b""
            if not line:
                process.kill()
                break
            told = json.loads(line)
            limit = _HANGING_SECONDS
            if "begun" in told:
                begun = told
            elif "outcome" in told:
                results.append(told)
                begun = {}
    if begun:
        how = f"ended with {process.returncode}" if ready else f"hung for {_HANGING_SECONDS:.0f} s"
        results.append({**begun, "number": begun["begun"], "outcome": "death", "message": how})
    elif not results:
        errors.seek(0)
        raise SystemExit(f"the samples cannot be read:\n{errors.read()[-3000:]}")
    errors.close()
    return results


def faults_of(result: dict[str, Any]) -> list[str]:
    """Return what is wrong with how a mutation was read."""
    faults = list(result.get("faults", []))
    if result["outcome"] in ("traceback", "death"):
        faults.append(result["outcome"])
    if result.get("seconds", 0.0) > SECONDS:
        faults.append(f"{result['seconds']:.1f} s")
    if result.get("mib", 0) > MIB:
        faults.append(f"{result['mib']} MiB")
    return faults


def main() -> None:
    """Fuzz and report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--mutations", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first mutation")
    parser.add_argument("--kind", action="append", default=[], help="only this kind of file")
    parser.add_argument("--verbose", action="store_true", help="print every error")
    chosen = parser.parse_args()
    begun = time.monotonic()
    last = chosen.first + chosen.mutations
    results = fuzz(chosen.seed, chosen.first, last, chosen.kind)
    bad = 0
    for result in results:
        faults = faults_of(result)
        bad += bool(faults)
        if faults or chosen.verbose:
            told = "; ".join(faults) or result["outcome"]
            print(f"{result['number']} {result['kind']}: {told}\n  {result['message']}")
    outcomes = Counter(result["outcome"] for result in results)
    kinds = len({result["kind"] for result in results})
    slowest = max(result.get("seconds", 0.0) for result in results)
    largest = max(result.get("mib", 0) for result in results)
    print(
        f"{len(results)} mutations of {kinds} kinds of file, seed {chosen.seed}: "
        + ", ".join(f"{count} {name}" for name, count in sorted(outcomes.items()))
        + f"; slowest {slowest:.1f} s, most memory {largest} MiB, "
        f"{time.monotonic() - begun:.0f} s in all; with a fault: {bad}"
    )
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
