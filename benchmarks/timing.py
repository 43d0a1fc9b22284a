"""Timing in turns, so that whatever else the machine does hits all that is compared alike."""

import time
from collections.abc import Callable, Mapping
from statistics import median

Work = Callable[[], object]
Clock = Callable[[], float]
SHORTEST = 0.02
"""Seconds that a sample lasts at least; shorter work is repeated within it."""


class Turns:
    """The times of several pieces of work, taken in turns: A, B, C, A, B, C and so on.

    Attributes:
        samples: seconds of each piece of work in each round.
    """

    def __init__(
        self,
        works: Mapping[str, Work],
        rounds: int,
        shortest: float = SHORTEST,
        clock: Clock = time.perf_counter,
    ) -> None:
        """Call each piece of work once to warm up, then time `rounds` rounds.

        Args:
            works: what to time, by name.
            rounds: how many samples of each.
            shortest: seconds that a sample lasts at least.
            clock: what is measured: time gone by, or time.process_time.
        """
        calls = {}
        for name, work in works.items():
            taken = seconds(work, clock=clock)
            if taken < 10 * shortest:  # the first call may do what later ones need not
                taken = seconds(work, clock=clock)
            calls[name] = max(1, round(shortest / max(taken, 1e-9)))
        self.samples: dict[str, list[float]] = {name: [] for name in works}
        for _ in range(rounds):
            for name, work in works.items():
                self.samples[name].append(seconds(work, calls[name], clock))

    def __getitem__(self, name: str) -> float:
        """Return the median time of a piece of work in seconds."""
        return median(self.samples[name])

    def ratio(self, name: str, to: str) -> float:
        """Return how many times as long as `to` a piece of work takes: the median over rounds."""
        pairs = zip(self.samples[name], self.samples[to], strict=True)
        return median(mine / other for mine, other in pairs)


def seconds(work: Work, calls: int = 1, clock: Clock = time.perf_counter) -> float:
    """Return the mean time of a call of `work`."""
    start = clock()
    for _ in range(calls):
        work()
    return (clock() - start) / calls
