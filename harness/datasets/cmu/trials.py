"""What is known of single trials of the CMU database: action names and defects.

Descriptions: the database's own index (mocap.cs.cmu.edu). Defects were found by looking for
repeated frames, held angles and jumps of joints in the files; frames count from 1, as in the files.
"""

from collections.abc import Sequence
from dataclasses import dataclass

UNLABELLED = "Unlabelled"

ACTIONS = {
    "01_01": "Playground-jumps",
    **{f"01_{number:02d}": "Playground-climb" for number in range(2, 15)},
    "02_01": "Walk",
    "02_02": "Walk",
    "02_03": "Jog",
    "02_04": "Jump",
    "02_05": "Punch",
    "02_06": "Scoop",
    "02_07": "Swordplay",
    "02_08": "Swordplay",
    "02_09": "Swordplay",
    "02_10": "Wash",
    **{f"03_{number:02d}": "UnevenWalk" for number in range(1, 5)},
}
"""Action name by trial, after the description in the database's index."""


@dataclass(frozen=True)
class Defect:
    """Frames of a trial that show no real motion and are left out.

    Attributes:
        first: the first frame, counted from 1.
        last: the last frame.
        what: what is wrong with them.
    """

    first: int
    last: int
    what: str


# 03_02 holds its head and neck angles in frames 252-335 and its right foot's in 167-254. These
# frames stay: the head then turns with the neck, which is a possible pose, joins its surroundings
# with steps under 3 cm, and the foot's angle moves only the toes, which none of the 17 joints is.
DEFECTS: dict[str, Sequence[Defect]] = {
    "01_03": [Defect(3088, 3120, "right arm stuck, then jumps")],
    "01_06": [Defect(4756, 4760, "right thigh flipped")],
    "01_07": [Defect(3342, 3365, "one repeated frame, then the body jumps 20 cm")],
    "01_12": [Defect(1721, 1722, "left thigh jumps")],
    "01_14": [Defect(2053, 2060, "pelvis wobbles by up to 10 cm")],
    "03_02": [Defect(1, 50, "upper-body angles are all 0, frames 11-24 are one repeated frame")],
}
"""Defects by trial."""
