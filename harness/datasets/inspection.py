"""What a prepared set holds: counts, bone lengths, gaps, and how far its 2D sources are off."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from tabulate import tabulate

from harness.datasets.clip_names import clip_names
from harness.datasets.prepared import PreparedSet
from harness.foundation.dotted import dotted
from harness.foundation.errors import HarnessError

_FARTHEST = 5
_GROUPS = ("split", "subject", "action", "camera")


class Count(BaseModel):
    """Clips and frames of one split, subject, action or camera."""

    model_config = ConfigDict(frozen=True)

    by: str
    name: str
    clips: int
    frames: int


class BoneLength(BaseModel):
    """Length of one subject's bone over all frames, in millimetres.

    `other_side` is the mean of the same bone of the other side of the body, where there is one.
    """

    model_config = ConfigDict(frozen=True)

    subject: str
    bone: str
    mean: float
    least: float
    greatest: float
    other_side: float | None


class FarClip(BaseModel):
    """A clip whose 2D lies far from the projection of its 3D, in pixels on average."""

    model_config = ConfigDict(frozen=True)

    clip: str
    mean_error_px: float


class SourceSummary(BaseModel):
    """A 2D source: how much of it is missing or outside the image, and how far off it is.

    `mean_error_px` is over all joints that it shares with the exact source; None where there is no
    exact source to compare with. `farthest` names the clips with the largest error: a detector is
    worse on some, but a take whose 3D is shifted against its video shows here too.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    layout: str
    exact: bool
    confidence: bool
    missing_values: int
    outside_image: float
    mean_error_px: float | None
    farthest: list[FarClip]


class Expectation(BaseModel):
    """A count that a complete set of this name has, beside the one found."""

    model_config = ConfigDict(frozen=True)

    what: str
    least: int
    greatest: int
    found: int

    @property
    def met(self) -> bool:
        """Whether the count found is as expected."""
        return self.least <= self.found <= self.greatest


class Inspection(BaseModel):
    """Everything `harness data inspect` prints; see the classes of its parts."""

    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    path: str
    data_hash: str
    skeleton: str
    licence: str
    citation: str
    options: dict[str, Any]
    frame_rates: list[float]
    clips: int
    frames: int
    frames_not_scored: int
    missing_values: int
    counts: list[Count]
    expected: list[Expectation]
    bones: list[BoneLength]
    sources_2d: list[SourceSummary]
    notes: list[str]

    def text(self) -> str:
        """Return the inspection as a page of text."""
        scored = f", {self.frames_not_scored} of them not scored" if self.frames_not_scored else ""
        rates = ", ".join(f"{rate:g}" for rate in self.frame_rates)
        parts = [
            f"{self.title} ({self.name}) in {self.path}, data hash {self.data_hash[:12]}",
            f"{self.clips} clips, {self.frames} frames{scored}, {rates} frames a second, skeleton "
            f"{self.skeleton}, {self.missing_values} missing 3D values",
        ]
        for by in _GROUPS:
            rows = [
                (count.name, count.clips, count.frames) for count in self.counts if count.by == by
            ]
            parts.append(_table(rows, (by, "clips", "frames")))
        if self.expected:
            parts.append(
                _table(
                    [
                        (item.what, item.found, _range(item), "yes" if item.met else "NO")
                        for item in self.expected
                    ],
                    ("count", "found", "expected", "as expected"),
                )
            )
        if self.bones:
            lengths = [
                (bone.subject, bone.bone, bone.mean, bone.least, bone.greatest, bone.other_side)
                for bone in self.bones
            ]
            headers = ("subject", "bone", "mean mm", "least", "greatest", "other side")
            parts.append(_table(lengths, headers))
        parts.append(
            _table(
                [
                    (
                        source.name,
                        source.layout,
                        "exact" if source.exact else "detected",
                        "yes" if source.confidence else "no",
                        source.missing_values,
                        f"{100 * source.outside_image:.2f} %",
                        source.mean_error_px,
                    )
                    for source in self.sources_2d
                ],
                ("2D source", "joints", "kind", "confidence", "missing", "outside", "error px"),
            )
        )
        far = [
            (source.name, clip.clip, clip.mean_error_px)
            for source in self.sources_2d
            for clip in source.farthest
        ]
        if far:
            parts.append(_table(far, ("2D source", "clips farthest from 3D", "error px")))
        if self.options:
            told = (f"{name} {_plain(value)}" for name, value in dotted(self.options).items())
            parts.append(f"Options: {'; '.join(told)}")
        parts += self.notes and [
            "Notes of the importer:\n" + "\n".join(f"- {n}" for n in self.notes)
        ]
        parts.append(f"Licence: {self.licence}\nCitation: {self.citation}")
        return "\n\n".join(parts)


