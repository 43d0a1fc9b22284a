"""`harness data`: which data sets there are, getting, preparing and looking at them."""

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from harness.datasets.prepared import PreparedSet, Split

RAW = Path("data/raw")
PREPARED = Path("data/prepared")

_FORMAT = click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def data() -> None:
    """List, fetch, prepare, inspect and verify data sets."""


@data.command("list", epilog="\b\nExample:\n  harness data list")
@_FORMAT
def list_sets(style: str) -> None:
    """List the data sets that can be prepared, and which are."""
    from harness.datasets.importers import importer_called, importer_names
    from harness.datasets.inspection import find_prepared_sets

    names, prepared = importer_names(), find_prepared_sets(PREPARED)
    # Data of one's own goes by a name of its own.
    own = [path for name, paths in prepared.items() if name not in names for path in paths]
    prepared["custom"] = own
    importers = [importer_called(name) for name in names]
    if style == "json":
        rows = [
            {
                "name": importer.name,
                "title": importer.title,
                "needs_raw": importer.needs_raw,
                "prepared": [str(path) for path in prepared.get(importer.name, [])],
                "licence": importer.licence,
                "how_to_get": importer.how_to_get,
            }
            for importer in importers
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    for importer in importers:
        places = ", ".join(str(path) for path in prepared.get(importer.name, []))
        click.echo(f"{importer.name}: {importer.title}")
        click.echo(f"  files:    {importer.how_to_get}")
        click.echo(f"  licence:  {importer.licence}")
        click.echo(f"  prepared: {places or 'no'}\n")


@data.command(
    short_help="Turn your files into the form that everything else reads.",
    epilog="\b\nExamples:\n"
    "  harness data prepare synthetic --profile quick\n"
    "  harness data prepare h36m --raw ~/human36m --profile paper\n"
    "  harness data prepare cmu --split cmu26 --raw data/raw/cmu\n"
    "  harness data prepare synthetic --set seconds=2.0 --set takes=1",
)
@click.argument("name")
@click.option("--raw", type=_FOLDER, help="Folder with your files [default: data/raw/NAME].")
@click.option("--profile", help="Use this profile's options, from params.yaml.")
@click.option("--out", type=_FOLDER, help="Folder to write [default: data/prepared/NAME].")
@click.option("--split", help="For cmu and bvh: a CSV file; for cmu also one that ships, cmu26.")
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="An option, its value in YAML."
)
def prepare(
    name: str,
    raw: Path | None,
    profile: str | None,
    out: Path | None,
    split: str | None,
    changes: tuple[str, ...],
) -> None:
    """Turn your files of data set NAME into the form that everything else reads.

    With --profile, files are read and written under the profile's name, where `dvc repro`
    expects them.
    """
    from harness.datasets.importers import importer_called, prepare_set
    from harness.datasets.prepared import PreparedSet
    from harness.foundation.errors import HarnessError
    from harness.foundation.settings import load_settings
    from harness.foundation.shown import escaped

    importer = importer_called(name)
    if profile is not None:
        if changes or split:
            told = "--set" if changes else "--split"
            raise HarnessError(
                f"{told} and --profile exclude each other; change params.yaml instead"
            )
        dataset = load_settings().profile_called(profile).dataset
        if dataset.name != name:
            raise HarnessError(f"profile {profile} uses data set {dataset.name}, not {name}")
        options = dataset.options
    else:
        options = _parsed((*changes, *([f"split={split}"] if split else [])))
    usual = RAW / (profile or name)
    if importer.needs_raw and raw is None and usual.is_dir():
        raw = usual
    out = out or PREPARED / (profile or name)
    manifest = prepare_set(name, raw, out, options)
    clips = PreparedSet(out).clips
    click.echo(
        f"prepared {manifest.title} in {out}: {len(clips)} clips, {clips['frames'].sum()} frames, "
        f"data hash {manifest.data_hash[:12]}"
    )
    for note in manifest.notes:
        click.echo(f"  {escaped(note)}")
    if importer.needs_raw and raw is not None and out == PREPARED / (profile or name):
        _link(raw, usual)
    named = out.name if out.parent == PREPARED else out
    click.echo(f"prepared; look at it with 'harness data inspect {named}'")


