import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from full_disk import full_disk

from harness.body.camera import Camera
from harness.body.skeleton import H36M_17, Skeleton, register_skeleton
from harness.datasets.prepared import Manifest, PreparedSet, Source2D
from harness.datasets.prepared_writer import write_prepared_set
from harness.foundation.errors import HarnessError

CAMERA = Camera(name="c", width=100, height=80, focal_length=(90.0, 90.0), center=(50.0, 40.0))
LAYOUTS = {
    "gt": Source2D(layout="h36m_17", exact=True, confidence=False),
    "seen": Source2D(layout="h36m_16", exact=False, confidence=True),
}
ABOUT: dict[str, Any] = {
    "name": "made",
    "title": "Made up",
    "licence": "none",
    "citation": "none",
    "importer_version": 1,
    "settings": {},
}


def a_clip(frames: int = 6, seed: int = 0, **changes: Any) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    clip: dict[str, Any] = {
        "origin": "made.npz, S1 Walking 1",
        "subject": "S1",
        "action": "Walking",
        "subaction": "Walking 1",
        "split": "train",
        "fps": 50.0,
        "camera": CAMERA,
        "camera_key": "S1/c",
        "positions_3d": generator.normal(scale=0.2, size=(frames, 17, 3))
        + np.array([0.0, 0.0, 4.0]),
        "keypoints_2d": {
            "gt": generator.uniform(0, 80, (frames, 17, 2)),
            "seen": generator.uniform(0, 80, (frames, 16, 2)),
        },
        "confidence": {"seen": generator.uniform(size=(frames, 16))},
        "layouts": LAYOUTS,
    }
    return {**clip, **changes}


def write(path: Path, *clips: dict[str, Any], **about: Any) -> Manifest:
    with write_prepared_set(path, H36M_17) as writer:
        for clip in clips:
            writer.add_clip(**clip)
        return writer.finish(**{**ABOUT, **about})


def two_clips() -> tuple[dict[str, Any], dict[str, Any]]:
    return a_clip(6, 0), a_clip(9, 1, subject="S9", split="test", camera_key="S9/c")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    first, second = two_clips()
    valid = np.arange(6) % 2 == 0
    first["valid"], second["valid"] = valid, np.ones(9, dtype=bool)
    manifest = write(tmp_path / "set", first, second)
    prepared = PreparedSet(tmp_path / "set")
    assert prepared.manifest == manifest
    assert prepared.rows == 15
    assert list(prepared.clips["first_row"]) == [0, 6]
    np.testing.assert_array_equal(
        prepared.positions_3d,
        np.concatenate([first["positions_3d"], second["positions_3d"]]).astype(np.float32),
    )
    for source in LAYOUTS:
        np.testing.assert_array_equal(
            prepared.keypoints_2d(source)[6:], second["keypoints_2d"][source].astype(np.float32)
        )
    confidence = prepared.confidence("seen")
    assert confidence is not None
    np.testing.assert_array_equal(confidence[:6], first["confidence"]["seen"].astype(np.float32))
    assert prepared.confidence("gt") is None
    assert prepared.layout("seen").name == "h36m_16"
    assert prepared.camera("S9/c") == CAMERA
    np.testing.assert_array_equal(prepared.valid[:6], valid)


def test_arrays_are_mapped_and_are_ordinary_npy_files(tmp_path: Path) -> None:
    write(tmp_path / "set", *two_clips())
    prepared = PreparedSet(tmp_path / "set")
    assert isinstance(prepared.positions_3d, np.memmap)
    assert isinstance(prepared.keypoints_2d("gt"), np.memmap)
    plain = np.load(tmp_path / "set" / "positions_3d.npy", allow_pickle=False)
    assert plain.dtype == np.float32
    assert plain.shape == (15, 17, 3)
    assert prepared.valid is None