def inspect_set(
    prepared: PreparedSet, expected: Mapping[str, tuple[int, int]] | None = None
) -> Inspection:
    """Look through a prepared set, one clip in memory at a time.

    Args:
        prepared: the set.
        expected: least and greatest count by what is counted: "clips", "frames" or a split before
            one of them, such as "test frames", or "test frames to score"; an importer's
            `expected_counts`.

    Returns:
        What was found.
    """
    clips, manifest = prepared.clips, prepared.manifest
    bones = _Bones(prepared) if manifest.has_3d else None
    sources = [_SourceSums(prepared, name) for name in sorted(manifest.sources_2d)]
    missing = 0
    for clip, name in zip(clips.to_dict("records"), clip_names(clips), strict=True):
        rows = slice(int(clip["first_row"]), int(clip["first_row"]) + int(clip["frames"]))
        if bones is not None:
            positions = np.asarray(prepared.positions_3d[rows], dtype=np.float64)
            missing += int(np.count_nonzero(~np.isfinite(positions)))
            bones.add(str(clip["subject"]), positions)
        for source in sources:
            source.add(name, str(clip["camera"]), rows)
    counts = [
        Count(by=by, name=str(name), clips=len(group), frames=int(group["frames"].sum()))
        for by in _GROUPS
        for name, group in clips.groupby(by, sort=True)
    ]
    return Inspection(
        name=manifest.name,
        title=manifest.title,
        path=str(prepared.path),
        data_hash=prepared.data_hash,
        skeleton=manifest.skeleton,
        licence=manifest.licence,
        citation=manifest.citation,
        options=manifest.settings,
        frame_rates=sorted(clips["fps"].unique().tolist()),
        clips=len(clips),
        frames=prepared.rows,
        frames_not_scored=0 if prepared.valid is None else int((~prepared.valid).sum()),
        missing_values=missing,
        counts=counts,
        expected=_expectations(prepared, expected or {}),
        bones=[] if bones is None else bones.lengths(),
        sources_2d=[source.summary() for source in sources],
        notes=manifest.notes,
    )


def _expectations(
    prepared: PreparedSet, expected: Mapping[str, tuple[int, int]]
) -> list[Expectation]:
    clips = prepared.clips
    scored = np.ones(prepared.rows, bool) if prepared.valid is None else prepared.valid
    found = {"clips": len(clips), "frames": int(clips["frames"].sum())}
    for split in ("train", "validation", "test"):
        chosen = clips[clips["split"] == split]
        found[f"{split} clips"] = len(chosen)
        found[f"{split} frames"] = int(chosen["frames"].sum())
        rows = np.repeat(clips["split"].to_numpy() == split, clips["frames"].to_numpy())
        found[f"{split} frames to score"] = int(np.count_nonzero(rows & scored))
    return [
        Expectation(what=what, least=least, greatest=greatest, found=found[what])
        for what, (least, greatest) in expected.items()
    ]


