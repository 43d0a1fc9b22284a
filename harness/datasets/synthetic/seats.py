"""What the lower body does off its feet: sit on a chair, sit down on the floor.

Each returns a figure whose trunk follows the hips; an action then decides the rest.
"""

import numpy as np
from numpy.typing import NDArray

from harness.datasets.synthetic.figure import Figure
from harness.datasets.synthetic.ground import from_ground
from harness.datasets.synthetic.take import Take, ease, pulse

Array = NDArray[np.float64]


def sit(take: Take, cross_legs: bool) -> Figure:
    """Sit on a chair, hands on the thighs, shifting a little.

    Args:
        take: who and how.
        cross_legs: whether one knee comes to lie over the other for some of the time.
    """
    body, frames = take.body, len(take.time)
    shin, thigh = body.length("LFoot"), body.length("LKnee")
    heading = np.full(frames, take.heading)
    hips = np.empty((frames, 3))
    hips[:, :2] = take.place + np.stack([take.wander(0.012), take.wander(0.012)], axis=-1)
    hips[:, 2] = body.ankle_height + 0.97 * shin
    crossed = pulse(take.phase(11.0), 0.12, 0.45, 0.12) * cross_legs
    ankles = np.empty((frames, 2, 3))
    knees_out = np.full((frames, 2), 0.15)
    for side in (0, 1):
        outward = 1 - 2 * side
        forward = thigh * take.random.uniform(0.8, 1.1) + take.wander(0.04, 0.04, 0.15)
        aside = outward * (take.random.uniform(0.1, 0.2) + take.wander(0.015))
        up = np.full(frames, body.ankle_height)
        if side == take.side:
            forward = forward + crossed * (1.1 * thigh - forward)
            aside = aside + crossed * (-outward * 0.2 - aside)
            up = up + crossed * 0.55 * shin
            knees_out[:, side] -= 0.3 * crossed
        ankles[:, side] = from_ground(hips, heading, forward, aside, up)
    figure = Figure(body, hips, heading, ankles)
    figure.knees_out = knees_out
    figure.bend("Hip", -0.12 + take.wander(0.05), take.wander(0.02), take.wander(0.05))
    figure.stoop(0.2 + take.wander(0.08), take.wander(0.04), take.wander(0.08))
    figure.look(take.wander(0.22, 0.1, 0.5), take.wander(0.1, 0.1, 0.5))
    for side, outward in ((0, 1), (1, -1)):
        on_thigh = np.array([0.3, outward * 0.16, 0.1]) + take.wander_3d(0.02)
        figure.move_hand(side, 1.0, figure.beside("Hip", on_thigh), [-0.6, outward * 0.8, -0.5])
    return figure


def sit_down(take: Take, stretched: bool) -> tuple[Figure, Array]:
    """Stand, sit down on the floor, and get up again after ten seconds or so.

    Args:
        take: who and how.
        stretched: whether the legs are stretched to the front then, or crossed.

    Returns:
        The figure and how far down it is, (frames,) from 0 to 1.
    """
    body, time = take.body, take.time
    frames = len(time)
    # A cycle of 16 s that has not quite begun: first the person stands for a moment.
    cycle = take.tempo * time / 16.0 - take.random.uniform(0.02, 0.07)
    down = pulse(np.maximum(cycle, 0.0), 0.15, 0.62, 0.15)
    heading = np.full(frames, take.heading) + take.wander(0.05)
    upright, seated = 0.985 * body.hip_height, 0.07 * body.stature
    hips = np.empty((frames, 3))
    back = 0.3 * body.leg * ease(1.3 * down)
    hips[:, 0] = take.place[0] - back * np.cos(take.heading)
    hips[:, 1] = take.place[1] - back * np.sin(take.heading)
    hips[:, 2] = upright + down * (seated - upright)
    origin = np.tile(take.place, (frames, 1))
    # Feet stay until the hips are nearly on the floor and then slide to their places.
    settled = ease((down - 0.75) / 0.25)
    final = (0.93 * body.leg, 0.14) if stretched else (0.5 * body.leg, -0.04)
    ankles = np.empty((frames, 2, 3))
    facing = np.full(frames, take.heading)
    for side, outward in ((0, 1), (1, -1)):
        ahead = final[0] + (0.12 * body.leg * outward if not stretched else 0.0)
        forward = settled * (ahead - 0.3 * body.leg)
        aside = outward * (0.13 + settled * (final[1] - 0.13))
        up = body.ankle_height + 0.02 * settled
        ankles[:, side] = from_ground(origin, facing, forward, aside, up)
    figure = Figure(body, hips, heading, ankles)
    figure.knees_out += (0.1 if stretched else 0.25) * settled[:, None] + 0.2 * down[:, None]
    middle = 4 * down * (1 - down)
    figure.bend("Hip", 0.05 + 0.3 * middle - 0.2 * down + take.wander(0.03))
    figure.stoop(
        0.05 + 0.35 * middle + 0.4 * down + take.wander(0.05), take.wander(0.03), take.wander(0.06)
    )
    figure.look(take.wander(0.15, 0.1, 0.5), take.wander(0.08, 0.1, 0.5))
    for side in (0, 1):
        figure.let_hang(side, 0.3 * middle, 0.15, 0.3)
    return figure, down
