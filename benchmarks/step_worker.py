"""Takes training steps when told to: run with the sources of any commit first on Python's path.

Started with JSON {"model", "network", "windows", "keeps_memory"}, the last true of sources whose
training keeps freed memory. A line of standard input is a command: "time N" answers the seconds of
processor time of N steps; "peak" the bytes of memory that a step comes to hold beyond what lies
there between steps; "profile PATH" writes a table of operations.
"""

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from harness.body.skeleton import H36M_17
from harness.lifting.build import build_lifter
from harness.lifting.contract import Batch, LifterInput
from harness.lifting.registry import method_called


def make_step(model: str, network: dict[str, object], windows: int) -> Callable[[], None]:
    """Return one step of Adam, as training takes it, on random numbers."""
    lifter = build_lifter(method_called(model), network, H36M_17, H36M_17, 0).train()
    frames = lifter.frames
    batch = Batch(
        LifterInput(torch.randn(windows, frames, 17, 2), torch.randn(windows, 9)),
        torch.randn(windows, frames, 17, 3),
        torch.randn(windows, frames, 3),
    )
    optimizer = torch.optim.Adam(lifter.parameters(), 1e-3, fused=True)

    def step() -> None:
        optimizer.zero_grad()
        lifter.loss(batch).backward()
        optimizer.step()

    return step


def timed(step: Callable[[], None], count: int) -> float:
    """Return the processor time of some steps."""
    begun = time.process_time()
    for _ in range(count):
        step()
    return time.process_time() - begun


def peak(step: Callable[[], None]) -> int:
    """Return the bytes of a step's intermediate results that exist at once, by the profiler."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        step()
    held = most = 0
    for event in profiled.profiler.kineto_results.events():  # type: ignore[union-attr]
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    return most


def write_profile(step: Callable[[], None], path: Path) -> None:
    """Write the operations of three steps, the longest first."""
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        for _ in range(3):
            step()
    table = profiled.key_averages().table(
        sort_by="self_cpu_time_total", row_limit=30, max_name_column_width=48
    )
    path.write_text(re.sub(r" +\n", "\n", table + "\n"))


def main() -> None:
    """Answer commands until there are no more."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    task = json.loads(sys.argv[1])
    if task.pop("keeps_memory"):
        from harness.foundation.memory import keep_freed_memory

        keep_freed_memory()
    step = make_step(**task)
    step()
    step()
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "time":
            answer: float = timed(step, int(argument))
        elif command == "peak":
            answer = peak(step)
        else:
            write_profile(step, Path(argument))
            answer = 0
        print(answer, flush=True)


if __name__ == "__main__":
    main()
