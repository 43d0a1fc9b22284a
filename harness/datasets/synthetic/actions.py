"""The fifteen actions of Human3.6M, each with its own motion.

The names are Human3.6M's; the motions are ours, after what the names say.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from harness.body.skeleton import H36M_17
from harness.datasets.synthetic.figure import Figure
from harness.datasets.synthetic.ground import from_ground, lower, stand, walk
from harness.datasets.synthetic.seats import sit, sit_down
from harness.datasets.synthetic.subjects import SIDES
from harness.datasets.synthetic.take import Take, ease, pulse

Array = NDArray[np.float64]


def _outward(side: int) -> int:
    return 1 - 2 * side


def _sideways(side: int, x: float, y: float, z: float) -> Array:
    """Return (3,) a vector whose y counts away from the body on the given side."""
    return np.array([x, _outward(side) * y, z])


def _hand_at_head(
    figure: Figure, take: Take, side: int, weight: Array | float, where: tuple[float, float, float]
) -> None:
    """Bring a hand to a place of the head, given from its top, y to the hand's side."""
    place = figure.beside("Head", _sideways(side, *where) + take.wander_3d(0.008))
    figure.move_hand(side, weight, place, _sideways(side, 0.1, 0.55, -1.0))


def directions(take: Take) -> Figure:
    """Show somebody the way: an arm stretched out, in one direction after another."""
    figure = stand(take)
    phase = take.phase(3.0)
    weight = pulse(phase, 0.22, 0.5, 0.2)
    towards = take.by_cycle(phase, np.array([-0.35, -0.35]), np.array([1.25, 0.45]))
    aside, up = towards[:, 0], towards[:, 1]
    arm = 0.97 * (take.body.length("LElbow") + take.body.length("LWrist"))
    outward = _outward(take.side)
    ray = np.stack(
        [np.cos(aside) * np.cos(up), outward * np.sin(aside) * np.cos(up), np.sin(up)], axis=-1
    )
    shoulder = take.body.offsets[H36M_17.index(f"{SIDES[take.side]}Shoulder")]
    shaking = take.wander_3d(0.015, 0.5, 1.5)
    figure.stoop(0.0, 0.0, 0.25 * weight * outward * aside)
    figure.look(0.6 * weight * outward * aside, -0.3 * weight * up)
    figure.move_hand(
        take.side, weight, shoulder + arm * ray + shaking, _sideways(take.side, -0.2, 0.5, -1.0)
    )
    return figure


def discussion(take: Take) -> Figure:
    """Talk with both hands, nodding."""
    figure = stand(take)
    figure.look(take.wander(0.15, 0.2, 0.6), 0.08 * np.sin(2 * np.pi * take.phase(1.1)))
    talking = ease(0.75 + take.wander(0.5, 0.1, 0.3))
    for side in (0, 1):
        beat = take.wander_3d(0.05 * take.vigour, 0.7, 1.8) + take.wander_3d(0.05, 0.2, 0.6)
        place = _sideways(side, 0.3, 0.16, -0.24) + beat * np.array([1.0, 1.2, 1.4])
        figure.move_hand(side, talking, place, _sideways(side, -0.6, 0.6, -1.0))
    return figure


def eating(take: Take) -> Figure:
    """Sit at a table and bring food from plate to mouth."""
    figure = sit(take, cross_legs=False)
    bite = pulse(take.phase(2.6), 0.25, 0.25, 0.25)
    figure.stoop(0.12 + 0.1 * bite)
    figure.look(0.0, 0.25 - 0.1 * bite)
    for side in (0, 1):
        plate = figure.beside("Hip", _sideways(side, 0.4, 0.12, 0.2) + take.wander_3d(0.015))
        figure.move_hand(side, 1.0, plate, _sideways(side, -0.4, 0.8, -0.6))
    _hand_at_head(figure, take, take.side, bite, (0.2, 0.06, -0.16))
    return figure


def greeting(take: Take) -> Figure:
    """Wave with a raised hand; now and then a bow."""
    figure = stand(take)
    waving = pulse(take.phase(4.5), 0.18, 0.55, 0.18)
    swing = np.sin(2 * np.pi * take.phase(0.6, 0.04))
    bow = pulse(take.phase(7.0), 0.12, 0.08, 0.12) * (1 - waving)
    figure.bend("Hip", 0.35 * bow)
    figure.stoop(0.35 * bow)
    figure.look(0.0, 0.2 * bow)
    high = _sideways(take.side, 0.18, 0.36, 0.36)
    place = high + np.outer(swing, _sideways(take.side, 0.0, 0.13, -0.03)) * take.vigour
    figure.move_hand(take.side, waving, place, _sideways(take.side, -0.1, 0.8, -0.8))
    return figure


