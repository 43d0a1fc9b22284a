"""What the lower body does on foot: walk and stand.

Each returns a figure whose arms hang or swing and whose trunk follows the hips; an action then
decides the rest. A standing foot stays where it is: footprints are planned along the way that the
hips take, and a foot moves only from one print to the next.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from harness.datasets.synthetic.figure import Angle, Figure
from harness.datasets.synthetic.take import Take, ease

Array = NDArray[np.float64]
Way = Callable[[Array], tuple[Array, Array]]
"""From times (n,) to places on the floor (n, 2) and headings (n,)."""

# Share of a leg's length up to which it stretches: a knee is hardly ever quite straight.
_STRAIGHT = 0.99


def walk(take: Take, speed: float, swing: float = 1.0, lean: float = 0.03) -> Figure:
    """Walk along an oval around the take's place.

    Args:
        take: who and how.
        speed: metres a second for a person of 1.75 m.
        swing: how far the arms swing, about 1.
        lean: of the back to the front, radians.
    """
    body, time = take.body, take.time
    speed = speed * take.tempo * body.stature / 1.75
    stride = body.stature * (0.42 + 0.26 * speed) * (0.94 + 0.06 * take.vigour)
    uneven = take.curve(0.12, 0.08, 0.25)
    way_at = _oval(take)

    def phase(times: Array) -> Array:
        return speed * (times + uneven(times)) / stride

    def way(times: Array) -> tuple[Array, Array]:
        return way_at(phase(times) * stride)

    seconds = time[-1]
    margin = 3.5 * stride / speed
    fine = np.arange(-margin, seconds + margin, 0.02)
    cycles = phase(fine)
    starts = []
    for offset in (0.0, 0.5):
        numbers = np.arange(np.ceil(cycles[0]), np.floor(cycles[-1])) + offset
        starts.append(np.interp(numbers, cycles, fine))
    airborne = 0.55 * stride / speed
    ankles = np.stack(
        [
            _steps(take, starts[side], airborne, way, side, 0.075, 0.13 * take.vigour)
            for side in (0, 1)
        ],
        axis=1,
    )
    # The left heel rises at whole cycles, so the left foot is farthest behind a tenth later. Then
    # the left arm and the right hip are farthest ahead.
    turn = 2 * np.pi * (phase(time) - 0.1)
    left_behind, left_swings = np.cos(turn), np.sin(turn)
    places, heading = way(time)
    across = np.stack([-np.sin(heading), np.cos(heading)], axis=-1)
    places = places - 0.018 * left_swings[:, None] * across
    height = 0.985 * body.hip_height - 0.012 * np.cos(2 * turn)
    figure = _over_feet(take, places, height, heading, ankles)
    twist = 0.09 * take.vigour * left_behind
    figure.bend("Hip", 0.06 + lean, 0.05 * left_swings, twist)
    figure.stoop(lean, -0.05 * left_swings, -2.2 * twist)
    figure.look(1.2 * twist + take.wander(0.15), take.wander(0.06) - lean)
    for side, sign in ((0, 1), (1, -1)):
        forward = swing * take.vigour * 0.36 * sign * left_behind
        figure.let_hang(side, forward, 0.13, 0.35 + 0.3 * (1 + np.tanh(3 * forward)))
    return figure


def stand(take: Take, spread: float = 0.12, turning: float = 0.35, pause: float = 2.6) -> Figure:
    """Stand, shifting weight, with a small step now and then.

    Args:
        take: who and how.
        spread: how far the person gets about, metres (standard deviation).
        turning: how far the person turns, radians (standard deviation).
        pause: seconds between two steps of the same foot.
    """
    time = take.time
    x, y, angle = (
        take.curve(spread, 0.03, 0.12),
        take.curve(spread, 0.03, 0.12),
        take.curve(turning, 0.03, 0.12),
    )

    def way(times: Array) -> tuple[Array, Array]:
        places = np.stack([x(times), y(times)], axis=-1) + take.place
        return places, take.heading + angle(times)

    width = take.random.uniform(0.09, 0.14)
    count = int(time[-1] / pause) + 6
    regular = pause * (np.arange(count) - 2 - take.random.random())
    ankles = []
    for side in (0, 1):
        starts = regular + pause * (0.5 * side + take.random.uniform(-0.15, 0.15, count))
        ankles.append(_steps(take, starts, 0.55 / take.tempo, way, side, width, 0.06))
    feet = np.stack(ankles, axis=1)
    _, heading = way(time)
    weight = 0.03 * np.tanh(2 * take.wander(0.7, 0.1, 0.3))
    across = np.stack([-np.sin(heading), np.cos(heading)], axis=-1)
    middle = _smooth(take, feet[..., :2].mean(axis=1), 0.2) + weight[:, None] * across
    height = np.full(len(time), 0.985 * take.body.hip_height) + take.wander(0.004)
    figure = _over_feet(take, middle, height, heading, feet)
    figure.bend("Hip", 0.05 + take.wander(0.02), 1.5 * weight, take.wander(0.06))
    figure.stoop(0.04 + take.wander(0.03), -2.0 * weight + take.wander(0.02), take.wander(0.06))
    figure.look(take.wander(0.2, 0.1, 0.5), take.wander(0.08, 0.1, 0.5))
    figure.knees_out += take.random.uniform(0.0, 0.2)
    for side in (0, 1):
        figure.let_hang(side, take.wander(0.05), 0.13, 0.3 + take.wander(0.05))
    return figure


def lower(figure: Figure, depth: Array) -> None:
    """Bend the knees of a standing figure, `depth` (frames,) metres down and the hips back."""
    back = 0.35 * depth
    figure.hips[:, 2] -= depth
    figure.hips[:, 0] -= back * np.cos(figure.heading)
    figure.hips[:, 1] -= back * np.sin(figure.heading)


def from_ground(
    origin: Array, heading: Array, forward: Angle, aside: Angle, height: Angle
) -> Array:
    """Return places (frames, 3) in the world, given from a spot that somebody faces away from.

    Args:
        origin: (frames, 2 or 3) the spot; its height does not count.
        heading: (frames,) direction faced, radians.
        forward: metres to the front, by frame or one for all.
        aside: metres to the left.
        height: metres above the floor.
    """
    ahead = np.stack([np.cos(heading), np.sin(heading)], axis=-1)
    left = np.stack([-ahead[:, 1], ahead[:, 0]], axis=-1)
    forward, aside, height = (np.reshape(value, (-1, 1)) for value in (forward, aside, height))
    place = origin[:, :2] + forward * ahead + aside * left
    return np.concatenate([place, np.broadcast_to(height, (len(place), 1))], axis=-1)


def _oval(take: Take) -> Callable[[Array], tuple[Array, Array]]:
    """Return from path lengths (n,) to places and headings on an oval around the take's place."""
    angle = np.linspace(0.0, 2 * np.pi, 721)
    axes = take.random.uniform((1.0, 0.65), (1.2, 0.9))
    dent = 0.06 * np.sin(3 * angle + take.random.uniform(0, 2 * np.pi))
    oval = (1 + dent)[:, None] * axes * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    if take.random.random() < 0.5:
        oval = oval[::-1]
    tilt = take.random.uniform(-0.5, 0.5)
    # The long axis lies along the world's y, where the cameras see the farthest.
    turn = np.array([[-np.sin(tilt), -np.cos(tilt)], [np.cos(tilt), -np.sin(tilt)]])
    oval = oval @ turn.T + take.place
    pieces = np.linalg.norm(np.diff(oval, axis=0), axis=-1)
    length = np.concatenate([[0.0], np.cumsum(pieces)])
    ahead = np.diff(oval, axis=0)
    heading = np.unwrap(np.arctan2(ahead[:, 1], ahead[:, 0]))
    heading = np.append(heading, heading[0] + np.sign(heading[-1] - heading[0]) * 2 * np.pi)
    start = take.random.uniform(0.0, length[-1])

    def at(distance: Array) -> tuple[Array, Array]:
        laps, within = np.divmod(distance + start, length[-1])
        place = np.stack([np.interp(within, length, oval[:, axis]) for axis in (0, 1)], axis=-1)
        whole = heading[-1] - heading[0]
        return place, np.interp(within, length, heading) + laps * whole

    return at


