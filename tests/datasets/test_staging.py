"""Placing motion before cameras: moved along the floor only, never nearer than allowed."""

import numpy as np
import pytest

from harness.body.camera import h36m_cameras, world_to_camera
from harness.body.skeleton import H36M_17
from harness.datasets.staging import meeting_point, place_before


def walk(metres: float, frames: int = 200) -> np.ndarray:
    """A rigid body that walks straight on, far from the origin."""
    body = np.random.default_rng(0).uniform((-0.4, -0.4, 0.2), (0.4, 0.4, 1.8), (17, 3))
    body[0] = [0, 0, 1]
    path = np.zeros((frames, 1, 3))
    path[:, 0, 1] = np.linspace(0, metres, frames)
    return body + path + [50.0, -30.0, 0.0]


@pytest.mark.parametrize("subject", ["S1", "S5", "S11"])
def test_cameras_meet_where_each_sees_the_point_near_its_image_centre(subject: str) -> None:
    cameras = h36m_cameras()[subject]
    point = meeting_point(cameras)
    for camera in cameras:
        x, y, depth = world_to_camera(point, camera)
        assert depth > 3
        assert np.hypot(x, y) / depth < 0.1


def test_a_short_walk_is_moved_as_a_whole_and_only_along_the_floor() -> None:
    positions, cameras = walk(3.0), h36m_cameras()["S1"]
    (placed,) = place_before(positions, H36M_17.root, cameras, 1.5, 50)
    shift = placed - positions
    np.testing.assert_allclose(shift, np.broadcast_to(shift[0, 0], shift.shape), atol=1e-9)
    assert shift[0, 0, 2] == 0
    middle = (placed[0, 0] + placed[-1, 0]) / 2
    np.testing.assert_allclose(middle[:2], meeting_point(cameras)[:2])


def test_a_long_walk_is_cut_into_the_fewest_pieces_that_keep_their_distance() -> None:
    positions, cameras = walk(14.0), h36m_cameras()["S1"]
    pieces = place_before(positions, H36M_17.root, cameras, 1.5, 50)
    assert len(pieces) > 1
    assert sum(map(len, pieces)) == len(positions)
    np.testing.assert_allclose(
        np.concatenate([np.diff(piece[:, 0], axis=0) for piece in pieces])[0],
        np.diff(positions[:2, 0], axis=0)[0],
    )
    for piece in pieces:
        for camera in cameras:
            assert world_to_camera(piece, camera)[..., 2].min() > 1.5


def test_motion_that_fits_nowhere_gives_no_pieces() -> None:
    positions = walk(0.1)
    positions[:, 5, 0] += 20.0
    assert place_before(positions, H36M_17.root, h36m_cameras()["S1"], 1.5, 50) == []
