"""Keypoints in memory are lifted frame by frame, at the rate that the lifter was trained at."""

import numpy as np
import pytest
import torch
from torch import Tensor

from harness.body.skeleton import H36M_17
from harness.body.unknown_lens import camera_of
from harness.foundation.errors import HarnessError
from harness.lifting.contract import Batch, Lifter, LifterInput
from harness.prediction.lift_person import lift_person
from harness.prediction.trained_rate import at_rate, back_at_rate, rate_to_lift_at, rate_warning


class Flat(Lifter):
    """Takes the screen for the body: x and y as they are, no depth; remembers what it was given."""

    def __init__(self, frames: int = 1, hypotheses: int = 1) -> None:
        super().__init__()
        self.frames, self.hypotheses = frames, hypotheses
        self.skeleton = self.layout = H36M_17
        self.uses_confidence = True
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.given: list[LifterInput] = []

    def forward(self, inputs: LifterInput) -> Tensor:
        self.given.append(inputs)
        pose = torch.nn.functional.pad(inputs.keypoints, (0, 1))
        if self.hypotheses == 1:
            return pose
        return torch.stack([pose * scale for scale in (0.5, 1.5)], dim=1)

    def loss(self, batch: Batch) -> Tensor:
        raise NotImplementedError


def swinging(frames: int, fps: float) -> np.ndarray:
    """Return (frames, 17, 2) pixels of joints that swing twice a second."""
    time = np.arange(frames)[:, None] / fps
    joints = np.arange(17)[None]
    x = 320 + 100 * np.sin(2 * np.pi * 2 * time + joints) * (joints > 0)
    return np.stack([x, np.broadcast_to(200.0 + 5 * joints, x.shape)], axis=-1)


def lifted(lifter: Lifter, points: np.ndarray, fps: float, rate: float) -> np.ndarray:
    return lift_person(
        lifter,
        points,
        np.full(points.shape[:2], 0.7),
        camera_of((640, 480)),
        fps=fps,
        rate=rate,
        flip_test=False,
    )


def expected(points: np.ndarray) -> np.ndarray:
    relative = (points - points[:, :1]) / 320
    return np.concatenate([relative, np.zeros((*points.shape[:2], 1))], axis=-1)


@pytest.mark.parametrize("frames", [1, 2, 7, 100])
@pytest.mark.parametrize(("fps", "rate"), [(50, 50), (25, 50), (30, 50), (60, 50), (240, 50)])
def test_every_frame_of_the_video_gets_its_pose(frames: int, fps: float, rate: float) -> None:
    points = swinging(frames, fps)
    poses = lifted(Flat(4), points, fps, rate)
    assert poses.shape == (frames, 17, 3)
    middle = slice(10, -10) if frames == 100 else slice(0)
    np.testing.assert_allclose(poses[middle], expected(points)[middle], atol=0.01)


def test_at_its_own_rate_nothing_is_resampled() -> None:
    points = swinging(40, 50)
    lifter = Flat(4)
    np.testing.assert_allclose(lifted(lifter, points, 50, 50), expected(points), atol=1e-6)
    assert float(lifter.given[0].confidence.max()) == pytest.approx(0.7)


def test_the_lifter_sees_motion_at_the_rate_trained_at() -> None:
    lifter = Flat(2)
    lifted(lifter, swinging(100, 25), 25, 50)
    seen = torch.cat([inputs.keypoints for inputs in lifter.given]).reshape(-1, 17, 2)
    at_50 = (swinging(200, 50) - [320, 240]) / 320
    np.testing.assert_allclose(seen[20:180], at_50[20:180], atol=0.01)


def test_several_hypotheses_become_their_mean() -> None:
    points = swinging(8, 50)
    np.testing.assert_allclose(lifted(Flat(1, 2), points, 50, 50), expected(points), atol=1e-6)


def test_a_lifter_that_needs_the_depth_of_the_root_is_refused() -> None:
    lifter = Flat()
    lifter.uses_root_depth = True
    with pytest.raises(HarnessError, match="true depth of the root, which no video has"):
        lifted(lifter, swinging(3, 50), 50, 50)


@pytest.mark.parametrize(
    ("trained", "fps", "frames", "rate"),
    [
        ((50.0,), 25.0, 27, 50.0),
        ((50.0,), 29.97, 27, 29.97 * 5 / 3),
        ((25.0, 50.0), 30.0, 27, 25.0),
        ((50.0,), 50.1, 27, 50.1),
        ((50.0,), 25.0, 1, 25.0),
        (None, 25.0, 27, 25.0),
    ],
)
def test_the_rate_is_the_nearest_trained_at(trained, fps, frames, rate) -> None:
    assert rate_to_lift_at(trained, fps, frames) == pytest.approx(rate)


def test_rates_that_are_far_off_are_told() -> None:
    assert rate_warning(50.0, 25.0) is None
    assert "made up" in str(rate_warning(50.0, 10.0))
    assert "smoothed" in str(rate_warning(50.0, 240.0))


def test_still_joints_stay_still_at_every_rate() -> None:
    still = np.full((9, 1, 2), 123.0)
    for fps, rate in ((30, 50), (120, 50), (23.976, 50 * 0.998)):
        rate = rate_to_lift_at((rate,), fps, 27)
        there = at_rate(still, fps, rate)
        np.testing.assert_allclose(there, 123.0)
        assert back_at_rate(there, rate, fps, 9).shape == still.shape