def phoning(take: Take) -> Figure:
    """Hold a telephone to the ear, standing or pacing, the other hand talking along."""
    pacing = take.random.random() < 0.5
    figure = walk(take, 0.55, swing=0.4) if pacing else stand(take)
    _hand_at_head(figure, take, take.side, 1.0, (0.07, 0.13, -0.08))
    other = 1 - take.side
    talking = ease(0.2 + take.wander(0.5, 0.1, 0.3))
    beat = take.wander_3d(0.05, 0.3, 1.2)
    figure.move_hand(
        other, talking, _sideways(other, 0.3, 0.14, -0.26) + beat, _sideways(other, -0.6, 0.6, -1.0)
    )
    figure.look(0.0, 0.1)
    return figure


def photo(take: Take) -> Figure:
    """Hold a camera before the face with both hands, bending the knees for the view."""
    figure = stand(take, turning=0.6)
    aiming = pulse(take.phase(4.0), 0.15, 0.65, 0.15)
    crouch = ease(0.3 + take.wander(0.5, 0.08, 0.2)) * aiming
    lower(figure, 0.22 * take.vigour * crouch)
    figure.bend("Hip", 0.3 * crouch)
    figure.stoop(0.2 * crouch + 0.1 * aiming)
    figure.look(0.0, 0.15 - 0.35 * crouch)
    for side in (0, 1):
        face = figure.beside("Head", _sideways(side, 0.3, 0.09, -0.12) + take.wander_3d(0.006))
        figure.move_hand(side, 0.25 + 0.75 * aiming, face, _sideways(side, 0.0, 0.45, -1.0))
    return figure


def posing(take: Take) -> Figure:
    """Strike one pose after another and hold it: hands on hips, on the head, arms folded."""
    figure = stand(take, turning=0.8, pause=3.2)
    phase = take.phase(3.2, 0.02)
    lean = take.by_cycle(phase, np.full(3, -1.0), np.full(3, 1.0))
    figure.stoop(0.05 * lean[:, 0] - 0.05, 0.14 * lean[:, 1], 0.2 * lean[:, 2])
    figure.look(0.3 * lean[:, 1], 0.12 * lean[:, 0])
    for side in (0, 1):
        chosen = take.choice_by_cycle(phase, 4)
        places = (
            figure.wrists[:, side],
            figure.beside("Hip", _sideways(side, 0.02, 0.2, 0.12)),
            figure.beside("Head", _sideways(side, 0.0, 0.15, 0.05)),
            np.tile(_sideways(side, 0.24, -0.06, -0.2), (len(phase), 1)),
        )
        elbows = (
            _sideways(side, -1.0, 0.4, -0.3),
            _sideways(side, -0.35, 1.0, 0.1),
            _sideways(side, 0.4, 1.0, 0.0),
            _sideways(side, -0.2, 0.7, -0.9),
        )
        between = 1.0 - np.sum(chosen**2, axis=-1)
        place = np.einsum("fp,pfc->fc", chosen, places)
        place += between[:, None] * _sideways(side, 0.6, 0.3, 0.0)
        figure.move_hand(side, 1.0, place, chosen @ elbows)
    return figure


def purchases(take: Take) -> Figure:
    """Bend down for goods on low shelves, lift them and hold them before the chest."""
    figure = stand(take, spread=0.2, turning=0.6)
    phase = take.phase(3.6)
    bent = pulse(phase, 0.25, 0.18, 0.27)
    depth = take.by_cycle(phase, np.array([0.55]), np.array([1.05]))[:, 0] * bent
    lower(figure, 0.3 * depth)
    figure.bend("Hip", 0.6 * depth)
    figure.stoop(0.55 * depth)
    figure.look(0.0, 0.3 * depth)
    for side in (0, 1):
        held = _sideways(side, 0.3, 0.13, -0.26) + take.wander_3d(0.02)
        figure.move_hand(side, 0.85, held, _sideways(side, -0.6, 0.6, -0.8))
        low = _sideways(side, 0.36, 0.14, -0.4) + take.wander_3d(0.02)
        reaching = bent if side == take.side else 0.6 * bent
        figure.move_hand(side, reaching, low, _sideways(side, -0.6, 0.7, -0.3))
    return figure


def sitting(take: Take) -> Figure:
    """Sit on a chair, legs crossed now and then, hands in the lap, leaning one way or another."""
    figure = sit(take, cross_legs=True)
    phase = take.phase(4.5)
    lean = take.by_cycle(phase, np.array([-1.0, -1.0]), np.array([1.0, 1.0]))
    figure.bend("Hip", 0.12 * lean[:, 0])
    figure.stoop(0.15 * lean[:, 0], 0.1 * lean[:, 1], 0.1 * lean[:, 1])
    folding = ease(0.3 + take.wander(0.6, 0.06, 0.2))
    for side in (0, 1):
        lap = figure.beside("Hip", _sideways(side, 0.24, 0.04, 0.13))
        figure.move_hand(side, folding, lap, _sideways(side, -0.5, 0.9, -0.4))
    return figure


