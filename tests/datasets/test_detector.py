import numpy as np
import pytest
from pydantic import ValidationError

from harness.body.camera import h36m_cameras, project, world_to_camera
from harness.body.skeleton import H36M_17
from harness.datasets.detector import (
    DetectorSettings,
    detect,
    expected_error,
    occlusion,
    ornstein_uhlenbeck,
)
from harness.datasets.synthetic.importer import SyntheticSettings, perform

DEFAULT = DetectorSettings()
NO_SWAPS = DetectorSettings(swap_share=0.0)
FPS = 50.0
CAMERA = h36m_cameras()["S9"][0]


def seen(action: str, seconds: float = 40.0) -> tuple[np.ndarray, np.ndarray]:
    """Return exact keypoints and camera-space positions of a long take."""
    world = perform("S9", action, 1, SyntheticSettings(seconds=seconds, fps=FPS))
    positions = world_to_camera(world, CAMERA)
    return project(positions, CAMERA), positions


@pytest.fixture(scope="module")
def walking() -> tuple[np.ndarray, np.ndarray]:
    return seen("Walking")


@pytest.fixture(scope="module")
def detected(walking) -> tuple[np.ndarray, np.ndarray]:
    """Errors (frames, joints, 2) in pixels and confidence."""
    found, confidence = detect(*walking, FPS, 0, NO_SWAPS, H36M_17)
    return found - walking[0], confidence


def index(*joints: str) -> list[int]:
    return [H36M_17.index(joint) for joint in joints]


def lone_joint(place: tuple[float, float, float]) -> np.ndarray:
    """A body far to the side, facing the camera, and the left wrist at `place`."""
    positions = np.zeros((1, 17, 3))
    positions[0] = np.linspace((0, -0.8, 5), (0, 0.8, 5), 17)
    positions[0, index("Hip", "Spine", "Thorax")] = [(0, 0, 5), (0, -0.25, 5), (0, -0.5, 5)]
    positions[0, index("LWrist")] = place
    return positions


def test_the_same_seed_gives_the_same_errors_and_another_seed_others(walking) -> None:
    first = detect(*walking, FPS, 7, DEFAULT, H36M_17)
    again = detect(*walking, FPS, 7, DEFAULT, H36M_17)
    other = detect(*walking, FPS, 8, DEFAULT, H36M_17)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert np.abs(first[0] - other[0]).mean() > 1


def test_the_errors_are_about_as_large_as_a_fine_tuned_detectors() -> None:
    means = []
    for action in ("Walking", "Sitting", "Discussion", "Photo"):
        exact, positions = seen(action, 10.0)
        found, _ = detect(exact, positions, FPS, 3, DEFAULT, H36M_17)
        means.append(np.linalg.norm(found - exact, axis=-1).mean())
    assert 5 < np.mean(means) < 8


def test_noise_has_unit_variance_from_the_first_frame_and_the_stated_correlation() -> None:
    noise = ornstein_uhlenbeck((200, 4000), FPS, 0.4, np.random.default_rng(0))
    np.testing.assert_allclose(noise.std(axis=1)[[0, 1, 10, 199]], 1.0, atol=0.05)
    for lag in (1, 10, 20, 60):
        correlation = np.mean(noise[50] * noise[50 + lag])
        assert correlation == pytest.approx(np.exp(-lag / FPS / 0.4), abs=0.06)


def test_errors_are_correlated_in_seconds_whatever_the_frame_rate(walking) -> None:
    def correlation(fps: float, every: int) -> float:
        exact, positions = (array[::every] for array in walking)
        lag = round(0.2 * fps)
        products, squares = [], []
        for seed in range(6):
            error = detect(exact, positions, fps, seed, NO_SWAPS, H36M_17)[0] - exact
            error /= error.std(axis=(1, 2), keepdims=True)
            products.append((error[lag:] * error[:-lag]).mean())
            squares.append((error**2).mean())
        return float(np.mean(products) / np.mean(squares))

    assert correlation(50.0, 1) == pytest.approx(np.exp(-0.5), abs=0.06)
    assert correlation(10.0, 5) == pytest.approx(np.exp(-0.5), abs=0.06)


def test_errors_change_far_less_between_frames_than_independent_ones(detected) -> None:
    size = np.linalg.norm(detected[0], axis=-1).mean()
    steps = np.linalg.norm(np.diff(detected[0], axis=0), axis=-1).mean()
    independent = np.sqrt(2) * size
    assert steps < 0.3 * independent


def test_hands_and_feet_are_harder_than_head_and_shoulders(walking, detected) -> None:
    size = np.linalg.norm(detected[0], axis=-1).mean(axis=0)
    wrists, shoulders = index("LWrist", "RWrist"), index("LShoulder", "RShoulder")
    assert size[wrists].mean() > 1.2 * size[shoulders].mean()
    assert size[index("LFoot", "RFoot")].min() > 1.5 * size[index("Head")].max()


