"""MPI-INF-3DHP: 8 subjects before 8 of 14 cameras train, six sequences in and outdoors test."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict

from harness.body.camera import Camera
from harness.datasets.humaneva.lens import fitted_lens
from harness.datasets.importers import Importer
from harness.datasets.mpi_inf_3dhp.annotation import check_annotation, knee_to_neck
from harness.datasets.mpi_inf_3dhp.contents import (
    ACTIVITIES,
    JOINTS,
    SCENES,
    SUBJECTS,
    TEST_SEQUENCES,
    VALID_FRAMES,
)
from harness.datasets.mpi_inf_3dhp.sequences import (
    Files,
    View,
    find_files,
    views_to_test,
    views_to_train,
)
from harness.datasets.options import among
from harness.datasets.prepared import Manifest, Source2D, Split
from harness.datasets.prepared_writer import PreparedWriter, write_prepared_set
from harness.foundation.errors import HarnessError
from harness.foundation.files import sha256_of_file

_CITATION = (
    "Mehta, Rhodin, Casas, Fua, Sotnychenko, Xu, Theobalt: Monocular 3D Human Pose Estimation In "
    "The Wild Using Improved CNN Supervision, 3DV 2017"
)
# Wide enough for distorted outdoor lenses, far below what swapped cameras give.
_TOLERANCE_PX = 60.0

Subjects = Annotated[tuple[str, ...], among(SUBJECTS, "subjects")]


class MpiInf3dhpSettings(BaseModel):
    """Options of the mpi_inf_3dhp importer.

    Attributes:
        annotation: which 3D: "univ_annot3", bodies scaled to one height, or "annot3", in true size.
            Numbers on one do not compare with numbers on the other.
        train_subjects: subjects to train on; those of `validation_subjects` are taken out.
        validation_subjects: subjects that the best epoch is chosen on.
        test_sequences: sequences that results are reported on.
        joints: the skeleton to tell it in; those of Human3.6M are for testing its lifters.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    annotation: Literal["univ_annot3", "annot3"] = "univ_annot3"
    train_subjects: Subjects = SUBJECTS
    validation_subjects: Subjects = ("S8",)
    test_sequences: Annotated[tuple[str, ...], among(TEST_SEQUENCES, "sequences")] = TEST_SEQUENCES
    joints: Literal["mpi_inf_3dhp_17", "h36m_17", "h36m_16"] = "mpi_inf_3dhp_17"

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects to import, in the data set's order."""
        wanted = {*self.train_subjects, *self.validation_subjects}
        return tuple(subject for subject in SUBJECTS if subject in wanted)


def prepare(raw: Path | None, out: Path, settings: MpiInf3dhpSettings) -> Manifest:
    """Import MPI-INF-3DHP from the folder `raw` into the prepared set `out`.

    Raises:
        HarnessError: files are missing, damaged, unsafe or do not fit together.
    """
    if raw is None:
        raise HarnessError("mpi_inf_3dhp is made from your own files: give their folder with --raw")
    files = find_files(raw, settings.annotation)
    paths = files.read(settings.subjects, settings.test_sequences)
    _check_complete(raw, paths)
    skeleton, _ = JOINTS[settings.joints]
    # npz files say nothing of activities; a set that says it for some clips only would mislead.
    says_activity = files.test.suffix != ".npz" and bool(settings.test_sequences)
    with write_prepared_set(out, skeleton, ACTIVITIES if says_activity else ()) as writer:
        writer.notes = _notes(files, settings)
        farthest = (0.0, "")
        sizes: dict[str, dict[str, float]] = {"train": {}, "test": {}}
        for view in views_to_train(files.train, settings.subjects, settings.annotation):
            split: Split = "validation" if view.subject in settings.validation_subjects else "train"
            sizes["train"].setdefault(view.subject, knee_to_neck(view.positions))
            residual = _add(writer, view, split, settings.joints, says_activity)
            farthest = max(farthest, (residual, view.name))
        for view in views_to_test(files.test, settings.test_sequences, settings.annotation):
            sizes["test"][view.subject] = knee_to_neck(view.positions[view.valid])
            residual = _add(writer, view, "test", settings.joints, says_activity)
            farthest = max(farthest, (residual, view.name))
            if (found := int(view.valid.sum())) != VALID_FRAMES[view.subject]:
                writer.notes.append(
                    f"{view.subject} has {found} valid frames, published are "
                    f"{VALID_FRAMES[view.subject]}"
                )
        try:
            writer.notes += check_annotation(settings.annotation, sizes["train"], sizes["test"])
        except HarnessError as error:
            raise HarnessError(f"{raw}: {error}") from error
        writer.notes.append(
            f"focal lengths and centres are found from 2D and 3D, which they fit within "
            f"{farthest[0]:.2f} pixels on average, worst in {farthest[1]}"
        )
        for path in paths:
            writer.source_files[path.relative_to(raw).as_posix()] = sha256_of_file(path)
        return writer.finish(
            name=IMPORTER.name,
            title=IMPORTER.title,
            licence=IMPORTER.licence,
            citation=_CITATION,
            importer_version=IMPORTER.version,
            settings=settings.model_dump(mode="json"),
        )