class _Bones:
    """Sums of bone lengths by subject."""

    def __init__(self, prepared: PreparedSet) -> None:
        self.skeleton = prepared.skeleton
        self.parents, self.children = np.array(self.skeleton.edges).T
        self.by_subject: dict[str, _Lengths] = {}

    def add(self, subject: str, positions: NDArray[np.float64]) -> None:
        lengths = np.linalg.norm(positions[:, self.children] - positions[:, self.parents], axis=-1)
        sums = self.by_subject.setdefault(subject, _Lengths(len(self.children)))
        sums.frames += len(lengths)
        sums.total += lengths.sum(axis=0)
        sums.least = np.minimum(sums.least, lengths.min(axis=0))
        sums.greatest = np.maximum(sums.greatest, lengths.max(axis=0))

    def lengths(self) -> list[BoneLength]:
        joints, mirror = self.skeleton.joints, self.skeleton.mirror
        bone_to = {int(child): bone for bone, child in enumerate(self.children)}
        found = []
        for subject, sums in sorted(self.by_subject.items()):
            mean = 1000 * sums.total / sums.frames
            for bone, (parent, child) in enumerate(self.skeleton.edges):
                other = bone_to[mirror[child]]
                found.append(
                    BoneLength(
                        subject=subject,
                        bone=f"{joints[parent]} - {joints[child]}",
                        mean=mean[bone],
                        least=1000 * sums.least[bone],
                        greatest=1000 * sums.greatest[bone],
                        other_side=None if other == bone else mean[other],
                    )
                )
        return found


@dataclass
class _Lengths:
    bones: int
    frames: int = 0
    total: NDArray[np.float64] = field(init=False)
    least: NDArray[np.float64] = field(init=False)
    greatest: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.total = np.zeros(self.bones)
        self.least = np.full(self.bones, np.inf)
        self.greatest = np.zeros(self.bones)


class _SourceSums:
    """Sums over the keypoints of one 2D source, and over its distance from the exact source."""

    def __init__(self, prepared: PreparedSet, name: str) -> None:
        self.prepared, self.name = prepared, name
        self.kind = prepared.manifest.sources_2d[name]
        self.layout = prepared.layout(name)
        self.points, self.exact = prepared.keypoints_2d(name), None
        exact = [other for other, kind in prepared.manifest.sources_2d.items() if kind.exact]
        if exact and not self.kind.exact:
            layout = prepared.layout(exact[0])
            self.exact = prepared.keypoints_2d(exact[0])
            shared = [joint for joint in self.layout.joints if joint in layout.joints]
            self.own_columns = [self.layout.index(joint) for joint in shared]
            self.exact_columns = [layout.index(joint) for joint in shared]
        self.missing = self.outside = self.seen = self.compared = 0
        self.error = 0.0
        self.by_clip: list[FarClip] = []

    def add(self, clip: str, camera_key: str, rows: slice) -> None:
        points = np.asarray(self.points[rows], dtype=np.float64)
        camera = self.prepared.camera(camera_key)
        outside = np.any((points < 0) | (points > (camera.width, camera.height)), axis=-1)
        self.missing += int(np.count_nonzero(~np.isfinite(points)))
        self.outside += int(np.count_nonzero(outside))
        self.seen += outside.size
        if self.exact is not None:
            exact = np.asarray(self.exact[rows], dtype=np.float64)[:, self.exact_columns]
            distance = np.linalg.norm(points[:, self.own_columns] - exact, axis=-1)
            self.error += float(distance.sum())
            self.by_clip.append(FarClip(clip=clip, mean_error_px=float(distance.mean())))
            self.compared += distance.size

    def summary(self) -> SourceSummary:
        return SourceSummary(
            name=self.name,
            layout=self.kind.layout,
            exact=self.kind.exact,
            confidence=self.kind.confidence,
            missing_values=self.missing,
            outside_image=self.outside / self.seen,
            mean_error_px=self.error / self.compared if self.compared else None,
            farthest=sorted(self.by_clip, key=lambda item: -item.mean_error_px)[:_FARTHEST],
        )


def _range(item: Expectation) -> str:
    if item.least == item.greatest:
        return str(item.least)
    return f"{item.least} to {item.greatest}"


def _plain(option: Any) -> str:
    """Return the value of an option as `--set` takes it."""
    return option if isinstance(option, str) else json.dumps(option).replace('"', "")


def _table(rows: Sequence[Sequence[object]], headers: Sequence[str]) -> str:
    return tabulate(rows, headers=headers, floatfmt=".1f", missingval="", disable_numparse=[0])


def find_prepared_sets(folder: Path) -> dict[str, list[Path]]:
    """Return the prepared sets directly below `folder` by the name of their data set."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("[!.]*/manifest.json")):
        try:
            name = PreparedSet(path.parent).manifest.name
        except HarnessError:
            continue  # what cannot be opened is not prepared; inspecting it says why
        found.setdefault(name, []).append(path.parent)
    return found
