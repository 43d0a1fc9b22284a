"""All benchmarks, one after another, each in a process of its own, and their figures in a table."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command import parser_of
from benchmarks.record import read_lines, table_of
from harness.foundation.files import atomic_file
from harness.reporting.embed import embed_tables

NAMES = (
    "startup",
    "p_mpjpe",
    "windows",
    "scoring",
    "importing",
    "large_set",
    "predicting",
    "lifting_files",
    "baselines",
    "lifters",
    "streams",
    "before_after",
    "dgnet",
    "single_window",
    "compiling",
    "precision",
    "data_parallel",
    "grid_executor",
    "growth",
    "profiles",
)


def run_all(names: Sequence[str], out: Path, smoke: bool) -> list[str]:
    """Run benchmarks; return the names of those that failed, having printed why."""
    failed = []
    for name in names:
        print(f"{name} ...", end=" ", flush=True)
        begun = time.perf_counter()
        words = [sys.executable, "-m", f"benchmarks.{name}", "--out", str(out)]
        done = subprocess.run(
            [*words, *(["--smoke"] if smoke else [])],
            env={**os.environ, "HARNESS_TRACKING": "off"},
            capture_output=True,
            text=True,
        )
        print(f"{time.perf_counter() - begun:.0f} s")
        if done.returncode:
            failed.append(name)
            print(done.stderr, file=sys.stderr)
    return failed


def main(arguments: argparse.Namespace) -> None:
    """Run what is asked for, print the table of all that is recorded and bring the page up to date.

    Exits with status 1 if a benchmark failed; a target that is missed is no failure.
    """
    failed = run_all(arguments.names or NAMES, arguments.out, arguments.smoke)
    table = table_of(read_lines(arguments.out))
    with atomic_file(arguments.out / "table.md") as stream:
        stream.write(f"# Figures and targets\n\n{table}\n")
    print(f"\n{table}")
    if arguments.page is not None:
        embed_tables(arguments.page)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    parser = parser_of(__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these benchmarks")
    parser.add_argument("--page", type=Path, help="page whose table is brought up to date")
    main(parser.parse_args())