def sitting_down(take: Take) -> Figure:
    """Sit down on the floor, a hand first, with legs crossed or stretched out."""
    figure, down = sit_down(take, stretched=bool(take.random.random() < 0.5))
    support = ease((down - 0.35) / 0.4)
    staying = ease((down - 0.9) / 0.1)
    for side in (0, 1):
        floor = from_ground(figure.hips, figure.heading, -0.18, 0.3 * _outward(side), 0.07)
        leaning = support if side == take.side else 0.3 * support
        figure.move_hand(side, leaning, figure.in_chest(floor), _sideways(side, -1.0, 0.6, 0.0))
        lap = figure.beside("Hip", _sideways(side, 0.3, 0.14, 0.16) + take.wander_3d(0.03))
        weight = staying * (0.3 if side == take.side else 1.0)
        figure.move_hand(side, weight, lap, _sideways(side, -0.5, 0.9, -0.4))
    return figure


def smoking(take: Take) -> Figure:
    """Sit and smoke: a hand to the mouth, a while there, and slowly away."""
    figure = sit(take, cross_legs=bool(take.random.random() < 0.6))
    puff = pulse(take.phase(3.8), 0.18, 0.22, 0.25)
    rest = _sideways(take.side, 0.3, 0.26, -0.3) + take.wander_3d(0.03)
    figure.move_hand(take.side, 1.0, rest, _sideways(take.side, -0.6, 0.8, -0.6))
    figure.look(0.0, -0.15 * puff)
    _hand_at_head(figure, take, take.side, puff, (0.18, 0.05, -0.15))
    return figure


def waiting(take: Take) -> Figure:
    """Stand about with arms folded, shift from leg to leg, look at the watch and around."""
    figure = stand(take, pause=2.0)
    figure.look(take.wander(0.35, 0.1, 0.3), 0.0)
    folded = ease(0.7 + take.wander(0.7, 0.05, 0.15))
    watch = pulse(take.phase(5.5), 0.12, 0.2, 0.12)
    figure.look(0.0, 0.35 * watch)
    for side in (0, 1):
        higher = 0.04 if side == take.side else 0.0
        place = _sideways(side, 0.22, -0.07, -0.2 - higher) + take.wander_3d(0.006)
        figure.move_hand(side, folded, place, _sideways(side, -0.15, 0.7, -0.9))
    wrist = 1 - take.side
    figure.move_hand(
        wrist, watch, _sideways(wrist, 0.3, 0.02, -0.08), _sideways(wrist, -0.2, 1.0, -0.5)
    )
    return figure


def walk_dog(take: Take) -> Figure:
    """Walk behind a dog that pulls on its leash: one arm stretched forward, unsteady, leaning."""
    pull = take.wander(0.5, 0.2, 0.7)
    figure = walk(take, 1.0, swing=0.8, lean=-0.03)
    figure.stoop(0.12 * ease(0.5 + pull), 0.0, 0.12 * _outward(1 - take.side))
    figure.look(0.0, 0.25)
    reachable = 0.85 * (take.body.length("LElbow") + take.body.length("LWrist"))
    ahead = reachable * (0.85 + 0.15 * np.tanh(pull))
    wobble = take.wander_3d(0.035, 0.3, 1.5)
    place = wobble + np.stack(
        [ahead, np.full_like(ahead, 0.14 * _outward(take.side)), np.full_like(ahead, -0.28)],
        axis=-1,
    )
    figure.move_hand(take.side, 1.0, place, _sideways(take.side, -0.6, 0.5, -1.0))
    return figure


def walking(take: Take) -> Figure:
    """Walk with swinging arms."""
    return walk(take, 1.15)


def walk_together(take: Take) -> Figure:
    """Stroll arm in arm with somebody beside, face turned to them, the other arm swinging."""
    figure = walk(take, 0.85, swing=0.8)
    outward = _outward(take.side)
    chatting = ease(0.6 + take.wander(0.6, 0.1, 0.3))
    figure.look(0.7 * outward * chatting, 0.0)
    figure.stoop(0.0, 0.03 * outward, 0.12 * outward * chatting)
    linked = _sideways(take.side, 0.2, 0.16, -0.26) + take.wander_3d(0.012)
    figure.move_hand(take.side, 1.0, linked, _sideways(take.side, -0.5, 1.0, -0.6))
    return figure


ACTIONS: dict[str, Callable[[Take], Figure]] = {
    "Directions": directions,
    "Discussion": discussion,
    "Eating": eating,
    "Greeting": greeting,
    "Phoning": phoning,
    "Photo": photo,
    "Posing": posing,
    "Purchases": purchases,
    "Sitting": sitting,
    "SittingDown": sitting_down,
    "Smoking": smoking,
    "Waiting": waiting,
    "WalkDog": walk_dog,
    "Walking": walking,
    "WalkTogether": walk_together,
}
"""The motions by Human3.6M's names."""
