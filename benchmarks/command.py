"""What all benchmarks share on the command line: `--smoke` and `--out`."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.record import RESULTS, Line, Recorder, table_of


def parser_of(description: str) -> argparse.ArgumentParser:
    """Return a parser with the options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: does it run at all?")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    return parser


def run(
    name: str,
    measure: Callable[[argparse.Namespace], Sequence[Line]],
    parser: argparse.ArgumentParser,
    words: Sequence[str] | None = None,
) -> None:
    """Measure as the command line says, print the figures and write them.

    Args:
        name: of the benchmark; its file is called so.
        measure: makes the lines; options as `parser` gives them.
        parser: as `parser_of` made it, with the benchmark's own options added.
        words: the command line; that of the process by default.
    """
    arguments = parser.parse_args(words)
    recorder = Recorder(name)
    lines = measure(arguments)
    recorder.write(lines, arguments.out)
    print(table_of([(name, line) for line in lines]))