def test_clips_are_selected_by_exact_names(tmp_path: Path) -> None:
    other = a_clip(4, 2, action="WalkTogether", subaction="WalkTogether 1")
    write(tmp_path / "set", *two_clips(), other)
    prepared = PreparedSet(tmp_path / "set")
    assert list(prepared.select("test")["subject"]) == ["S9"]
    assert list(prepared.select(actions=["Walking"])["clip"]) == [0, 1]
    assert list(prepared.select("train", subjects=["S1"])["clip"]) == [0, 2]
    with pytest.raises(HarnessError, match=r"unknown action 'Walk'.*WalkTogether"):
        prepared.select(actions=["Walk"])
    with pytest.raises(HarnessError, match=r"no clips left .split validation"):
        prepared.select("validation")
    with pytest.raises(HarnessError, match=r"unknown 2D source of data set made 'cpn'.*gt, seen"):
        prepared.keypoints_2d("cpn")


def test_the_hash_is_that_of_the_data_and_not_of_the_occasion(tmp_path: Path) -> None:
    first = write(tmp_path / "a", *two_clips()).data_hash
    assert (
        write(tmp_path / "b", *two_clips(), title="Another", settings={"x": 1}).data_hash == first
    )


@pytest.mark.parametrize(
    "change",
    [
        {"split": "validation"},
        {"fps": 25.0},
        {"camera": CAMERA.model_copy(update={"width": 101})},
        {"subaction": "Walking 2"},
        {"confidence": {"seen": np.zeros((6, 16))}},
        {"valid": np.ones(6, dtype=bool)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_hash_changes_with_anything_that_shapes_numbers(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    before = write(tmp_path / "a", a_clip()).data_hash
    assert write(tmp_path / "b", a_clip(**change)).data_hash != before


def test_the_hash_changes_with_one_last_bit(tmp_path: Path) -> None:
    before = write(tmp_path / "a", a_clip()).data_hash
    clip = a_clip()
    positions = clip["positions_3d"].astype(np.float32)
    positions[3, 5, 1] = np.nextafter(positions[3, 5, 1], np.float32(9))
    assert write(tmp_path / "b", {**clip, "positions_3d": positions}).data_hash != before


def spoilt(name: str, value: float) -> dict[str, Any]:
    clip = a_clip()
    array = clip[name] if name == "positions_3d" else clip[name]["seen"]
    array[4, 2] = value
    return clip


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        (a_clip(0), "has no frames"),
        (a_clip(fps=0.0), "frame rate is 0.0"),
        (a_clip(fps=float("nan")), "frame rate is nan"),
        (spoilt("positions_3d", np.nan), "3D positions hold NaN or infinity, .*frame 4, joint 2"),
        (spoilt("keypoints_2d", np.inf), "keypoints 'seen' hold NaN .*frame 4, joint 2"),
        (spoilt("confidence", np.nan), "confidence of .* hold NaN .*frame 4, joint 2"),
        (a_clip(positions_3d=np.zeros((6, 16, 3))), r"shape \(6, 16, 3\), expected \(6, 17, 3\)"),
        (
            a_clip(keypoints_2d={"gt": np.zeros((5, 17, 2)), "seen": np.zeros((6, 16, 2))}),
            r"'gt' have shape \(5, 17, 2\), expected \(6, 17, 2\)",
        ),
        (a_clip(valid=np.ones(5, dtype=bool)), r"\(5,\) valid flags for 6 frames"),
    ],
)
def test_a_bad_clip_is_refused_with_its_origin(
    tmp_path: Path, clip: dict[str, Any], message: str
) -> None:
    with pytest.raises(HarnessError, match=r"^made\.npz, S1 Walking 1: .*" + message):
        write(tmp_path / "set", clip)
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (a_clip(), "clip S1 Walking Walking 1 S1/c comes twice"),
        (
            a_clip(subject="S9", camera=CAMERA.model_copy(update={"height": 81})),
            "camera S1/c differs from earlier clips'",
        ),
        (
            a_clip(
                subject="S9",
                layouts={
                    **LAYOUTS,
                    "gt": Source2D(layout="h36m_17", exact=False, confidence=False),
                },
            ),
            "2D source gt differs from earlier clips'",
        ),
        (a_clip(subject="S9", valid=np.ones(6, dtype=bool)), "valid.npy is there for some clips"),
    ],
)
def test_clips_that_do_not_fit_together_are_refused(
    tmp_path: Path, second: dict[str, Any], message: str
) -> None:
    with pytest.raises(HarnessError, match=message):
        write(tmp_path / "set", a_clip(), second)


