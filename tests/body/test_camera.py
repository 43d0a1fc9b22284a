import warnings

import numpy as np
import pytest
from pydantic import ValidationError

from harness.body.camera import (
    Camera,
    ScreenSide,
    camera_to_world,
    h36m_cameras,
    normalize_screen,
    project,
    rotation_of_quaternion,
    world_to_camera,
)

CAMERA = h36m_cameras()["S9"][1]


def slow_projection(point: np.ndarray, camera: Camera) -> np.ndarray:
    """Brown's lens model for one point in plain arithmetic."""
    x = min(max(point[0] / point[2], -1.0), 1.0)
    y = min(max(point[1] / point[2], -1.0), 1.0)
    r2 = x * x + y * y
    k1, k2, k3 = camera.radial_distortion
    p1, p2 = camera.tangential_distortion
    factor = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3 + p1 * x + p2 * y
    return np.array(
        [
            (x * factor + p1 * r2) * camera.focal_length[0] + camera.center[0],
            (y * factor + p2 * r2) * camera.focal_length[1] + camera.center[1],
        ]
    )


def test_human36m_has_four_cameras_for_each_of_seven_subjects() -> None:
    cameras = h36m_cameras()
    assert sorted(cameras) == ["S1", "S11", "S5", "S6", "S7", "S8", "S9"]
    for seen in cameras.values():
        assert [camera.name for camera in seen] == ["54138969", "55011271", "58860488", "60457274"]
        assert [(camera.width, camera.height) for camera in seen] == [
            (1000, 1002),
            (1000, 1000),
            (1000, 1000),
            (1000, 1002),
        ]
        for camera in seen:
            assert camera.orientation is not None
            assert camera.translation is not None
            assert np.linalg.norm(camera.orientation) == pytest.approx(1.0, abs=1e-4)
            # Metres: the cameras stand 3 to 6 m from the middle, at about the height of a head.
            assert 3 < np.hypot(*camera.translation[:2]) < 6
            assert 1.4 < camera.translation[2] < 1.7


def test_projection_equals_plain_arithmetic_and_clamps_the_far_sides() -> None:
    points = np.random.default_rng(0).uniform((-2, -2, 1.2), (2, 2, 7), (40, 3))
    points[0] = (9.0, 0.5, 2.0)
    expected = [slow_projection(point, CAMERA) for point in points]
    np.testing.assert_allclose(project(points, CAMERA), expected, atol=1e-9)


def test_a_point_on_the_optical_axis_lands_on_the_principal_point() -> None:
    np.testing.assert_allclose(project(np.array([0.0, 0.0, 3.0]), CAMERA), CAMERA.center)


def test_world_and_camera_space_are_inverse_and_keep_distances() -> None:
    points = np.random.default_rng(1).normal(size=(5, 17, 3))
    seen = world_to_camera(points, CAMERA)
    np.testing.assert_allclose(camera_to_world(seen, CAMERA), points, atol=1e-12)
    np.testing.assert_allclose(
        np.linalg.norm(np.diff(seen, axis=1), axis=-1),
        np.linalg.norm(np.diff(points, axis=1), axis=-1),
        atol=1e-12,
    )
    center = world_to_camera(np.asarray(CAMERA.translation), CAMERA)
    np.testing.assert_allclose(center, 0.0, atol=1e-12)


def test_up_in_the_world_is_up_in_the_image() -> None:
    feet, head = np.array([0.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.7])
    for camera in h36m_cameras()["S1"]:
        assert (
            project(world_to_camera(head, camera), camera)[1]
            < project(world_to_camera(feet, camera), camera)[1]
        )


def test_single_precision_stays_single_precision() -> None:
    points = np.ones((2, 3), dtype=np.float32)
    assert world_to_camera(points, CAMERA).dtype == np.float32
    assert camera_to_world(points, CAMERA).dtype == np.float32
    assert project(points, CAMERA).dtype == np.float32
    assert normalize_screen(points[:, :2], 1000, 1002).dtype == np.float32


