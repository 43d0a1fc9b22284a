"""Start-up: how long the command line takes to answer."""

import argparse
import os
import resource
import subprocess
import sys

from benchmarks.command import parser_of, run
from benchmarks.record import Line, at_most
from benchmarks.timing import Turns


def call(*words: str) -> None:
    """Run `harness` with these words in a process of its own.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    program = [sys.executable, "-c", "from harness.cli.main import main; main()", *words]
    quiet = {**os.environ, "HARNESS_TRACKING": "off"}
    subprocess.run(program, check=True, capture_output=True, env=quiet)


def processor_time(*words: str) -> float:
    """Return the seconds of processor time that a command takes: what an idle machine needs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    call(*words)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return seconds of the quickest and of the commonest command, on the scores in git."""
    commands = {
        "harness --help": (("--help",), 0.4),
        "harness compare dgnet fsg_ftg": (
            ("compare", "dgnet", "fsg_ftg", "--profile", "quick"),
            3.0,
        ),
    }
    turns = Turns(
        {name: lambda words=words: call(*words) for name, (words, _) in commands.items()},
        1 if arguments.smoke else 5,
    )
    lines = []
    for name, (words, limit) in commands.items():
        lines += [
            at_most(name, turns[name], "s", limit),
            Line(f"{name}, processor time", processor_time(*words), "s"),
        ]
    return lines


if __name__ == "__main__":
    run("startup", measure, parser_of(__doc__))
