"""Windows hold what a literal loop would copy, and cover each frame once."""

import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_lifter import LinearLifter, LinearSettings, write_tiny_set

from harness.body.camera import normalize_screen
from harness.body.skeleton import H36M_16, H36M_17, Skeleton
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.lifting import screen
from harness.lifting.clip_rows import Buffers
from harness.lifting.windows import TrainingWindows, WindowReader, covering_windows, prefetched


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    return write_tiny_set(tmp_path_factory.mktemp("windows") / "tiny")


def reader(
    prepared: PreparedSet,
    frames: int,
    predicts: str,
    skeleton: Skeleton,
    clips: pd.DataFrame | None = None,
) -> WindowReader:
    shape = LinearSettings(frames=frames, predicts=predicts, uses_root_depth=True)
    lifter = LinearLifter(shape, skeleton, layout=skeleton)
    return WindowReader(prepared, prepared.clips if clips is None else clips, "gt", lifter)


def literal_window(
    prepared: PreparedSet, clip: pd.Series, start: int, frames: int, skeleton: Skeleton
) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Copy a window frame by frame and joint by joint: screen coordinates, target, root."""
    camera = prepared.camera(clip["camera"])
    keypoints, target, root = [], [], []
    for row in range(start, start + frames):
        row = max(clip["first_row"], min(row, clip["first_row"] + clip["frames"] - 1))
        pixels = [prepared.keypoints_2d("gt")[row, H36M_17.index(name)] for name in skeleton.joints]
        hip = prepared.positions_3d[row, H36M_17.index("Hip")].astype(np.float64)
        places = [prepared.positions_3d[row, H36M_17.index(name)] for name in skeleton.joints]
        keypoints.append(
            normalize_screen(np.asarray(pixels, np.float64), camera.width, camera.height)
        )
        target.append(np.asarray(places, np.float64) - hip)
        root.append(hip)
    return keypoints, target, root


@pytest.mark.parametrize("skeleton", [H36M_17, H36M_16], ids=lambda item: item.name)
@pytest.mark.parametrize(
    ("frames", "predicts"), [(1, "all"), (4, "all"), (40, "all"), (1, "middle"), (5, "middle")]
)
def test_a_batch_equals_a_literal_copy(
    prepared: PreparedSet, frames: int, predicts: str, skeleton: Skeleton
) -> None:
    index = TrainingWindows(prepared.clips, frames, predicts, stride=2)[:]
    batch = reader(prepared, frames, predicts, skeleton).batch(index)
    assert len(index) > len(prepared.clips) or frames == 40
    for window in range(len(index)):
        clip = prepared.clips.iloc[index.clip[window]]
        keypoints, target, root = literal_window(
            prepared, clip, index.start[window], frames, skeleton
        )
        shown = slice(frames // 2, frames // 2 + 1) if predicts == "middle" else slice(None)
        np.testing.assert_allclose(batch.inputs.keypoints[window], keypoints, atol=1e-6)
        np.testing.assert_allclose(batch.target[window], target[shown], atol=1e-6)
        np.testing.assert_allclose(batch.root[window], root[shown], atol=1e-6)
        np.testing.assert_allclose(
            batch.inputs.root_depth[window], np.asarray(root)[:, 2], atol=1e-6
        )
        np.testing.assert_array_equal(
            batch.inputs.intrinsics[window], prepared.camera(clip["camera"]).normalized_intrinsics()
        )


def clips_of(lengths: list[int], gap: int = 3) -> pd.DataFrame:
    """Make a table of clips that lie `gap` rows apart, as the clips of one split may."""
    lengths_array = np.asarray(lengths)
    first = gap + np.cumsum(lengths_array + gap) - lengths_array - gap
    return pd.DataFrame({"first_row": first, "frames": lengths_array})


LENGTHS = st.lists(st.integers(1, 30), min_size=1, max_size=5)


@settings(max_examples=60, deadline=None)
@given(lengths=LENGTHS, frames=st.integers(1, 12), predicts=st.sampled_from(["all", "middle"]))
def test_covering_windows_keep_each_frame_once(
    lengths: list[int], frames: int, predicts: str
) -> None:
    clips = clips_of(lengths)
    index = covering_windows(clips, frames, predicts)
    kept = np.concatenate(
        [np.arange(a, b) for a, b in zip(index.keep_from, index.keep_to, strict=True)]
    )
    frames_of_clips = [
        row for clip in clips.itertuples() for row in range(clip.first_row, clip[1] + clip.frames)
    ]
    assert kept.tolist() == frames_of_clips
    within = (index.keep_from >= index.start) & (index.keep_to <= index.start + frames)
    assert within.all()
    if predicts == "all":
        last = clips["first_row"] + clips["frames"]
        whole = clips["frames"].to_numpy()[index.clip] >= frames
        inside = (index.start >= clips["first_row"].to_numpy()[index.clip]) & (
            index.start + frames <= last.to_numpy()[index.clip]
        )
        assert (inside == whole).all()
    else:
        assert (index.start + frames // 2 == index.keep_from).all()


@settings(max_examples=60, deadline=None)
@given(lengths=LENGTHS, frames=st.integers(1, 12), stride=st.integers(1, 5))
def test_training_windows_are_every_start_inside_the_clip(
    lengths: list[int], frames: int, stride: int
) -> None:
    clips = clips_of(lengths)
    index = TrainingWindows(clips, frames, "all", stride)[:]
    expected = []
    for number, clip in enumerate(clips.itertuples()):
        if clip.frames < frames:
            expected.append((number, clip.first_row - (frames - clip.frames) // 2))
        for start in range(0, clip.frames - frames + 1, stride):
            expected.append((number, clip.first_row + start))
    assert list(zip(index.clip, index.start, strict=True)) == expected


def test_middle_windows_train_on_each_stride_th_frame() -> None:
    index = TrainingWindows(clips_of([7, 2]), 5, "middle", stride=3)[:]
    assert (index.start + 2).tolist() == [3, 6, 9, 13]


def test_whole_clips_are_their_frames(prepared: PreparedSet) -> None:
    read = reader(prepared, 4, "all", H36M_16)
    clip = prepared.clips.iloc[1]
    keypoints, target, root = literal_window(
        prepared, clip, clip["first_row"], clip["frames"], H36M_16
    )
    inputs = read.clip_inputs(1)
    np.testing.assert_allclose(inputs.keypoints[0], keypoints, atol=1e-6)
    np.testing.assert_allclose(inputs.root_depth[0], np.asarray(root)[:, 2], atol=1e-6)
    np.testing.assert_allclose(read.clip_target(1), target, atol=1e-6)


def test_reading_changes_no_array_of_the_set(prepared: PreparedSet) -> None:
    before = np.array(prepared.keypoints_2d("gt")), np.array(prepared.positions_3d)
    read = reader(prepared, 4, "all", H36M_17)
    read.batch(TrainingWindows(prepared.clips, 4, "all")[:])
    read.clip_inputs(0)
    np.testing.assert_array_equal(prepared.keypoints_2d("gt"), before[0])
    np.testing.assert_array_equal(prepared.positions_3d, before[1])


def test_a_set_larger_than_memory_can_be_read(tmp_path: Path) -> None:
    rows, bytes_a_row = 3_000_000, 4 * 17 * (2 + 3)
    folder = write_tiny_set(tmp_path / "tiny", (4,), ("train",)).path
    clips = pd.read_parquet(folder / "clips.parquet")
    clips.assign(frames=rows).to_parquet(folder / "clips.parquet", index=False)
    for name, axes in (("positions_3d", 3), ("keypoints_2d/gt", 2)):
        path = folder / f"{name}.npy"
        path.unlink()
        # A file of holes: as long as it says, with hardly a block on the disk.
        np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(rows, 17, axes))
    tracemalloc.start()
    prepared = PreparedSet(folder)
    read = reader(prepared, 4, "all", H36M_17)
    windows = TrainingWindows(prepared.clips, 4, "all")
    numbers = np.random.default_rng(0).integers(0, len(windows), (20, 64))
    for chosen in numbers:
        assert read.batch(windows[chosen]).target.shape == (64, 4, 17, 3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.01 * rows * bytes_a_row


@pytest.mark.parametrize("skeleton", [H36M_17, H36M_16], ids=lambda item: item.name)
@pytest.mark.parametrize(("frames", "predicts"), [(4, "all"), (5, "middle"), (40, "middle")])
def test_keypoints_too_many_to_hold_are_read_as_the_same_numbers(
    prepared: PreparedSet,
    monkeypatch: pytest.MonkeyPatch,
    frames: int,
    predicts: str,
    skeleton: Skeleton,
) -> None:
    clips = prepared.clips.iloc[[0, 3]]  # not the first rows of the set, and not neighbours
    index = TrainingWindows(clips, frames, predicts)[:]
    held = reader(prepared, frames, predicts, skeleton, clips)
    monkeypatch.setattr(screen, "AT_HAND", 0)
    mapped = reader(prepared, frames, predicts, skeleton, clips)
    assert torch.equal(held.inputs(index).keypoints, mapped.inputs(index).keypoints)
    assert torch.equal(held.clip_inputs(1).keypoints, mapped.clip_inputs(1).keypoints)


def test_a_batch_that_is_still_used_is_never_overwritten(prepared: PreparedSet) -> None:
    read = reader(prepared, 4, "all", H36M_17)
    windows = TrainingWindows(prepared.clips, 4, "all")
    numbers = np.random.default_rng(0).integers(0, len(windows), (6, 5))
    views = [read.inputs(windows[chosen]).keypoints[1:, ..., :1] for chosen in numbers]
    for view, chosen in zip(views, numbers, strict=True):
        assert torch.equal(view, read.inputs(windows[chosen]).keypoints[1:, ..., :1])


def test_memory_is_used_again_once_nobody_refers_to_it() -> None:
    buffers = Buffers()
    first = buffers.empty((3, 2))
    address = first.ctypes.data
    tensor = torch.from_numpy(first[1:])
    del first
    assert buffers.empty((3, 2)).ctypes.data != address
    del tensor
    assert buffers.empty((3, 2)).ctypes.data == address


def test_a_joint_the_source_lacks_is_named(prepared: PreparedSet) -> None:
    strange = Skeleton("strange", ("Hip", "Tail"), (-1, 0), (), ())
    with pytest.raises(HarnessError, match="lacks Tail"):
        reader(prepared, 4, "all", strange)


def test_an_unknown_2d_source_is_named(prepared: PreparedSet) -> None:
    with pytest.raises(HarnessError, match="'cpn'"):
        WindowReader(
            prepared, prepared.clips, "cpn", LinearLifter(LinearSettings(), H36M_17, H36M_17)
        )


def test_prefetching_keeps_the_order_and_passes_errors_on() -> None:
    assert list(prefetched(lambda item: item * 2, range(7))) == [0, 2, 4, 6, 8, 10, 12]
    assert list(prefetched(abs, [])) == []
    ratios = prefetched(lambda item: 6 // item, [3, 2, 0, 1])
    assert [next(ratios), next(ratios)] == [2, 3]
    with pytest.raises(ZeroDivisionError):
        next(ratios)
