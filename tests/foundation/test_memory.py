"""What a process keeps of the memory that it frees."""

import resource
import subprocess
import sys

import pytest

from harness.foundation.memory import keep_freed_memory

STEPS = """
import resource, sys
import numpy as np
from harness.foundation.memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
def step():
    for array in [np.empty(size << 20, np.uint8) for size in [1] * 40 + [40] * 2]:
        array.fill(1)
step(); step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(keep: str) -> int:
    """Return how many pages of memory the system handed out to steps after the first two."""
    done = subprocess.run(
        [sys.executable, "-c", STEPS, keep], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is told so, where there is one")
def test_later_steps_use_the_memory_of_earlier_ones_again() -> None:
    pages = 5 * (40 + 2 * 40) * 2**20 // resource.getpagesize()
    assert faults("keep") < pages / 100


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory()
