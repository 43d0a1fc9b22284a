"""One take: its time, and everything about it that chance decides."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from harness.datasets.synthetic.subjects import Body

Array = NDArray[np.float64]
Curve = Callable[[Array], Array]


class Take:
    """Who moves, for how long, in which style.

    Attributes:
        body: the person.
        time: (frames,) seconds from the start.
        tempo: how fast the person acts, about 1.
        vigour: how large the movements are, about 1.
        side: index of the preferred hand, 0 = left, 1 = right.
        heading: direction faced at the start, radians from the world's x axis.
        place: (2,) where on the floor, metres.
    """

    def __init__(self, body: Body, seconds: float, fps: float, centre: Array, seed: int) -> None:
        """Draw the style of a take near `centre` (2,) on the floor from `seed`."""
        self.random = np.random.default_rng(seed)
        self.body = body
        self.time = np.arange(max(1, round(seconds * fps))) / fps
        self.fps = fps
        self.tempo = self.random.uniform(0.88, 1.14)
        self.vigour = self.random.uniform(0.8, 1.2)
        self.side = int(self.random.random() < 0.75)
        self.heading = self.random.uniform(-np.pi, np.pi)
        self.place = centre + self.random.uniform(-0.3, 0.3, 2)

    def curve(self, size: float, slowest: float = 0.05, fastest: float = 0.35) -> Curve:
        """Return a smooth random function of time with standard deviation `size`.

        It is a sum of six sines with frequencies between `slowest` and `fastest` (hertz), so it
        has no content above and does not depend on the frame rate.
        """
        frequencies = 2 * np.pi * self.random.uniform(slowest, fastest, 6)
        phases = self.random.uniform(0, 2 * np.pi, 6)
        amplitude = size / np.sqrt(3)
        return lambda time: (
            amplitude * np.sin(np.multiply.outer(time, frequencies) + phases).sum(-1)
        )

    def wander(self, size: float, slowest: float = 0.05, fastest: float = 0.35) -> Array:
        """Return such a function at the frames of the take."""
        return self.curve(size, slowest, fastest)(self.time)

    def wander_3d(self, size: float, slowest: float = 0.05, fastest: float = 0.35) -> Array:
        """Return (frames, 3) of three such functions."""
        return np.stack([self.wander(size, slowest, fastest) for _ in range(3)], axis=-1)

    def phase(self, period: float, unsteadiness: float = 0.06) -> Array:
        """Return (frames,) how many cycles of about `period` seconds have passed.

        It starts anywhere in the first cycle and is never negative.
        """
        rate = self.tempo / period
        uneven = self.curve(unsteadiness, 0.1, 0.4)
        return self.random.uniform(0.3, 1.3) + rate * self.time + uneven(self.time)

    def by_cycle(self, phase: Array, low: Array, high: Array) -> Array:
        """Return (frames, k) random values between low (k,) and high (k,) that change each cycle.

        They move from one value to the next during the first third of a cycle and then stay.
        """
        count = int(phase.max()) + 1
        return _step_through(self.random.uniform(low, high, (count, len(low))), phase)

    def choice_by_cycle(self, phase: Array, choices: int) -> Array:
        """Return (frames, choices) weights that sum to 1; each cycle another choice has all."""
        start = int(self.random.integers(choices))
        strides = self.random.integers(1, choices, int(phase.max()) + 1)
        return _step_through(np.eye(choices)[(start + np.cumsum(strides)) % choices], phase)


def _step_through(values: Array, phase: Array) -> Array:
    cycle = phase.astype(int)
    moved = ease((phase - cycle) / 0.33)[:, None]
    return mix(moved, values[np.maximum(cycle - 1, 0)], values[cycle])


def ease(progress: Array) -> Array:
    """Return 0 to 1 along a reach with least jerk: 10 p^3 - 15 p^4 + 6 p^5 (Flash & Hogan 1985)."""
    p = np.clip(progress, 0.0, 1.0)
    return p**3 * (10 - 15 * p + 6 * p**2)


def pulse(phase: Array, rise: float, hold: float, fall: float) -> Array:
    """Return a weight that goes 0 to 1 and back once a cycle: parts of a cycle up, held, down."""
    within = phase % 1.0
    return ease(within / rise) - ease((within - rise - hold) / fall)


def mix(weight: Array | float, first: Array, second: Array) -> Array:
    """Return `first` where the weight is 0, `second` where it is 1, and between in between."""
    return first + weight * (second - first)
