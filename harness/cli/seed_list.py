"""The option `--seeds` of several commands: numbers separated by commas, or all that are stored."""

import re
from pathlib import Path
from typing import Any

import click


class SeedList(click.ParamType[tuple[int, ...]]):
    """Numbers separated by commas; `all`, where a command allows it, is told as ()."""

    name = "seeds"

    def __init__(self, or_all: bool = False) -> None:
        self.or_all = or_all

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Return how help calls a value."""
        return "0,1,2|all" if self.or_all else "0,1,2"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Return the numbers.

        Raises:
            HarnessError: it is none of these.
        """
        from harness.runs.errors import HarnessError

        if not isinstance(value, str):
            return tuple(value)
        if self.or_all and value.strip() == "all":
            return ()
        if not re.fullmatch(r"\s*\d{1,9}\s*(,\s*\d{1,9}\s*)*", value):
            also = " or all" if self.or_all else ""
            raise HarnessError(f"--seeds is '{value}', expected numbers such as 0,1,2{also}")
        return tuple(dict.fromkeys(int(part) for part in value.split(",")))


def stored_seeds(runs: Path) -> tuple[int, ...]:
    """Return the seeds of all runs in a folder, sorted."""
    found = (re.search(r"-seed(\d+)$", path.name) for path in runs.glob("*-seed*"))
    return tuple(sorted({int(match[1]) for match in found if match}))