def _steps(
    take: Take, starts: Array, seconds: float, way: Way, side: int, width: float, lift: float
) -> Array:
    """Return the path (frames, 3) of an ankle that goes from footprint to footprint.

    Args:
        take: for its time and body.
        starts: (n,) when each step begins, before and beyond the take's time as well.
        seconds: how long a step takes.
        way: where the hips are; a footprint lies beneath them in the middle of its time on the
            floor.
        side: 0 = left, 1 = right.
        width: of the footprint from the middle line, metres.
        lift: greatest height of the step, metres.
    """
    places, headings = way((starts[:-1] + seconds + starts[1:]) / 2)
    outward = np.stack([-np.sin(headings), np.cos(headings)], axis=-1) * (1 - 2 * side)
    prints = places + width * outward
    step = np.searchsorted(starts, take.time, side="right") - 1
    progress = np.clip((take.time - starts[step]) / seconds, 0.0, 1.0)
    moved = ease(progress)[:, None]
    ankles = np.empty((len(take.time), 3))
    ankles[:, :2] = prints[step - 1] + moved * (prints[step] - prints[step - 1])
    height = np.sin(np.pi * progress**0.7) ** 2
    ankles[:, 2] = take.body.ankle_height + lift * height
    return ankles


def _over_feet(take: Take, places: Array, height: Array, heading: Array, ankles: Array) -> Figure:
    """Return a figure with its hips over `places`, no higher than its legs reach."""
    hips = np.concatenate([places, height[:, None]], axis=-1)
    away = np.linalg.norm(ankles[..., :2] - places[:, None], axis=-1)
    rise = np.sqrt(np.maximum((_STRAIGHT * take.body.leg) ** 2 - away**2, 0.01))
    highest = (ankles[..., 2] + rise).min(axis=1)
    hips[:, 2] = _smooth(take, np.minimum(height, highest), 0.04)
    return Figure(take.body, hips, heading, ankles)


def _smooth(take: Take, values: Array, seconds: float) -> Array:
    from scipy.ndimage import gaussian_filter1d

    return gaussian_filter1d(values, seconds * take.fps, axis=0, mode="nearest")