def test_faster_joints_have_larger_errors() -> None:
    _, positions = seen("Sitting", 2.0)
    still = np.tile(positions[:1], (100, 1, 1))
    moving = still.copy()
    moving[:, :, 0] += 1.0 * np.arange(100)[:, None] / FPS - 1.0
    error = [
        expected_error(project(track, CAMERA), track, FPS, DEFAULT, H36M_17)[50]
        for track in (still, moving)
    ]
    hidden = 1 + DEFAULT.occlusion_factor * occlusion(moving[50:51], H36M_17)[0]
    # One metre a second across the image adds the blur time times one metre a second.
    np.testing.assert_allclose(error[1] - error[0], DEFAULT.blur_seconds * hidden, rtol=0.15)


def test_a_joint_behind_the_trunk_is_hidden_and_before_or_beside_it_is_not() -> None:
    wrist = index("LWrist")[0]
    behind, before, beside = (
        occlusion(lone_joint(place), H36M_17)[0, wrist]
        for place in ((0, -0.25, 5.4), (0, -0.25, 4.6), (0.5, -0.25, 5.4))
    )
    assert behind > 0.95
    assert before < 0.05
    assert beside < 0.05


def test_hidden_joints_have_larger_errors_and_less_confidence(walking, detected) -> None:
    hidden = occlusion(walking[1], H36M_17)
    size = np.linalg.norm(detected[0], axis=-1)
    confidence = detected[1]
    for joint in index("LElbow", "RElbow", "LKnee", "RKnee"):
        away, open_view = hidden[:, joint] > 0.9, hidden[:, joint] < 0.1
        assert away.sum() > 50
        assert size[away, joint].mean() > 1.5 * size[open_view, joint].mean()
        assert confidence[away, joint].mean() < confidence[open_view, joint].mean() - 0.1


def test_confidence_lies_in_its_range_and_falls_with_the_error(detected) -> None:
    error, confidence = detected
    assert confidence.min() >= 0
    assert confidence.max() <= 1
    size = np.linalg.norm(error, axis=-1)
    assert np.corrcoef(size.ravel(), confidence.ravel())[0, 1] < -0.3


def test_errors_grow_with_the_apparent_size_of_the_person(walking) -> None:
    _, positions = walking
    near = np.subtract(positions, (0.0, 0.0, 1.5))
    far = np.add(positions, (0.0, 0.0, 3.0))
    sizes = []
    for moved in (near, far):
        exact = project(moved, CAMERA)
        found, _ = detect(exact, moved, FPS, 0, NO_SWAPS, H36M_17)
        sizes.append(np.linalg.norm(found - exact, axis=-1).mean())
    ratio = far[..., 2].mean() / near[..., 2].mean()
    assert sizes[0] / sizes[1] == pytest.approx(ratio, rel=0.15)


def test_left_and_right_are_treated_alike(walking) -> None:
    exact, positions = walking
    mirrored = (positions * [-1.0, 1.0, 1.0])[:, H36M_17.mirror]
    mirrored_exact = (exact * [-1.0, 1.0])[:, H36M_17.mirror]
    error = expected_error(exact, positions, FPS, DEFAULT, H36M_17)
    mirrored_error = expected_error(mirrored_exact, mirrored, FPS, DEFAULT, H36M_17)
    np.testing.assert_allclose(mirrored_error, error[:, H36M_17.mirror], atol=1e-12)


def test_limbs_are_swapped_rarely_whole_and_for_several_frames(walking) -> None:
    exact, positions = walking
    settings = DetectorSettings(scale=0.0, swap_share=0.1)
    swapped_runs = []
    for seed in range(5):
        found, _ = detect(exact, positions, FPS, seed, settings, H36M_17)
        swapped = np.abs(found - exact).max(axis=-1) > 1e-9
        for left, right in zip(H36M_17.left, H36M_17.right, strict=True):
            np.testing.assert_array_equal(
                found[swapped[:, left], left], exact[swapped[:, left], right]
            )
        np.testing.assert_array_equal(swapped[:, index("LHip")], swapped[:, index("LFoot")])
        assert not swapped[:, index("Hip", "Head", "Thorax")].any()
        legs = swapped[:, index("LKnee")[0]]
        swapped_runs.append((legs.mean(), np.count_nonzero(np.diff(legs.astype(int)) == 1)))
    share, runs = np.sum(swapped_runs, axis=0)
    assert 0 < share / 5 < 0.1
    assert share * len(exact) / runs > 2


def test_nothing_of_the_errors_is_left_at_scale_zero_without_swaps(walking) -> None:
    none = DetectorSettings(scale=0.0, swap_share=0.0)
    found, confidence = detect(*walking, FPS, 0, none, H36M_17)
    np.testing.assert_array_equal(found, walking[0])
    np.testing.assert_array_equal(confidence, 1.0)


def test_a_single_frame_is_enough(walking) -> None:
    found, confidence = detect(walking[0][:1], walking[1][:1], FPS, 0, DEFAULT, H36M_17)
    assert np.isfinite(found).all()
    assert np.isfinite(confidence).all()


@pytest.mark.parametrize("wrong", [{"scale": -1.0}, {"correlation_seconds": 0.0}, {"sigma": 5}])
def test_impossible_settings_are_refused(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        DetectorSettings(**wrong)
