"""dataset.json: how a user tells what their own arrays are; the layout is told in docs/data.md."""

import math
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from harness.body.camera import Camera, ScreenSide
from harness.body.skeleton import Skeleton, register_skeleton, skeleton_called
from harness.datasets.importers import importer_names
from harness.datasets.prepared import Split
from harness.foundation.errors import HarnessError
from harness.foundation.files import read_json
from harness.foundation.settings import Name, validated

FILE_NAME = "dataset.json"


class SkeletonDescription(BaseModel):
    """A skeleton of one's own.

    Attributes:
        name: what files and contracts call it.
        joints: names of the joints, in the order of the arrays.
        parents: for each joint the name of its parent, null for the root.
        left: names of the joints of the left side.
        right: names of their mirror images, in the same order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    joints: tuple[str, ...]
    parents: tuple[str | None, ...]
    left: tuple[str, ...]
    right: tuple[str, ...]

    @model_validator(mode="after")
    def _joints_exist(self) -> "SkeletonDescription":
        named = {*self.left, *self.right, *filter(None, self.parents)}
        if unknown := sorted(named - set(self.joints)):
            raise ValueError(f"only joints that exist (not {', '.join(unknown)})")
        return self

    def skeleton(self) -> Skeleton:
        """Return the skeleton, indices in place of names."""
        number = {joint: index for index, joint in enumerate(self.joints)}
        return Skeleton(
            name=self.name,
            joints=self.joints,
            parents=tuple(-1 if parent is None else number[parent] for parent in self.parents),
            left=tuple(number[joint] for joint in self.left),
            right=tuple(number[joint] for joint in self.right),
        )


class SourceDescription(BaseModel):
    """A source of 2D keypoints in the files.

    Attributes:
        layout: name of its skeleton.
        exact: whether it is ground truth.
        confidence: whether files hold `confidence/NAME` as well.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: str
    exact: bool = False
    confidence: bool = False


class CameraDescription(BaseModel):
    """A camera; see `harness.body.camera.Camera`, which is made of it. Pixels, metres."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(gt=0)
    height: int = Field(gt=0)
    focal_length: tuple[float, float]
    center: tuple[float, float]
    radial_distortion: tuple[float, float, float] = (0.0, 0.0, 0.0)
    tangential_distortion: tuple[float, float] = (0.0, 0.0)
    orientation: tuple[float, float, float, float] | None = None
    translation: tuple[float, float, float] | None = None
    screen: ScreenSide | None = None

    @field_validator("focal_length")
    @classmethod
    def _positive(cls, value: tuple[float, float]) -> tuple[float, float]:
        if min(value) <= 0:
            raise ValueError("positive focal lengths in pixels")
        return value

    @field_validator("orientation")
    @classmethod
    def _unit(cls, value: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if value is not None and abs(math.hypot(*value) - 1) > 0.01:
            raise ValueError("a unit quaternion w, x, y, z")
        return value

    @property
    def placed(self) -> bool:
        """Whether it is known where in the world the camera stands."""
        return self.orientation is not None and self.translation is not None

    def camera(self, name: str) -> Camera:
        """Return the camera."""
        return Camera(name=name, **self.model_dump())


class ClipDescription(BaseModel):
    """A clip: one file, one take seen by one camera.

    Attributes:
        file: path of the .npz file below the folder.
        subject: whose motion it is.
        action: what protocols average over.
        subaction: the take, where a subject does an action more than once.
        camera: one of the cameras.
        split: train, validation or test.
        fps: frames a second, where they differ from the data set's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    subject: Name
    action: str = Field(min_length=1)
    subaction: str = ""
    camera: str
    split: Split
    fps: float | None = Field(default=None, gt=0)

    @field_validator("file")
    @classmethod
    def _below(cls, file: str) -> str:
        path = PurePosixPath(file)
        if path.is_absolute() or ".." in path.parts or path.suffix != ".npz":
            raise ValueError("the path of an .npz file below the folder")
        return file


class Description(BaseModel):
    """What dataset.json says.

    Attributes:
        name: what manifests and results call the data set.
        title: what tables call it.
        licence: what may be done with it, in one line.
        citation: the line to print wherever numbers made from it are published.
        fps: frames a second.
        skeleton: joints of the 3D positions: one of those built in or of `skeletons`.
        skeletons: skeletons of one's own, for 3D or 2D.
        space: whether 3D is in each camera's space or in the world's; "none" where there is none.
        sources_2d: the 2D sources by name; "gt" is projected from 3D unless it stands here.
        cameras: the cameras by name.
        clips: the clips.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    title: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    citation: str
    fps: float = Field(gt=0)
    skeleton: str
    skeletons: list[SkeletonDescription] = Field(default_factory=list)
    space: Literal["camera", "world", "none"]
    sources_2d: dict[Name, SourceDescription] = Field(default_factory=dict)
    cameras: dict[str, CameraDescription]
    clips: list[ClipDescription] = Field(min_length=1)

    @field_validator("name")
    @classmethod
    def _own_name(cls, name: str) -> str:
        if name in importer_names():
            raise ValueError(f"a name of its own, because {name} is another data set")
        return name

    @model_validator(mode="after")
    def _fits_together(self) -> "Description":
        for clip in self.clips:
            if clip.camera not in self.cameras:
                raise ValueError(
                    f"clip {clip.file} names camera '{clip.camera}', which is not among cameras "
                    f"({', '.join(self.cameras)})"
                )
            if self.space == "world" and not self.cameras[clip.camera].placed:
                raise ValueError(
                    f"camera '{clip.camera}' lacks orientation or translation, which 3D in the "
                    "world needs"
                )
        if self.space == "none" and not self.sources_2d:
            raise ValueError("there are neither 3D nor sources_2d; name what the files hold")
        return self

    def resolved_skeleton(self) -> Skeleton:
        """Return the skeleton of 3D; from now on all skeletons of the description are known.

        Raises:
            HarnessError: a skeleton is none, is unknown or has the name of another one.
        """
        for own in self.skeletons:
            register_skeleton(own.skeleton())
        for source in self.sources_2d.values():
            skeleton_called(source.layout)
        return skeleton_called(self.skeleton)


def read_description(raw: Path) -> tuple[Description, Skeleton]:
    """Read dataset.json of a folder; return it with the skeleton of its 3D.

    Raises:
        HarnessError: it is missing or says something that cannot be.
    """
    path = raw / FILE_NAME
    if not path.exists():
        raise HarnessError(
            f"{path}: no such file; it says what the arrays of this folder are, as docs/data.md "
            "shows under 'custom'; a detector's files need none, but lie in the folder itself"
        )
    content: Any = read_json(path)
    if not isinstance(content, dict):
        raise HarnessError(f"{path}: is no JSON object; docs/data.md tells what it must say")
    description = validated(Description, content, str(path))
    try:
        return description, description.resolved_skeleton()
    except HarnessError as error:
        raise HarnessError(f"{path}: {error}") from error
