"""Human3.6M: 15 actions by 7 subjects before 4 cameras, from VideoPose3D's files or the originals.

Facts and conventions: VideoPose3D, common/h36m_dataset.py, data/prepare_data_h36m.py and run.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, model_validator

from harness.body.camera import h36m_cameras, project, world_to_camera
from harness.body.skeleton import H36M_17
from harness.datasets.files.keypoints_npz import KeypointsFile, find_keypoint_files
from harness.datasets.h36m.contents import (
    ACTIONS,
    SUBJECTS,
    ProjectionComparison,
    action_of,
    check_keypoints,
    check_motion_subjects,
    oddities,
    recordings_of,
)
from harness.datasets.h36m.motion import Motion, canonical_name, find_motion
from harness.datasets.importers import Importer
from harness.datasets.options import among, recorded_at
from harness.datasets.prepared import Manifest, Source2D, Split
from harness.datasets.prepared_writer import PreparedWriter, write_prepared_set
from harness.foundation.errors import HarnessError
from harness.foundation.files import sha256_of_file
from harness.foundation.progress import track

FPS = 50.0

# Where the joints of H36M_17 stand among the 32 recorded ones.
_KEPT_JOINTS = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
_GT = "gt"
_CAMERAS = tuple(camera.name for camera in h36m_cameras()[SUBJECTS[0]])
_CITATION = (
    "Ionescu, Papava, Olaru, Sminchisescu: Human3.6M: Large Scale Datasets and Predictive Methods "
    "for 3D Human Sensing in Natural Environments, IEEE TPAMI 36(7), 2014"
)

Subjects = Annotated[tuple[str, ...], among(SUBJECTS, "subjects")]


class H36mSettings(BaseModel):
    """Options of the h36m importer.

    Attributes:
        train_subjects: subjects to train on; those of `validation_subjects` are taken out.
        validation_subjects: subjects that the best epoch is chosen on.
        test_subjects: subjects that results are reported on, never used for any choice.
        actions: import only these of the 15 actions, matched exactly.
        sources_2d: import only these 2D sources beside "gt"; all that are found otherwise.
        fps: frame rate of the files, which do not say it; only 50 is Human3.6M.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    train_subjects: Subjects = ("S1", "S5", "S6", "S7", "S8")
    validation_subjects: Subjects = ("S8",)
    test_subjects: Subjects = ("S9", "S11")
    actions: Annotated[tuple[str, ...] | None, among(ACTIONS, "actions")] = None
    sources_2d: tuple[str, ...] | None = None
    fps: Annotated[float, recorded_at(FPS, "Human3.6M")] = FPS

    @model_validator(mode="after")
    def _apart(self) -> "H36mSettings":
        both = {*self.train_subjects, *self.validation_subjects} & set(self.test_subjects)
        if both:
            raise ValueError(
                f"test_subjects {', '.join(sorted(both))} also train or validate; "
                "a test subject must be nothing else"
            )
        return self

    def splits(self) -> dict[str, Split]:
        """Return the split of each subject to import."""
        splits: dict[str, Split] = dict.fromkeys(self.train_subjects, "train")
        splits.update(dict.fromkeys(self.validation_subjects, "validation"))
        splits.update(dict.fromkeys(self.test_subjects, "test"))
        return splits


def prepare(raw: Path | None, out: Path, settings: H36mSettings) -> Manifest:
    """Import Human3.6M from the folder `raw` into the prepared set `out`.

    The 2D source "gt" is always projected from 3D with `harness.body.camera.project`, so that it
    does not depend on who made a file; a data_2d_h36m_gt.npz has to agree with it.

    Raises:
        HarnessError: files are missing, damaged, unsafe or do not fit together.
    """
    if raw is None:
        raise HarnessError("h36m is made from your own files: give their folder with --raw")
    splits = settings.splits()
    files = _open(raw, settings)
    recordings = [
        (subject, recording)
        for subject in splits
        for recording in recordings_of(files.motion, subject, settings.actions or ACTIONS)
    ]
    with write_prepared_set(out, H36M_17) as writer:
        for subject, recording in track(recordings, "importing Human3.6M"):
            _add_recording(writer, files, subject, recording, splits[subject])
        writer.notes += oddities(files.motion, files.detections.values(), splits)
        for file in files.detections.values():
            writer.notes += file.notes()
        if files.comparison:
            writer.notes.append(
                f"2D source gt is projected from 3D; {files.comparison.file.path.name} agrees "
                f"within {files.comparison.farthest:.3f} pixels"
            )
        for path in files.paths():
            writer.source_files[path.relative_to(raw).as_posix()] = sha256_of_file(path)
        return writer.finish(
            name=IMPORTER.name,
            title=IMPORTER.title,
            licence=IMPORTER.licence,
            citation=_CITATION,
            importer_version=IMPORTER.version,
            settings=settings.model_dump(mode="json"),
        )


