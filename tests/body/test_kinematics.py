import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.body.kinematics import (
    forward_kinematics,
    rotation_about,
    rotation_from_axis_angle,
    rotation_from_euler_xyz,
)

angles = arrays(np.float64, (4, 3), elements=st.floats(-7, 7))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_quarter_turn_takes_each_axis_to_the_next_one(axis: int) -> None:
    turned = rotation_about(axis, np.array(math.pi / 2)) @ np.eye(3)[(axis + 1) % 3]
    np.testing.assert_allclose(turned, np.eye(3)[(axis + 2) % 3], atol=1e-15)


def test_euler_angles_turn_about_fixed_x_then_y_then_z() -> None:
    a, b, c = 0.3, -1.1, 2.0
    x = np.array([[1, 0, 0], [0, math.cos(a), -math.sin(a)], [0, math.sin(a), math.cos(a)]])
    y = np.array([[math.cos(b), 0, math.sin(b)], [0, 1, 0], [-math.sin(b), 0, math.cos(b)]])
    z = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    vector = np.array([0.2, -0.5, 0.9])
    np.testing.assert_allclose(
        rotation_from_euler_xyz(np.array([a, b, c])) @ vector, z @ (y @ (x @ vector)), atol=1e-15
    )


@settings(max_examples=30, deadline=None)
@given(angles)
def test_every_construction_gives_rotations(values: np.ndarray) -> None:
    for rotation in (rotation_from_euler_xyz(values), rotation_from_axis_angle(values)):
        assert rotation.shape == (4, 3, 3)
        np.testing.assert_allclose(
            rotation @ np.swapaxes(rotation, -1, -2), np.tile(np.eye(3), (4, 1, 1)), atol=1e-12
        )
        np.testing.assert_allclose(np.linalg.det(rotation), 1.0, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(angles)
def test_axis_angle_keeps_its_axis_and_turns_by_its_length(values: np.ndarray) -> None:
    rotation = rotation_from_axis_angle(values)
    np.testing.assert_allclose(
        np.einsum("nij,nj->ni", rotation, values), values, atol=1e-9, rtol=1e-9
    )
    turned = (np.trace(rotation, axis1=1, axis2=2) - 1) / 2
    np.testing.assert_allclose(turned, np.cos(np.linalg.norm(values, axis=1)), atol=1e-9)


def test_axis_angle_agrees_with_turns_about_axes_and_is_exact_near_zero() -> None:
    for axis in range(3):
        vector = 1.3 * np.eye(3)[axis]
        np.testing.assert_allclose(
            rotation_from_axis_angle(vector), rotation_about(axis, np.array(1.3)), atol=1e-15
        )
    np.testing.assert_array_equal(rotation_from_axis_angle(np.zeros(3)), np.eye(3))
    tiny = rotation_from_axis_angle(np.array([0.0, 0.0, 1e-9]))
    assert tiny[1, 0] == pytest.approx(1e-9, rel=1e-12)


def slow_forward_kinematics(parents, offsets, rotations, root):
    """One frame and one bone at a time, walking up to the root each time."""
    ends = np.zeros((len(root), len(parents), 3))
    for frame in range(len(root)):
        for bone in range(len(parents)):
            chain = [bone]
            while parents[chain[0]] >= 0:
                chain.insert(0, parents[chain[0]])
            place, turned = root[frame].copy(), np.eye(3)
            for link in chain:
                turned = turned @ rotations[frame, link]
                place = place + turned @ offsets[link]
            ends[frame, bone] = place
    return ends


def test_forward_kinematics_equals_walking_along_each_chain() -> None:
    generator = np.random.default_rng(0)
    parents = (-1, 0, 1, 0, 3, -1)
    offsets = generator.normal(size=(6, 3))
    rotations = rotation_from_axis_angle(generator.normal(size=(5, 6, 3)))
    root = generator.normal(size=(5, 3))
    ends, turned = forward_kinematics(parents, offsets, rotations, root)
    np.testing.assert_allclose(
        ends, slow_forward_kinematics(parents, offsets, rotations, root), atol=1e-12
    )
    np.testing.assert_allclose(
        turned[:, 2], rotations[:, 0] @ rotations[:, 1] @ rotations[:, 2], atol=1e-12
    )


def test_turning_the_root_turns_the_whole_body() -> None:
    generator = np.random.default_rng(1)
    parents, offsets = (-1, 0, 1), generator.normal(size=(3, 3))
    rotations = rotation_from_axis_angle(generator.normal(size=(2, 3, 3)))
    ends, _ = forward_kinematics(parents, offsets, rotations, np.zeros((2, 3)))
    turn = rotation_from_axis_angle(np.array([0.4, -0.2, 1.0]))
    rotations[:, 0] = turn @ rotations[:, 0]
    turned, _ = forward_kinematics(parents, offsets, rotations, np.zeros((2, 3)))
    np.testing.assert_allclose(turned, ends @ turn.T, atol=1e-12)


def test_a_child_before_its_parent_is_refused() -> None:
    with pytest.raises(ValueError, match="bone 0 stands before its parent 1"):
        forward_kinematics(
            (1, -1), np.zeros((2, 3)), np.tile(np.eye(3), (1, 2, 1, 1)), np.zeros((1, 3))
        )
