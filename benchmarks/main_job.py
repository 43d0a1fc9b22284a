"""What `make repro` does after the installation: processor time, by stage, against a revision."""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from benchmarks.command import parser_of, run
from benchmarks.record import Line, at_most

# Stands before the real interpreter on the PATH of DVC's stages and adds up what each of them took.
_COUNTING_PYTHON = """#!{python}
import json, os, resource, subprocess, sys
code = subprocess.run([{python!r}, *sys.argv[1:]]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
stage = sys.argv[2].removeprefix("pipelines.") if len(sys.argv) > 2 else "other"
with open({log!r}, "a") as stream:
    stream.write(json.dumps([stage, used.ru_utime + used.ru_stime]) + chr(10))
sys.exit(code)
"""


@dataclass(frozen=True)
class Spent:
    """What one run of the pipeline took.

    Attributes:
        processor: seconds of all processes together, system time included.
        wall: seconds on the clock.
        by_stage: processor seconds by stage; what is missing to `processor` is DVC's own.
    """

    processor: float
    wall: float
    by_stage: Counter[str]


def spent(revision: str, folder: Path) -> Spent:
    """Run the pipeline of a revision from nothing in a fresh clone in `folder`."""
    clone = folder / "project"
    subprocess.run(["git", "clone", "--quiet", ".", str(clone)], check=True)
    subprocess.run(["git", "checkout", "--quiet", revision], cwd=clone, check=True)
    log, python = folder / "stages.jsonl", folder / "bin" / "python"
    python.parent.mkdir()
    python.write_text(_COUNTING_PYTHON.format(python=sys.executable, log=str(log)))
    python.chmod(0o755)
    side_by_side = (clone / "pipelines" / "side_by_side.py").exists()
    words = ("pipelines.side_by_side",) if side_by_side else ("dvc", "repro")
    environment = {
        **os.environ,
        "PATH": f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": str(clone),
        "DVC_NO_ANALYTICS": "1",
    }
    environment.pop("HARNESS_TRACKING", None)
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", *words],
        cwd=clone,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    by_stage: Counter[str] = Counter()
    for line in log.read_text().splitlines():
        stage, seconds = json.loads(line)
        by_stage[stage] += seconds
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(processor, ended - begun, by_stage)


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return the medians over the rounds; revisions take turns."""
    revisions = [name for name in (arguments.against, "HEAD") if name]
    runs: dict[str, list[Spent]] = {revision: [] for revision in revisions}
    for _ in range(arguments.rounds):
        for revision in revisions:
            with tempfile.TemporaryDirectory() as folder:
                runs[revision].append(spent(revision, Path(folder)))
    now = statistics.median(each.processor for each in runs["HEAD"])
    stages = [each.by_stage for each in runs["HEAD"]]
    medians = {name: statistics.median(each[name] for each in stages) for name in stages[0]}
    lines = [
        Line("pipeline of the quick profile, processor time", now, "s"),
        Line(
            "pipeline of the quick profile, on the clock",
            statistics.median(each.wall for each in runs["HEAD"]),
            "s",
        ),
        *(Line(f"of it stage {name}", value, "s") for name, value in sorted(medians.items())),
        Line("of it DVC itself", now - sum(medians.values()), "s"),
    ]
    if arguments.against:
        before = statistics.median(each.processor for each in runs[arguments.against])
        name = f"processor time against revision {arguments.against}"
        lines += [Line(f"{name}, which took", before, "s"), at_most(name, now / before, "x", 0.5)]
    return lines


if __name__ == "__main__":
    parser = parser_of(__doc__)
    parser.add_argument(
        "--against", metavar="REVISION", help="a revision to run in turns with HEAD"
    )
    parser.add_argument("--rounds", type=int, default=1, help="how often; medians are recorded")
    run("main_job", measure, parser)