def _check_complete(raw: Path, paths: list[Path]) -> None:
    missing = [path for path in paths if not path.is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise HarnessError(
            f"{raw}: lacks {missing[0].relative_to(raw)}{more}, and there is no npz file in their "
            "place; complete it (docs/data.md), or name what to import in the options "
            "train_subjects, validation_subjects and test_sequences"
        )


def _notes(files: Files, settings: MpiInf3dhpSettings) -> list[str]:
    notes = []
    for path in (files.train, files.test):
        if path.suffix == ".npz":
            notes.append(
                f"{path.name} does not say which annotation it holds; it is taken to be "
                f"{settings.annotation}"
            )
    if files.test.suffix == ".npz":
        notes.append(f"{files.test.name} does not say what is done in which frame")
    return notes


def _add(
    writer: PreparedWriter, view: View, split: Split, joints: str, says_activity: bool
) -> float:
    """Add a view and return how far, in pixels, its 2D is from projected 3D on average.

    The action of a test sequence is its scene, so that scores come by scene.
    """
    skeleton, places = JOINTS[joints]
    columns = list(places)
    camera, residual = _camera(view)
    writer.add_clip(
        origin=view.origin,
        subject=view.subject,
        action=SCENES.get(view.subject, view.sequence),
        subaction=view.sequence,
        split=split,
        fps=view.fps,
        camera=camera,
        camera_key=view.name,
        positions_3d=view.positions[:, columns],
        keypoints_2d={"gt": view.keypoints[:, columns]},
        layouts={"gt": Source2D(layout=skeleton.name, exact=True, confidence=False)},
        valid=view.valid,
        activity=view.activity if says_activity else None,
    )
    return residual


def _camera(view: View) -> tuple[Camera, float]:
    """Return the camera of a view, found from its valid frames, and its residual in pixels."""
    lens = fitted_lens(view.positions[view.valid], view.keypoints[view.valid])
    if lens.residual_px > _TOLERANCE_PX or min(lens.focal_length) <= 0:
        raise HarnessError(
            f"{view.origin}: 2D is {lens.residual_px:.0f} pixels from any projection of 3D, "
            f"expected less than {_TOLERANCE_PX:g}; 2D and 3D are not of the same camera or frames"
        )
    width, height = view.size
    camera = Camera(
        name=view.camera or view.subject,
        width=width,
        height=height,
        focal_length=lens.focal_length,
        center=lens.center,
    )
    return camera, lens.residual_px


IMPORTER = Importer(
    name="mpi_inf_3dhp",
    title="MPI-INF-3DHP",
    needs_raw=True,
    settings=MpiInf3dhpSettings,
    prepare=prepare,
    licence="Non-commercial research only, terms at vcai.mpi-inf.mpg.de/3dhp-dataset; "
    "no redistribution",
    how_to_get="download from vcai.mpi-inf.mpg.de/3dhp-dataset, see docs/data.md",
    version=1,
    # 16 training sequences by 8 cameras and 6 test sequences; P-STMO, 3dhp_test/README.txt.
    expected_counts={
        "clips": (134, 134),
        "test clips": (6, 6),
        "test frames to score": (2929, 2929),
    },
)
