"""A tiny project with a run that is scored, and what the command line makes of it."""

from pathlib import Path

import pytest

from harness.cli.main import main

RUN = Path("results/tiny/runs/semgcn-seed0")
SET = Path("data/prepared/tiny")
SCORE = RUN / "scores/h36m17-actionwise"
TRAIN = ("train", "semgcn", "--fresh")
PREDICT = ("predict", "tiny/semgcn-seed0")
SCORING = ("score", "tiny/semgcn-seed0", "--protocol", "h36m17-actionwise")
COMPARE = ("compare", "tiny/semgcn-seed0", "tiny/other-seed0")


def contents() -> dict[Path, bytes]:
    """Return the files of the current folder."""
    return {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def ended(*arguments: str) -> object:
    """Run `harness` and return its exit code."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code
