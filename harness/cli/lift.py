"""`harness lift`: 3D motion from the keypoints that a 2D detector wrote, or from a video."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.prediction.lift_file import Lifted
    from harness.prediction.motion import Motion


@click.command(
    epilog="\b\nExamples:\n"
    "  harness lift openpose/ --run cmu/videopose3d-seed0 --image-size 1920x1080 --fps 30\n"
    "  harness lift coco.json --run quick/dgnet-seed0 --image-size 640x480 --fps 25 --person 2\n"
    "  harness lift dance.npz --checkpoint model.safetensors --format bvh,trc --out dance\n"
    "  harness lift clip.mp4 --run cmu/videopose3d-seed0 --format html"
)
@click.argument("input", metavar="INPUT", type=click.Path(path_type=Path))
@click.option("--run", help="Run whose lifter is used, such as quick/dgnet-seed0.")
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Checkpoint of a lifter (model.safetensors), instead of a run.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write [default: lifted/NAME OF INPUT].",
)
@click.option(
    "--format",
    "formats",
    default="npz",
    show_default=True,
    help="npz, csv, json, bvh, trc or html; several separated by commas.",
)
@click.option("--input-format", help="Format of INPUT, if it is not recognised.")
@click.option(
    "--person",
    help='Whom: a name or number of the summary, "largest", or "all" (a file for each) '
    "[default: the largest].",
)
@click.option(
    "--confidence",
    type=click.FloatRange(min=0),
    default=0.3,
    show_default=True,
    help="Joints with a lower confidence are filled in.",
)
@click.option("--image-size", metavar="WxH", help="Pixels of the video, such as 1920x1080.")
@click.option("--fps", type=click.FloatRange(1, 1000), help="Frames a second of the video.")
@click.option(
    "--flip/--no-flip",
    default=True,
    show_default=True,
    help="Average with the mirrored input.",
)
@click.option(
    "--leg-length",
    type=click.FloatRange(min=0, min_open=True),
    help="Scale poses to legs of so many metres, from hip over knee to ankle.",
)
@click.option("--batch-size", type=click.IntRange(min=1), help="Windows lifted at a time.")
@click.option(
    "--detector",
    envvar="HARNESS_DETECTOR",
    show_envvar=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Model that finds people in a video [default: the one in data/detector].",
)
@click.option(
    "--people",
    type=click.IntRange(1, 20),
    default=1,
    show_default=True,
    help="How many people at most it looks for at a time.",
)
@click.option(
    "--accelerator",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="auto takes a GPU where there is one.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
def lift(
    input: Path,
    run: str | None,
    checkpoint: Path | None,
    out: Path | None,
    formats: str,
    input_format: str | None,
    person: str | None,
    confidence: float,
    image_size: str | None,
    fps: float | None,
    flip: bool,
    leg_length: float | None,
    batch_size: int | None,
    detector: Path | None,
    people: int,
    accelerator: str,
    force: bool,
) -> None:
    """Lift the people in INPUT, keypoints that a 2D detector wrote or a video, to 3D.

    INPUT is a file or folder of COCO, AlphaPose, OpenPose, MMPose, Ultralytics, MediaPipe,
    VideoPose3D, DeepLabCut or SLEAP, a CSV or npz file with named joints, or a video, in which
    the optional extra `video` finds people: see docs/lift.md.
    """
    from harness.lifting.checkpoint import load_checkpoint
    from harness.prediction.accelerator import accelerator_called
    from harness.prediction.lift_file import LiftOptions, lift_file, unit_of
    from harness.prediction.motion_formats.write import (
        FORMATS,
        formats_called,
        motion_files,
        refuse_existing,
        refuse_unit,
        write_motion,
    )
    from harness.reporting.page import lifted_motion

    known = {**FORMATS, "html": lifted_motion.write}
    wanted = formats_called([name.strip() for name in formats.split(",") if name.strip()], known)
    options = LiftOptions(
        input_format=input_format,
        person=person,
        confidence=confidence,
        image_size=None if image_size is None else _size(image_size),
        fps=fps,
        flip_test=flip,
        leg_length=leg_length,
        batch_size=batch_size,
        detector=detector,
        people=people,
    )
    stem = input.resolve().stem
    folder = out or Path("lifted") / stem
    refuse_existing(folder, stem, wanted, force=force)
    lifter, contract = load_checkpoint(_checkpoint(run, checkpoint))
    refuse_unit(wanted, unit_of(contract, options))
    lifted = lift_file(input, lifter.to(accelerator_called(accelerator)), contract, options)
    places = motion_files(folder, stem, list(lifted.motions))
    _tell(lifted)
    for name, motion in lifted.motions.items():
        _tell_person(name, motion, lifted)
        for path in write_motion(motion, places[name], wanted, known):
            click.echo(f"  wrote {path}")


def _size(text: str) -> tuple[int, int]:
    from harness.foundation.errors import HarnessError

    found = re.fullmatch(r"([1-9]\d{0,4})[xX]([1-9]\d{0,4})", text)
    if found is None:
        raise HarnessError(f"--image-size {text}: expected WIDTHxHEIGHT, such as 1920x1080")
    return int(found[1]), int(found[2])


def _checkpoint(run: str | None, checkpoint: Path | None) -> Path:
    """Return the checkpoint's file; a skeleton that the run's data set defines is known then."""
    from harness.datasets.prepared import PreparedSet
    from harness.foundation.errors import HarnessError
    from harness.foundation.provenance import read_record
    from harness.reporting.stored.run_folders import part_of
    from harness.reporting.stored.run_report import find_model_run

    if (run is None) == (checkpoint is None):
        raise HarnessError("name the lifter: either --run RUN or --checkpoint FILE")
    if checkpoint is not None:
        return checkpoint
    folder = find_model_run(str(run))
    profile = read_record(folder / "run.json").run.partition("/")[0]
    prepared = Path("data/prepared") / profile
    if (prepared / "manifest.json").is_file():
        PreparedSet(prepared)
    return part_of(folder, "model.safetensors")


def _tell(lifted: "Lifted") -> None:
    from harness.foundation.shown import shown

    people = ", ".join(
        f"{shown(name)} ({person.frames_seen} frames)" for name, person in lifted.people.items()
    )
    count = "1 person" if len(lifted.people) == 1 else f"{len(lifted.people)} people"
    click.echo(f"{lifted.title}: {lifted.frames} frames, {count}: {people}")
    for joint, weights in lifted.derived.items():
        means = " ".join(f"{weight:+.3g} {source}" for source, weight in weights.items())
        click.echo(f"  {joint} = {means}")
    for warning in lifted.warnings:
        click.echo(f"warning: {shown(warning)}", err=True)


def _tell_person(name: str, motion: "Motion", lifted: "Lifted") -> None:
    from harness.foundation.shown import shown

    frames, filled = len(motion.positions), int(motion.filled.sum())
    at = "" if lifted.rate == motion.fps else f", lifted at {lifted.rate:.4g}"
    click.echo(
        f"person {shown(name)}: frames {motion.first_frame} to {motion.first_frame + frames - 1}, "
        f"{frames - lifted.people[name].frames_seen} without them; {filled} of "
        f"{motion.filled.size} joints filled in; {motion.fps:g} frames a second{at}; unit "
        f"{motion.unit}, relative to {motion.skeleton.joints[motion.skeleton.root]}"
    )
