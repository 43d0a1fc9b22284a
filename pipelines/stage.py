"""What every stage shares: its command line, naming what it wrote, mistakes in one plain line."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.foundation.errors import HarnessError
from harness.foundation.tracking import send_waiting, track_files

PREPARED = Path("data/prepared")
RAW = Path("data/raw")
RESULTS = Path("results")


def publish(
    written: Sequence[Path], profile: str, name: str, experiment: str | None = None
) -> None:
    """Print the names of a profile's tables and figures and record the files in a run of MLflow.

    MLflow's experiment is called like the profile unless another name is given. Runs that earlier
    stages left to be sent are sent, too.
    """
    track_files(written, RESULTS / profile, experiment=experiment or profile, run_name=name)
    send_waiting()
    for path in written:
        print(path)


def run_stage(stage: Callable[..., None], *arguments: str) -> None:
    """Parse `--NAME VALUE` for each argument name, call the stage, turn mistakes into exit codes.

    A seed is a whole number; every other argument is text. Runs of less than a minute are left to
    be sent to MLflow by a stage that makes tables, unless HARNESS_TRACKING says otherwise.
    """
    os.environ.setdefault("HARNESS_TRACKING", "later")
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    for name in arguments:
        parser.add_argument(f"--{name}", required=True, type=int if name == "seed" else str)
    try:
        stage(**vars(parser.parse_args()))
    except HarnessError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
