"""Which joint of a BVH hierarchy is which of Human3.6M's, said by a small YAML file.

Files for known hierarchies ship in `skeletons/`; one of your own has the same form:

    title: Our recordings
    metres_per_unit: 0.01        # where it is known; else it is inferred from the length of legs
    joints:
      Hip: {LeftUpLeg: 0.5, RightUpLeg: 0.5}     # weights that sum to 1
      RHip: RightUpLeg                           # or one joint
      Head: end of Head                          # where the bone Head ends (End Site)
      ...                                        # all 17 of them
"""

from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from harness.body.skeleton import H36M_17
from harness.datasets.bvh.reader import BvhMotion
from harness.datasets.derived_joints import mean_weights
from harness.foundation.budget import BUDGET
from harness.foundation.errors import HarnessError
from harness.foundation.files import read_text
from harness.foundation.plain_yaml import parse_yaml
from harness.foundation.settings import validated
from harness.foundation.shown import shown
from harness.foundation.suggest import unknown_name

_TOLD_JOINTS = 40

Weight = Annotated[float, Field(allow_inf_nan=False)]
Array = NDArray[np.float64]


class SkeletonMapping(BaseModel):
    """What a mapping file says.

    Attributes:
        title: what tables call data with this hierarchy.
        licence: what may be done with them, in one line.
        citation: the line to print wherever numbers made from them are published.
        metres_per_unit: length of the files' unit in metres; None where files differ.
        up: the axis of the files that points up.
        joints: by joint of Human3.6M, a joint of the files or the weights of several.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(min_length=1)
    licence: str = Field(default="as the makers of the files say", min_length=1)
    citation: str = ""
    metres_per_unit: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    up: Literal["y", "z"] = "y"
    joints: dict[str, str | dict[str, Weight]]

    @field_validator("joints")
    @classmethod
    def _all_joints(
        cls, joints: dict[str, str | dict[str, float]]
    ) -> dict[str, str | dict[str, float]]:
        odd = sorted(set(joints) ^ set(H36M_17.joints))
        if odd:
            raise ValueError(f"each of {', '.join(H36M_17.joints)} once (not so: {odd[0][:60]})")
        for joint, made_of in joints.items():
            if isinstance(made_of, dict) and abs(sum(made_of.values()) - 1) > 1e-6:
                raise ValueError(f"weights of {joint} that sum to 1, not {sum(made_of.values()):g}")
        return joints

    @property
    def weights(self) -> dict[str, dict[str, float]]:
        """By joint of Human3.6M, the weight of each joint of the files."""
        return {
            joint: {made_of: 1.0} if isinstance(made_of, str) else made_of
            for joint, made_of in self.joints.items()
        }

    @property
    def needed(self) -> list[str]:
        """The joints of the files that are used, each once."""
        return list(dict.fromkeys(name for made in self.weights.values() for name in made))

    def mapped(self, motion: BvhMotion) -> Array:
        """Return Human3.6M's joints, (frames, 17, 3), z up, in the file's unit.

        Raises:
            HarnessError: the file's hierarchy lacks a joint.
        """
        missing = [name for name in self.needed if name not in motion.index]
        if missing:
            raise HarnessError(_lacking(motion, missing, self.title))
        weights = mean_weights(H36M_17.joints, self.needed, self.weights)
        joints = np.einsum("jn,fnc->fjc", weights, motion.places(self.needed))
        if self.up == "z":
            return joints
        x, y, z = np.moveaxis(joints, -1, 0)
        return np.stack([x, -z, y], axis=-1)


def mapping_called(name: str) -> SkeletonMapping:
    """Return the shipped mapping of this name, or that of the YAML file at this path.

    Raises:
        HarnessError: there is none, or the file is no mapping.
    """
    folder = resources.files("harness.datasets.bvh").joinpath("skeletons")
    shipped = sorted(
        path.name.removesuffix(".yaml") for path in folder.iterdir() if path.name.endswith(".yaml")
    )
    if name in shipped:
        text = folder.joinpath(f"{name}.yaml").read_text("utf-8")
    elif Path(name).suffix in (".yaml", ".yml"):
        text = read_text(Path(name), BUDGET.yaml_bytes, "YAML")
    else:
        raise unknown_name("skeleton (or give the path of a .yaml file)", name, shipped)
    content = parse_yaml(text, name)
    if not isinstance(content, dict):
        raise HarnessError(f"{name}: is no mapping of joints; docs/data.md shows one under 'bvh'")
    return validated(SkeletonMapping, content, name)


def _lacking(motion: BvhMotion, missing: list[str], title: str) -> str:
    names = [joint.name for joint in motion.joints]
    more = f" and {len(names) - _TOLD_JOINTS} more" if len(names) > _TOLD_JOINTS else ""
    found = ", ".join(shown(name, 60) for name in names[:_TOLD_JOINTS])
    joints = "joint" if len(missing) == 1 else "joints"
    return (
        f"{motion.path}: lacks the {joints} {', '.join(missing)}, which the mapping '{title}' "
        f"needs, letter by letter; found {found}{more}; choose or write another mapping (option "
        "skeleton)"
    )
