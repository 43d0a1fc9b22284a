"""A figure in motion: what an action decides, and the joints that follow from it.

An action decides where the hips are, how trunk and head are bent, where ankles and wrists go and to
which side knees and elbows point. The angles of legs and arms follow by inverse kinematics, all
angles are held within human limits, and forward kinematics makes the joints.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.body.kinematics import forward_kinematics, rotation_about
from harness.body.skeleton import H36M_17
from harness.datasets.synthetic.anatomy import (
    angles_of,
    bone_rotations,
    greatest_bend,
    into_axes,
    out_of_axes,
    reach,
    within_limits,
)
from harness.datasets.synthetic.subjects import SIDES, Body
from harness.datasets.synthetic.take import ease

Array = NDArray[np.float64]
Angle = Array | float

_THORAX = H36M_17.index("Thorax")


@dataclass
class Figure:
    """What an action decides, by frame; left before right.

    Attributes:
        body: the person.
        hips: (frames, 3) place of the Hip joint in the world.
        heading: (frames,) direction of the pelvis, radians from the world's x axis.
        ankles: (frames, 2, 3) targets in the world.
        angles: (frames, 17, 3) radians; see anatomy. Those of the limbs follow from the targets.
        knees_out: (frames, 2) radians by which knees point outward from the heading.
        wrists: (frames, 2, 3) targets in the axes of the chest, from the Thorax joint, metres.
        elbows: (frames, 2, 3) directions in which elbows point, in the axes of the chest.
    """

    body: Body
    hips: Array
    heading: Array
    ankles: Array
    angles: Array = field(init=False)
    knees_out: Array = field(init=False)
    wrists: Array = field(init=False)
    elbows: Array = field(init=False)

    def __post_init__(self) -> None:
        frames = len(self.hips)
        self.angles = np.zeros((frames, len(H36M_17), 3))
        self.knees_out = np.full((frames, 2), 0.15)
        self.wrists = np.zeros((frames, 2, 3))
        self.elbows = np.zeros((frames, 2, 3))
        for side in (0, 1):
            self.let_hang(side, 0.0, 0.12, 0.3)

    def bend(self, joint: str, flexion: Angle, sideways: Angle = 0.0, turn: Angle = 0.0) -> None:
        """Add to the angles of a bone of trunk or head, radians."""
        for axis, angle in enumerate((flexion, sideways, turn)):
            self.angles[:, H36M_17.index(joint), axis] += angle

    def look(self, left: Angle, down: Angle) -> None:
        """Turn the face to the left and down, radians; neck and head share the turn."""
        for joint in ("Neck/Nose", "Head"):
            self.bend(joint, np.multiply(0.5, down), 0.0, np.multiply(0.5, left))

    def stoop(self, forward: Angle, left: Angle = 0.0, twist: Angle = 0.0) -> None:
        """Bend the back, radians; its lower and upper half share the bend."""
        for joint in ("Spine", "Thorax"):
            self.bend(joint, *(np.multiply(0.5, angle) for angle in (forward, left, twist)))

    def let_hang(self, side: int, flexion: Angle, sideways: Angle, elbow: Angle) -> None:
        """Let an arm hang from its shoulder at these angles, radians."""
        name, outward = SIDES[side], 1 - 2 * side
        upper, lower = self.body.length(f"{name}Elbow"), self.body.length(f"{name}Wrist")
        zero = np.zeros(len(self.hips))
        arm = rotation_about(1, zero - flexion) @ rotation_about(0, zero + outward * sideways)
        forearm = np.stack([np.sin(zero + elbow), zero, -np.cos(zero + elbow)], axis=-1)
        hand = out_of_axes(arm, upper * np.array([0.0, 0.0, -1.0]) + lower * forearm)
        self.wrists[:, side] = self.body.offsets[H36M_17.index(f"{name}Shoulder")] + hand
        self.elbows[:, side] = out_of_axes(arm, np.tile([-1.0, 0.0, 0.0], (len(zero), 1)))

    def move_hand(self, side: int, weight: Angle, wrist: Array, elbow: ArrayLike) -> None:
        """Move a hand from where it is toward a place in the chest's axes.

        Args:
            side: 0 = left, 1 = right.
            weight: 0 leaves it where it is, 1 takes it there; between, it bows out to the front.
            wrist: (frames, 3) or (3,) metres from the Thorax joint.
            elbow: (frames, 3) or (3,) direction in which the elbow points then.
        """
        part = np.broadcast_to(weight, len(self.hips))[:, None]
        bow = part * (1 - part) * np.array([0.35, 0.1 * (1 - 2 * side), 0.0])
        self.wrists[:, side] += part * (wrist - self.wrists[:, side]) + bow
        self.elbows[:, side] += part * (np.asarray(elbow) - self.elbows[:, side])

    def beside(self, joint: str, offset: Array | tuple[float, float, float]) -> Array:
        """Return in the chest's axes (frames, 3) a place given in the axes of another bone.

        Args:
            joint: end of a bone of trunk or head, from which the place is counted.
            offset: (frames, 3) or (3,), metres for a person of 1.75 m; it grows with stature.
        """
        ends, turned = self._bones()
        bone = H36M_17.index(joint)
        away = np.broadcast_to(np.multiply(offset, self.body.stature / 1.75), self.hips.shape)
        place = ends[:, bone] + out_of_axes(turned[:, bone], away)
        return into_axes(turned[:, _THORAX], place - ends[:, _THORAX])

    def in_chest(self, world: Array) -> Array:
        """Return in the chest's axes a place (frames, 3) of the world."""
        ends, turned = self._bones()
        return into_axes(turned[:, _THORAX], world - ends[:, _THORAX])

    def joints(self) -> Array:
        """Return the joints (frames, 17, 3) in world metres, in the order of H36M_17."""
        self._raise_shoulders()
        ends, turned = self._bones()
        for side, name in enumerate(SIDES):
            toward = self.heading + (1 - 2 * side) * self.knees_out[:, side]
            knee = np.stack([np.cos(toward), np.sin(toward), np.full_like(toward, 0.3)], axis=-1)
            pelvis, socket = turned[:, H36M_17.root], ends[:, H36M_17.index(f"{name}Hip")]
            self._set_limb(
                (f"{name}Knee", f"{name}Foot"),
                into_axes(pelvis, self.ankles[:, side] - socket),
                into_axes(pelvis, knee),
            )
            joint = H36M_17.index(f"{name}Shoulder")
            chest, shoulder = turned[:, _THORAX], turned[:, joint]
            away = ends[:, _THORAX] - ends[:, joint]
            self._set_limb(
                (f"{name}Elbow", f"{name}Wrist"),
                into_axes(shoulder, away + out_of_axes(chest, self.wrists[:, side])),
                into_axes(shoulder, out_of_axes(chest, self.elbows[:, side])),
            )
        return self._bones()[0]

    def _set_limb(self, bones: tuple[str, str], target: Array, pole: Array) -> None:
        upper, lower = (H36M_17.index(bone) for bone in bones)
        lengths = self.body.length(bones[0]), self.body.length(bones[1])
        most, backward = greatest_bend(bones[1]), bones[1].endswith("Foot")
        rotation, bend = reach(target, *lengths, pole, most, backward)
        self.angles[:, upper] = angles_of(rotation, bones[0])
        self.angles[:, lower, 0] = bend

    def _raise_shoulders(self) -> None:
        for side, name in enumerate(SIDES):
            height = self.wrists[:, side, 2] / self.body.length(f"{name}Elbow")
            self.angles[:, H36M_17.index(f"{name}Shoulder"), 1] = 0.4 * ease(0.4 + 0.5 * height)

    def _bones(self) -> tuple[Array, Array]:
        rotations = bone_rotations(within_limits(self.angles))
        root = H36M_17.root
        rotations[:, root] = rotation_about(2, self.heading) @ rotations[:, root]
        return forward_kinematics(H36M_17.parents, self.body.offsets, rotations, self.hips)
