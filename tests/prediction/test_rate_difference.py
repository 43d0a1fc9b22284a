"""What is said where clips have another frame rate than a lifter was trained at."""

import pandas as pd

from harness.datasets.frame_rates import frame_rates
from harness.prediction.rate_difference import rate_difference


def test_rates_of_clips_are_listed_once() -> None:
    assert frame_rates(pd.DataFrame({"fps": [50.0, 25.0, 50.0]})) == (25.0, 50.0)


def test_another_rate_is_told_with_what_it_does_to_the_window() -> None:
    told = rate_difference((50.0,), (10.0,), 27)
    assert told is not None
    assert told.startswith("clips have 10 frames a second, trained at 50: a window of 27 frames")
    assert "spans 2.7 s in place of 0.54 s" in told


def test_the_nearest_rate_is_the_one_fewest_times_off() -> None:
    told = rate_difference((25.0, 60.0), (40.0,), 27)
    assert told is not None
    assert "in place of 0.45 s" in told, "60 is 1.5 times 40, 40 is 1.6 times 25"


def test_the_same_rates_and_single_frames_need_no_word() -> None:
    assert rate_difference((25.0, 50.0), (50.0,), 27) is None
    assert rate_difference((50.0,), (10.0,), 1) is None


def test_weights_of_unknown_rate_are_told() -> None:
    told = rate_difference(None, (10.0,), 27)
    assert told is not None
    assert "is not recorded" in told