@data.command(
    short_help="Copy a prepared set with a 2D source of derived joints.",
    epilog="\b\nExamples:\n"
    "  harness data derive quick --joints coco_17 --out data/prepared/mine\n"
    "  harness data derive h36m --source detectron_pt_coco --out data/prepared/mine",
)
@click.argument("name")
@click.option(
    "--joints", help="Derive from exact 3D, by way of the joints of this detector, such as coco_17."
)
@click.option("--source", help="Derive from this 2D source of the set.")
@click.option("--out", type=_FOLDER, required=True, help="Folder of the new set.")
def derive(name: str, joints: str | None, source: str | None, out: Path) -> None:
    """Write a copy of a prepared set with a 2D source derived as `harness lift` derives joints.

    NAME is a folder under data/prepared or the path of a prepared set. A lifter trained on the new
    source learns the joints that `harness lift` derives.
    """
    from harness.datasets.keypoints.derived_source import (
        found_in_source,
        found_on_3d,
        write_with_derived,
    )
    from harness.foundation.errors import HarnessError
    from harness.foundation.shown import escaped

    if (joints is None) == (source is None):
        raise HarnessError("name what to derive from: either --joints or --source")
    if out.exists():
        raise HarnessError(f"{out}: exists; choose another place (--out)")
    prepared = _prepared(name)
    if joints is not None:
        found = found_on_3d(prepared, joints)
    else:
        found = found_in_source(prepared, str(source))
    manifest = write_with_derived(prepared, found, out)
    click.echo(f"wrote {out} with the 2D source {found.name}, data hash {manifest.data_hash[:12]}")
    for note in manifest.notes:
        click.echo(f"  {escaped(note)}")


@data.command(epilog="\b\nExample:\n  harness data inspect quick")
@click.argument("name")
@_FORMAT
@click.option("--picture", type=_FILE, help="PNG file [default: results/inspect/NAME.png].")
def inspect(name: str, style: str, picture: Path | None) -> None:
    """Say what a prepared set holds, and draw a few of its poses.

    NAME is a folder under data/prepared or the path of a prepared set.
    """
    from harness.datasets.importers import importer_called, importer_names
    from harness.datasets.inspection import inspect_set
    from harness.datasets.pose_picture import save_pose_picture
    from harness.foundation.shown import escaped_lines

    prepared = _prepared(name)
    known = prepared.manifest.name in importer_names()
    expected = importer_called(prepared.manifest.name).expected_counts if known else None
    inspection = inspect_set(prepared, expected)
    drawn = save_pose_picture(
        prepared, picture or Path("results/inspect") / f"{prepared.path.resolve().name}.png"
    )
    if style == "json":
        click.echo(inspection.model_dump_json(indent=2))
    else:
        click.echo(escaped_lines(inspection.text()))
    click.echo(f"picture: {drawn}", err=True)


@data.command(
    short_help="Check that a prepared set is as it was prepared.",
    epilog="\b\nExample:\n  harness data verify quick",
)
@click.argument("name")
def verify(name: str) -> None:
    """Read every byte of a prepared set and compare it with its data hash.

    NAME is a folder under data/prepared or the path of a prepared set. Exit code 1 says that a file
    was changed. It takes about a second for each gigabyte, and the time to read it.
    """
    from harness.datasets.verification import verify_set

    prepared = _prepared(name)
    done = verify_set(prepared)
    click.echo(
        f"{prepared.path}: data hash {prepared.data_hash[:12]} is that of its {done.files} arrays "
        f"({done.size / 2**20:.1f} MiB read in {done.seconds:.1f} s) and of its clips"
    )


