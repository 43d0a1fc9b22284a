"""Another frame rate: what moves slowly stays, what the new rate cannot show goes, ends hold."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.datasets.resample import resample
from harness.foundation.errors import HarnessError


def sinusoid(hertz: float, rate: float, seconds: float = 4.0) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return np.sin(2 * np.pi * hertz * time + 0.3)[:, None]


@pytest.mark.parametrize("hertz", [0.5, 3.0, 10.0, 18.0])
def test_motion_below_the_limit_is_kept(hertz: float) -> None:
    new = resample(sinusoid(hertz, 120), 120, 50)
    # Away from the ends, where half a second of the filter lies within the recording.
    np.testing.assert_allclose(new[25:-25], sinusoid(hertz, 50)[25:-25], atol=2e-4)


@pytest.mark.parametrize("hertz", [25.0, 27.0, 40.0, 55.0])
def test_motion_above_the_limit_does_not_fold_back(hertz: float) -> None:
    new = resample(sinusoid(hertz, 120), 120, 50)
    assert np.abs(new[25:-25]).max() < 2e-4


def test_without_the_filter_that_motion_would_fold_back() -> None:
    picked = sinusoid(40, 120)[::2]
    assert np.abs(picked[25:-25]).max() > 0.9


@settings(max_examples=20, deadline=None)
@given(
    place=st.floats(-3, 3),
    speed=st.floats(-5, 5),
    frames=st.integers(2, 400),
    rates=st.sampled_from([(120, 50), (60, 50), (100, 50), (120, 30), (25, 50)]),
)
def test_steady_motion_stays_as_it_is_up_to_both_ends(
    place: float, speed: float, frames: int, rates: tuple[int, int]
) -> None:
    rate, new_rate = rates
    time = np.arange(frames) / rate
    new = resample((place + speed * time)[:, None], rate, new_rate)
    new_time = np.arange(len(new)) / new_rate
    np.testing.assert_allclose(new[:, 0], place + speed * new_time, atol=1e-4)


def test_a_still_body_does_not_tremble() -> None:
    positions = np.broadcast_to(np.random.default_rng(0).normal(size=(17, 3)), (500, 17, 3))
    new = resample(positions, 120, 50)
    np.testing.assert_allclose(new, positions[: len(new)], atol=1e-12)


@pytest.mark.parametrize("frames", [1, 2, 12, 13, 24, 25, 120, 121])
def test_the_new_frames_lie_within_the_recording(frames: int) -> None:
    new = resample(np.zeros((frames, 2, 3)), 120, 50)
    last_old, last_new = (frames - 1) / 120, (len(new) - 1) / 50
    assert new.shape == (math.floor((frames - 1) * 5 / 12) + 1, 2, 3)
    assert last_new <= last_old + 1e-12 < last_new + 1 / 50


def test_a_jump_at_one_end_does_not_ring_at_the_other() -> None:
    positions = np.zeros((360, 1))
    positions[-60:] = 1.0
    assert np.abs(resample(positions, 120, 50)[:50]).max() < 1e-9


def test_the_same_rate_changes_nothing() -> None:
    positions = np.random.default_rng(0).normal(size=(10, 3))
    np.testing.assert_array_equal(resample(positions, 50, 50), positions)


@pytest.mark.parametrize(("rate", "new_rate"), [(120, 0), (-1, 50), (120, 29.97), (math.nan, 50)])
def test_impossible_rates_are_refused(rate: float, new_rate: float) -> None:
    with pytest.raises(HarnessError, match="cannot be resampled"):
        resample(np.zeros((10, 3)), rate, new_rate)
