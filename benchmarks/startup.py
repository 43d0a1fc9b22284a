"""Start-up: how long the command line takes to answer."""

import argparse
import os
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


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return seconds of the quickest and of the commonest command, on the scores in git."""
    turns = Turns(
        {
            "--help": lambda: call("--help"),
            "compare": lambda: call("compare", "dgnet", "fsg_ftg", "--profile", "quick"),
            "Python": lambda: subprocess.run([sys.executable, "-c", ""], check=True),
        },
        1 if arguments.smoke else 7,
    )
    return [
        at_most("harness --help", turns["--help"], "s", 0.4),
        at_most("harness compare dgnet fsg_ftg", turns["compare"], "s", 3),
        Line("Python alone", turns["Python"], "s"),
    ]


if __name__ == "__main__":
    run("startup", measure, parser_of(__doc__))