@data.command(
    short_help="List the clips of a prepared set.",
    epilog="\b\nExample:\n  harness data clips quick",
)
@click.argument("name")
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test"]),
    default="test",
    show_default=True,
    help="Which clips.",
)
def clips(name: str, split: "Split") -> None:
    """List the clips of a prepared set as CSV: the name and the frames of each, in order.

    NAME is a folder under data/prepared or the path of a prepared set. Predictions of another
    program call clips by these names.
    """
    from harness.datasets.clip_names import clip_names

    chosen = _prepared(name).select(split)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["clip", "frames"])
    writer.writerows(zip(clip_names(chosen), chosen["frames"], strict=True))


@data.command(
    short_help="Download files and check them; only cmu may be downloaded.",
    epilog="\b\nExamples:\n"
    "  harness data fetch cmu --split cmu26\n"
    "  harness data fetch cmu --subjects 01,02,03",
)
@click.argument("name")
@click.option("--subjects", help="Subjects to download whole, such as 01,02.")
@click.option("--trials", help="Single trials to download, such as 05_01,05_12.")
@click.option("--split", help="All trials of a split: one that ships (cmu26), or a CSV file.")
@click.option("--to", "folder", type=_FOLDER, help="Folder to fill [default: data/raw/NAME].")
@click.option("--base-url", help="Another place with the same layout of files.")
def fetch(
    name: str,
    subjects: str | None,
    trials: str | None,
    split: str | None,
    folder: Path | None,
    base_url: str | None,
) -> None:
    """Download files of data set NAME (only cmu may be downloaded) and check them.

    Files that are there and correct are kept, so an interrupted download can be continued.
    """
    from harness.datasets.cmu.fetch import CMU_URL, fetch_cmu
    from harness.datasets.importers import importer_called
    from harness.foundation.errors import HarnessError

    importer = importer_called(name)
    if name != "cmu":
        raise HarnessError(f"data set {name} cannot be downloaded: {importer.how_to_get}")
    folder = folder or RAW / name
    fetched = fetch_cmu(
        folder,
        subjects=_listed(subjects),
        trials=_listed(trials),
        split=split,
        base_url=base_url or CMU_URL,
        say=click.echo,
    )
    click.echo(
        f"{fetched.downloaded} files downloaded, {fetched.kept} were there and right, in {folder}"
    )


def _prepared(name: str) -> "PreparedSet":
    """Open the prepared set below data/prepared, or at the path, that `name` means."""
    from harness.datasets.prepared import PreparedSet

    path = PREPARED / name
    return PreparedSet(path if path.exists() or not Path(name).is_dir() else Path(name))


def _listed(text: str | None) -> list[str]:
    return [item.strip() for item in (text or "").split(",") if item.strip()]


def _parsed(changes: tuple[str, ...]) -> dict[str, Any]:
    """Read KEY=VALUE pairs, the value as YAML."""
    from harness.foundation.errors import HarnessError
    from harness.foundation.plain_yaml import parse_yaml
    from harness.foundation.shown import shown

    options = {}
    for change in changes:
        key, equals, value = change.partition("=")
        if not (key and equals):
            raise HarnessError(f"--set {change}: expected KEY=VALUE, such as fps=25")
        options[key.strip()] = parse_yaml(value, f"--set {shown(change, 80)}")
    return options


def _link(raw: Path, usual: Path) -> None:
    """Let `usual`, where the DVC pipeline looks for files, lead to `raw`."""
    from harness.foundation.files import Unwritable

    if usual.exists():
        if usual.resolve() != raw.resolve():
            click.echo(f"note: {usual} stays as it is; `dvc repro` reads from there")
        return
    try:
        usual.parent.mkdir(parents=True, exist_ok=True)
        usual.unlink(missing_ok=True)
        usual.symlink_to(raw.resolve(), target_is_directory=True)
    except OSError as error:
        raise Unwritable(usual, error) from error
    click.echo(f"linked {usual} to {raw}, where `dvc repro` reads it")