@dataclass(frozen=True)
class _RawFiles:
    """What a raw folder holds, opened and checked for completeness.

    Attributes:
        motion: the 3D recordings.
        detections: the 2D files by source, without ground truth.
        comparison: the comparison with a file of ground truth, if there is one.
    """

    motion: Motion
    detections: Mapping[str, KeypointsFile]
    comparison: ProjectionComparison | None

    def paths(self) -> list[Path]:
        """Return the files that are read."""
        keypoints = [file.path for file in self.detections.values()]
        compared = [self.comparison.file.path] if self.comparison else []
        return [*self.motion.source_files, *keypoints, *compared]


def _open(raw: Path, settings: H36mSettings) -> _RawFiles:
    motion, subjects = find_motion(raw), settings.splits()
    check_motion_subjects(motion, subjects)
    keypoints = {}
    found = find_keypoint_files(raw, "data_2d_h36m_", settings.sources_2d)
    for source, path in found.items():
        keypoints[source] = KeypointsFile(path, source, _CAMERAS, canonical_name)
        check_keypoints(keypoints[source], subjects)
    ground_truth = keypoints.pop(_GT, None)
    return _RawFiles(
        motion=motion,
        detections=keypoints,
        comparison=ProjectionComparison(ground_truth) if ground_truth else None,
    )


def _add_recording(
    writer: PreparedWriter, files: _RawFiles, subject: str, recording: str, split: Split
) -> None:
    """Add one recording as each of the four cameras saw it."""
    world = files.motion.positions(subject, recording)[:, _KEPT_JOINTS]
    layouts = {_GT: Source2D(layout=H36M_17.name, exact=True, confidence=False)}
    for source, file in files.detections.items():
        layout = file.layout.skeleton.name
        layouts[source] = Source2D(layout=layout, exact=False, confidence=False)
    for index, camera in enumerate(h36m_cameras()[subject]):
        positions = world_to_camera(world, camera)
        keypoints = {_GT: project(positions, camera)}
        for source, file in files.detections.items():
            keypoints[source] = file.clip(subject, recording, index, len(world))
        if files.comparison:
            files.comparison.add(subject, recording, index, keypoints[_GT])
        writer.add_clip(
            origin=f"{files.motion.recordings(subject)[recording]} camera {camera.name}",
            subject=subject,
            action=action_of(recording),
            subaction=recording,
            split=split,
            fps=FPS,
            camera=camera,
            camera_key=f"{subject}/{camera.name}",
            positions_3d=positions,
            keypoints_2d=keypoints,
            layouts=layouts,
        )


IMPORTER = Importer(
    name="h36m",
    title="Human3.6M",
    needs_raw=True,
    settings=H36mSettings,
    prepare=prepare,
    licence="Academic research only, after registration at vision.imar.ro/human3.6m; "
    "no redistribution",
    how_to_get="register at vision.imar.ro/human3.6m, see docs/data.md",
    version=1,
    # VideoPose3D#123 prints the test frames; UnsupervisedGeometryAwareRepresentationLearning#5 and
    # 3d_pose_baseline_pytorch#1 count 1,559,752 to train on. Those validated on count among them.
    expected_counts={
        "clips": (836, 836),
        "frames": (2_103_096, 2_103_096),
        "test clips": (236, 236),
        "test frames": (543_344, 543_344),
    },
)
