"""Times of table V: by turns, of the right networks, with intervals that hold the median."""

import itertools
from collections.abc import Callable

import pytest

from harness.foundation.settings import ModelSettings
from harness.reporting.paper import speed_measurement as speed
from harness.reporting.paper.speed_measurement import interleaved, measure_speed
from harness.reporting.paper.speed_report import SpeedReport, median_interval

SMALL = {
    "dgnet": ModelSettings(network={"channels": 8, "blocks": 1}),
    "videopose3d": ModelSettings(network={"frames": 3, "channels": 8}),
}


@pytest.mark.parametrize("count", [6, 9, 12])
def test_intervals_hold_the_median_in_95_of_100_cases_and_are_the_shortest_that_do(
    count: int,
) -> None:
    values = [float(value) for value in range(count)]
    median, low, high = median_interval(values)
    assert median == (count - 1) / 2

    def held(lowest: int) -> float:
        """Each value is below the true median or not, like a coin: try all patterns."""
        inside = sum(
            lowest + 1 <= sum(pattern) <= count - 1 - lowest
            for pattern in itertools.product((0, 1), repeat=count)
        )
        return inside / 2**count

    assert high == count - 1 - low
    assert held(int(low)) >= 0.95
    assert held(int(low) + 1) < 0.95


def test_few_values_give_their_extremes() -> None:
    assert median_interval([3.0, 1.0, 2.0]) == (2.0, 1.0, 3.0)
    assert median_interval([4.0]) == (4.0, 4.0, 4.0)


def test_systems_take_turns_after_a_warm_up() -> None:
    called: list[str] = []

    def call(name: str) -> Callable[[], None]:
        return lambda: called.append(name)

    times = interleaved({("a", "window"): call("a"), ("b", "clip"): call("b")}, 4, "cpu")
    assert called == ["a", "b"] * (4 + speed._WARM_UP)
    assert {key: len(seconds) for key, seconds in times.items()} == {
        ("a", "window"): 4,
        ("b", "clip"): 4,
    }


@pytest.fixture(scope="module")
def report() -> SpeedReport:
    return measure_speed(SMALL, clip_frames=10, repetitions=2)


def test_the_three_systems_of_table_v_are_timed(report: SpeedReport) -> None:
    by_name = {timing.model: timing for timing in report.timings}
    assert list(by_name) == ["videopose3d", "dgnet_without_knn", "dgnet"]
    for timing in report.timings:
        assert set(timing.ms_per_frame) == {"window", "clip"}
        assert all(len(times) == 2 and min(times) > 0 for times in timing.ms_per_frame.values())
    assert by_name["dgnet"].frames == 4
    assert by_name["dgnet"].parameters == by_name["dgnet_without_knn"].parameters
    assert by_name["dgnet"].reduced == {"channels": 8, "blocks": 1}
    assert by_name["videopose3d"].reduced == {"frames": 3, "channels": 8}
    assert report.threads >= 1


def test_time_is_that_of_the_frames_that_a_call_predicts(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_second(calls: dict[tuple[str, str], object], *_: object) -> dict[object, list[float]]:
        return {key: [1.0] for key in calls}

    monkeypatch.setattr(speed, "interleaved", one_second)
    found = {timing.model: timing for timing in measure_speed(SMALL, clip_frames=10).timings}
    assert found["dgnet"].ms_per_frame == {"window": [250.0], "clip": [100.0]}
    assert found["videopose3d"].ms_per_frame == {"window": [1000.0], "clip": [100.0]}


def test_only_the_search_for_neighbours_tells_the_two_dgnets_apart() -> None:
    full, without = (speed._lifter(name, SMALL) for name in ("dgnet", speed.WITHOUT_KNN))
    assert full.network.config.knn
    assert not without.network.config.knn
    assert full.network.config.channels == without.network.config.channels == 8


def test_balanced_coordinates_are_given_a_depth() -> None:
    network = {"channels": 8, "blocks": 1, "balanced_coordinates": True}
    models = SMALL | {"dgnet": ModelSettings(network=network)}
    timings = measure_speed(models, clip_frames=8, repetitions=1).timings
    assert len(timings) == 3