def test_a_set_without_clips_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="no clips were found"):
        write(tmp_path / "set")


def test_a_folder_that_is_no_prepared_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"no manifest\.json.*harness data prepare"):
        PreparedSet(tmp_path)


def break_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    values = json.loads(path.read_text())
    del values["skeleton"]
    path.write_text(json.dumps(values))


def break_clips(folder: Path) -> None:
    pd.DataFrame({"clip": [0]}).to_parquet(folder / "clips.parquet")


def write_text_that_is_none(folder: Path) -> None:
    table = pq.read_table(folder / "clips.parquet")
    broken = pa.array([b"S\xff1"] * table.num_rows).view(pa.string())
    column = table.schema.get_field_index("subject")
    pq.write_table(table.set_column(column, "subject", broken), folder / "clips.parquet")


def cut(name: str, size: int) -> Any:
    return lambda folder: os.truncate(folder / name, size)


def plant_pickle(folder: Path) -> None:
    class Runs:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (folder / "ran",)

    np.save(folder / "positions_3d.npy", np.array([Runs()] * 15), allow_pickle=True)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (break_manifest, r"manifest\.json: is not a manifest this version reads"),
        (cut("manifest.json", 40), r"manifest\.json: is not valid JSON"),
        (break_clips, r"clips\.parquet: has columns \['clip'\]"),
        (cut("clips.parquet", 100), r"clips\.parquet: cannot be read"),
        (write_text_that_is_none, r"clips\.parquet: cannot be read"),
        (cut("positions_3d.npy", 300), r"positions_3d\.npy: cannot be read"),
        (cut("positions_3d.npy", 0), r"positions_3d\.npy: cannot be read"),
        (plant_pickle, r"positions_3d\.npy: cannot be read"),
        (
            lambda folder: np.save(folder / "positions_3d.npy", np.zeros((14, 17, 3), np.float32)),
            r"positions_3d\.npy: has shape \(14, 17, 3\) \(float32\), expected \(15, 17, 3\)",
        ),
        (lambda folder: (folder / "positions_3d.npy").unlink(), "cannot be read"),
    ],
)
def test_a_damaged_set_is_refused_in_one_line(tmp_path: Path, damage: Any, message: str) -> None:
    write(tmp_path / "set", *two_clips())
    damage(tmp_path / "set")
    with pytest.raises(HarnessError, match=message) as caught:
        PreparedSet(tmp_path / "set")
    assert str(caught.value).count("\n") <= 1
    assert not (tmp_path / "set" / "ran").exists()


def test_a_failing_import_leaves_the_old_set(tmp_path: Path) -> None:
    old = write(tmp_path / "set", *two_clips())
    with pytest.raises(HarnessError):
        write(tmp_path / "set", a_clip(), a_clip(fps=-1.0))
    assert PreparedSet(tmp_path / "set").manifest == old
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]


