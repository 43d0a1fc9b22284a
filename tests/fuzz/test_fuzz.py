"""Fifty mutations, of every kind of file; `python -m tests.fuzz` reads as many as wanted."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.__main__ import MIB, SECONDS, faults_of
from tests.fuzz.mutations import mutate

ROOT = Path(__file__).parents[2]


def test_no_mutation_is_more_than_refused() -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--mutations", "50", "--seed", "300"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "with a fault: 0" in done.stdout


@pytest.mark.parametrize("suffix", [".json", ".npz", ".txt", ".amc"])
def test_a_mutation_depends_on_its_seed_alone(suffix: str) -> None:
    content = b'{"a": [1, 2.5, {"b": "text"}], "c": null}' * 3
    changed = [mutate(content, suffix, random.Random(f"0-{n}")) for n in range(50)]
    again = [mutate(content, suffix, random.Random(f"0-{n}")) for n in range(50)]
    assert changed == again
    assert sum(one != content for one in changed) > 40


@pytest.mark.parametrize(
    "result",
    [
        {"outcome": "traceback"},
        {"outcome": "death"},
        {"outcome": "refused", "seconds": SECONDS + 0.1},
        {"outcome": "accepted", "mib": MIB + 1},
        {"outcome": "refused", "faults": ["code ran: os.system"]},
    ],
)
def test_each_fault_is_one(result: dict[str, object]) -> None:
    assert len(faults_of(result)) == 1
    assert not faults_of({"outcome": "refused", "seconds": 1.0, "mib": 500, "faults": []})