def test_quaternions_give_rotations() -> None:
    half = np.sqrt(0.5)
    about_z = rotation_of_quaternion((half, 0.0, 0.0, half))
    np.testing.assert_allclose(about_z @ [1, 0, 0], [0, 1, 0], atol=1e-15)
    np.testing.assert_allclose(rotation_of_quaternion((2.0, 0, 0, 0)), np.eye(3))


def test_the_screen_is_normalised_by_width_in_both_directions() -> None:
    corners = np.array([[0.0, 0.0], [1000.0, 1002.0], [500.0, 501.0]])
    np.testing.assert_allclose(
        normalize_screen(corners, 1000, 1002), [[-1, -1.002], [1, 1.002], [0, 0]], atol=1e-12
    )


def test_intrinsics_are_scaled_as_the_keypoints_are() -> None:
    vector = CAMERA.normalized_intrinsics()
    assert vector.shape == (9,)
    ideal = CAMERA.model_copy(
        update={"radial_distortion": (0.0, 0.0, 0.0), "tangential_distortion": (0.0, 0.0)}
    )
    point = np.array([0.4, -0.3, 4.0])
    on_screen = normalize_screen(project(point, ideal), ideal.width, ideal.height)
    np.testing.assert_allclose(
        on_screen, point[:2] / point[2] * vector[:2] + vector[2:4], atol=1e-6
    )
    np.testing.assert_allclose(vector[4:7], CAMERA.radial_distortion, rtol=1e-6)
    np.testing.assert_allclose(vector[7:], CAMERA.tangential_distortion, rtol=1e-6)


def test_a_camera_without_a_place_cannot_see_the_world() -> None:
    camera = CAMERA.model_copy(update={"orientation": None, "translation": None})
    with pytest.raises(ValueError, match="55011271 has no known place"):
        world_to_camera(np.zeros(3), camera)
    assert np.isfinite(project(np.array([0.0, 0.0, 1.0]), camera)).all()


def test_a_camera_with_a_mistyped_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        Camera(name="x", width=10, height=10, focal_length=(1, 1), center=(5, 5), fov=90)


def test_what_is_not_before_the_camera_is_in_no_picture() -> None:
    camera = h36m_cameras()["S1"][0]
    points = np.array([[0.1, 0.1, 2.0], [0.1, 0.1, 0.0], [0.1, 0.1, -2.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pixels = project(points, camera)
    assert np.isfinite(pixels[0]).all()
    assert np.isnan(pixels[1:]).all()


def test_the_screen_of_a_portrait_video_spans_its_height() -> None:
    corners = np.array([[0.0, 0.0], [720.0, 1280.0], [360.0, 640.0]])
    np.testing.assert_allclose(
        normalize_screen(corners, 720, 1280), [[-0.5625, -1], [0.5625, 1], [0, 0]], atol=1e-12
    )
    np.testing.assert_allclose(
        normalize_screen(corners, 720, 1280, "width"),
        corners / 360.0 - [1.0, 1280 / 720],
        atol=1e-12,
    )


@pytest.mark.parametrize("screen", [None, "width", "longer"])
def test_intrinsics_project_onto_the_screen_that_keypoints_are_on(
    screen: ScreenSide | None,
) -> None:
    camera = Camera(
        name="p",
        width=720,
        height=1280,
        focal_length=(1100.0, 1110.0),
        center=(350.0, 650.0),
        screen=screen,
    )
    point = np.array([[0.2, -0.3, 4.0]])
    vector = camera.normalized_intrinsics()
    expected = point[:, :2] / point[:, 2:] * vector[:2] + vector[2:4]
    on_screen = normalize_screen(project(point, camera), 720, 1280, screen)
    np.testing.assert_allclose(on_screen, expected, atol=1e-6)


def test_a_choice_that_was_not_made_is_not_written() -> None:
    assert "screen" not in CAMERA.model_dump()
    assert CAMERA.model_copy(update={"screen": "longer"}).model_dump()["screen"] == "longer"
    assert Camera.model_validate(CAMERA.model_dump()) == CAMERA
