"""What every stage shares: its command line, naming what it wrote, mistakes in one plain line."""

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from harness.runs.errors import HarnessError
from harness.runs.tracking import open_tracker

PREPARED = Path("data/prepared")
RAW = Path("data/raw")
RESULTS = Path("results")


def publish(written: Iterable[Path], experiment: str, name: str) -> None:
    """Print the names of tables and figures and mirror the files in a run of MLflow.

    Args:
        written: the files; in MLflow each lies in a folder called like its own.
        experiment: of MLflow.
        name: of the run.
    """
    with open_tracker(experiment, name, {"kind": "tables"}) as tracker:
        for path in written:
            tracker.artifact(path, path.parent.name)
            print(path)


def run_stage(stage: Callable[..., None], *arguments: str) -> None:
    """Parse `--NAME VALUE` for each argument name, call the stage, turn mistakes into exit codes.

    A seed is a whole number; every other argument is text.
    """
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    for name in arguments:
        parser.add_argument(f"--{name}", required=True, type=int if name == "seed" else str)
    try:
        stage(**vars(parser.parse_args()))
    except HarnessError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
