"""Lifters that predict the last frame, or learn from more frames than they predict."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_lifter import write_tiny_set
from torch import Tensor, nn

from harness.body.skeleton import H36M_17
from harness.datasets.prepared import PreparedSet
from harness.lifting.contract import Batch, Lifter, LifterInput, Predicts
from harness.lifting.lift import lift
from harness.lifting.windows import TrainingWindows, WindowReader

FRAMES = 4


class FrameLifter(Lifter):
    """Predicts, of one frame of its window, the 2D it was given there."""

    frames = FRAMES
    skeleton = layout = H36M_17

    def __init__(self, predicts: Predicts, position: int) -> None:
        super().__init__()
        self.predicts, self.position = predicts, position
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, inputs: LifterInput) -> Tensor:
        seen = inputs.keypoints[:, [self.position]] * self.weight
        return torch.cat([seen, torch.zeros_like(seen[..., :1])], dim=-1)

    def loss(self, batch: Batch) -> Tensor:
        return batch.target.sum()


@pytest.fixture
def read(tmp_path: Path) -> Callable[[Lifter], WindowReader]:
    prepared: PreparedSet = write_tiny_set(tmp_path / "tiny", lengths=(9, 5, 2, 7))
    return lambda lifter: WindowReader(prepared, prepared.clips, "gt", lifter)


@pytest.mark.parametrize(("predicts", "position"), [("middle", 2), ("last", 3)])
def test_each_frame_is_predicted_from_the_window_that_has_it_there(
    read: Callable[[Lifter], WindowReader], predicts: Predicts, position: int
) -> None:
    lifter = FrameLifter(predicts, position)
    reader = read(lifter)
    predicted = lift(lifter, reader, flip_test=False)
    given = np.concatenate(
        [reader.clip_inputs(clip).keypoints[0].numpy() for clip in range(len(reader.clips))]
    )
    np.testing.assert_allclose(predicted[..., :2], given, atol=1e-6)


def test_a_window_of_the_last_frame_sees_only_the_past(
    read: Callable[[Lifter], WindowReader],
) -> None:
    """Its first frame is the one three earlier, or the clip's first one."""
    lifter = FrameLifter("last", 0)
    reader = read(lifter)
    row = 0
    predicted = lift(lifter, reader, flip_test=False)
    for clip, frames in enumerate(reader.clips["frames"]):
        given = reader.clip_inputs(clip).keypoints[0].numpy()
        for frame in range(frames):
            expected = given[max(0, frame - (FRAMES - 1))]
            np.testing.assert_allclose(predicted[row, :, :2], expected, atol=1e-6)
            row += 1


def test_the_loss_may_be_given_the_truth_of_all_frames(
    read: Callable[[Lifter], WindowReader],
) -> None:
    middle, everywhere = FrameLifter("middle", 2), FrameLifter("middle", 2)
    everywhere.supervised = "all"
    one, every = read(middle), read(everywhere)
    windows = TrainingWindows(one.clips, FRAMES, "middle")[:]
    batch, full = one.batch(windows), every.batch(windows)
    assert batch.target.shape[1] == batch.root.shape[1] == 1
    assert full.target.shape[1] == full.root.shape[1] == FRAMES
    assert torch.equal(batch.target, full.target[:, [2]])
    assert torch.equal(batch.root, full.root[:, [2]])
    row = 0
    for clip, frames in enumerate(every.clips["frames"]):
        truth = every.clip_target(clip)
        for frame in range(frames):
            shown = np.clip(np.arange(frame - 2, frame + 2), 0, frames - 1)
            np.testing.assert_allclose(full.target[row], truth[shown], atol=1e-6)
            row += 1