SLOW_IMPORT = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from test_prepared import a_clip, write_prepared_set
    from harness.body.skeleton import H36M_17

    with write_prepared_set(Path(sys.argv[1]), H36M_17) as writer:
        writer.add_clip(**a_clip())
        print("begun", flush=True)
        time.sleep(60)
    """
)


def test_a_killed_import_leaves_the_old_set_and_a_second_writer_is_refused(tmp_path: Path) -> None:
    old = write(tmp_path / "set", *two_clips())
    importing = subprocess.Popen(
        [sys.executable, "-c", SLOW_IMPORT, str(tmp_path / "set")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},  # this module, too
    )
    try:
        assert importing.stdout is not None
        assert importing.stdout.readline() == "begun\n"
        with pytest.raises(HarnessError, match="another process is writing it"):
            write(tmp_path / "set", a_clip())
    finally:
        importing.send_signal(signal.SIGKILL)
        importing.communicate()
    assert PreparedSet(tmp_path / "set").manifest == old
    assert write(tmp_path / "set", a_clip()).data_hash == PreparedSet(tmp_path / "set").data_hash


def test_a_full_disk_is_one_plain_error_and_leaves_the_old_set(tmp_path: Path) -> None:
    old = write(tmp_path / "set", *two_clips())
    with full_disk() as limit:
        limit(100_000)
        with pytest.raises(HarnessError, match="cannot be written"):
            write(tmp_path / "set", a_clip(3000))
    assert PreparedSet(tmp_path / "set").manifest == old


def test_a_place_that_cannot_be_written_is_one_plain_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(HarnessError, match="cannot be written"):
        write(tmp_path / "file" / "set", a_clip())


BIRD = Skeleton(
    name="bird_4",
    joints=("Body", "Head", "LWing", "RWing"),
    parents=(-1, 0, 0, 0),
    left=(2,),
    right=(3,),
)


def test_a_set_carries_the_skeleton_that_it_defines(tmp_path: Path) -> None:
    register_skeleton(BIRD)
    layouts = {"gt": Source2D(layout="bird_4", exact=True, confidence=False)}
    clip = a_clip(
        positions_3d=np.full((6, 4, 3), [0.1, 0.1, 4.0]),
        keypoints_2d={"gt": np.arange(48.0).reshape(6, 4, 2)},
        confidence=None,
        layouts=layouts,
    )
    hashes = set()
    for name, skeleton in (("one", BIRD), ("two", replace(BIRD, left=(3,), right=(2,)))):
        with write_prepared_set(tmp_path / name, skeleton) as writer:
            writer.add_clip(**clip)
            hashes.add(writer.finish(**ABOUT).data_hash)
    assert len(hashes) == 2
    code = (
        "import sys; from pathlib import Path; from harness.datasets.prepared import PreparedSet\n"
        "from harness.body.skeleton import skeleton_called\n"
        "data = PreparedSet(Path(sys.argv[1])); assert skeleton_called('bird_4') is data.skeleton\n"
        "print(data.skeleton.left, data.skeleton.joints[data.skeleton.root])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "one")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "(2,) Body\n"
    with pytest.raises(HarnessError, match="skeleton bird_4: another skeleton already has"):
        PreparedSet(tmp_path / "two")


def test_a_set_of_2d_alone_opens_and_says_so_where_3d_is_needed(tmp_path: Path) -> None:
    manifest = write(tmp_path / "set", a_clip(positions_3d=None))
    data = PreparedSet(tmp_path / "set")
    assert not manifest.has_3d
    assert data.keypoints_2d("gt").shape == (6, 17, 2)
    with pytest.raises(HarnessError, match="has 2D only; it can be predicted"):
        _ = data.positions_3d
    with pytest.raises(HarnessError, match=r"positions_3d\.npy is there for some clips"):
        write(tmp_path / "mixed", a_clip(positions_3d=None), a_clip(subject="S9"))


def test_what_is_done_frame_by_frame_comes_back(tmp_path: Path) -> None:
    codes = np.array([0, 0, 1, 2, 2, 1])
    hashes = set()
    for name, activities in (("one", ("", "sits", "stands")), ("two", ("", "stands", "sits"))):
        with write_prepared_set(tmp_path / name, H36M_17, activities) as writer:
            writer.add_clip(**a_clip(activity=codes))
            hashes.add(writer.finish(**ABOUT).data_hash)
    data = PreparedSet(tmp_path / "one")
    assert data.activity is not None
    assert data.activity.tolist() == codes.tolist()
    assert data.manifest.activities == ["", "sits", "stands"]
    assert len(hashes) == 2
    assert PreparedSet(write_plain(tmp_path / "plain")).activity is None


def write_plain(path: Path) -> Path:
    write(path, a_clip())
    return path
