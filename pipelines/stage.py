"""What every stage shares: reading its command line and ending a mistake in one plain line."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from harness.runs.errors import HarnessError

PREPARED = Path("data/prepared")
RAW = Path("data/raw")
RESULTS = Path("results")


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
