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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.command import parser_of, run
from benchmarks.record import Line, at_most
from harness.foundation.files import read_json

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
        by_stage: processor seconds of stages with a process of their own.
        training: seconds that the runs say they trained, of a core each.
    """

    processor: float
    wall: float
    by_stage: Counter[str]
    training: float


def spent(revision: str, folder: Path, models: Sequence[str] = ()) -> Spent:
    """Run the pipeline of a revision from nothing in a fresh clone in `folder`.

    Args:
        revision: what to check out.
        folder: where the clone goes.
        models: which alone to train; without them all that the revision's settings name.
    """
    clone = folder / "project"
    subprocess.run(["git", "clone", "--quiet", ".", str(clone)], check=True)
    subprocess.run(["git", "checkout", "--quiet", revision], cwd=clone, check=True)
    if models:
        settings = clone / "params.yaml"
        content = yaml.safe_load(settings.read_text())
        settings.write_text(yaml.safe_dump({**content, "models": list(models)}, sort_keys=False))
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
    training = sum(
        read_json(path)["seconds"] for path in clone.glob("results/quick/runs/*/run.json")
    )
    return Spent(processor, ended - begun, by_stage, training)


def models_of(revision: str) -> list[str]:
    """Return the models that the settings of a revision name."""
    shown = subprocess.run(
        ["git", "show", f"{revision}:params.yaml"], check=True, capture_output=True, text=True
    )
    models: list[str] = yaml.safe_load(shown.stdout)["models"]
    return models


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return the medians over the rounds; what is compared takes turns, on the same models."""
    arms: dict[str, tuple[str, Sequence[str]]] = {"now": ("HEAD", ())}
    if arguments.against:
        models = models_of(arguments.against)
        arms |= {"before": (arguments.against, ()), "now, those models": ("HEAD", models)}
    runs: dict[str, list[Spent]] = {arm: [] for arm in arms}
    for _ in range(arguments.rounds):
        for arm, (revision, only) in arms.items():
            with tempfile.TemporaryDirectory() as folder:
                runs[arm].append(spent(revision, Path(folder), only))
    processor = {arm: statistics.median(each.processor for each in runs[arm]) for arm in arms}
    stages = [each.by_stage for each in runs["now"]]
    medians = {name: statistics.median(each[name] for each in stages) for name in stages[0]}
    training = statistics.median(each.training for each in runs["now"])
    lines = [
        Line("pipeline of the quick profile, processor time", processor["now"], "s"),
        Line(
            "pipeline of the quick profile, on the clock",
            statistics.median(each.wall for each in runs["now"]),
            "s",
        ),
        *(Line(f"of it stage {name}", value, "s") for name, value in sorted(medians.items())),
        Line("of it training, as its runs say", training, "s"),
        Line(
            "of it DVC itself, and each model's prediction and scores",
            processor["now"] - sum(medians.values()) - training,
            "s",
        ),
    ]
    if arguments.against:
        before = processor["before"]
        name = f"processor time against revision {arguments.against} and its {len(models)} models"
        lines += [
            Line(f"{name}, which took", before, "s"),
            Line(f"{name}, all of today's models", processor["now"] / before, "x"),
            at_most(f"{name}, the same models", processor["now, those models"] / before, "x", 0.5),
        ]
    return lines


if __name__ == "__main__":
    parser = parser_of(__doc__)
    parser.add_argument(
        "--against", metavar="REVISION", help="a revision to run in turns with HEAD"
    )
    parser.add_argument("--rounds", type=int, default=1, help="how often; medians are recorded")
    run("main_job", measure, parser)
