"""Mirroring is an involution and agrees with a mirrored camera."""

import numpy as np
import pytest
import torch
from tiny_lifter import CAMERAS, LinearLifter, LinearSettings, write_tiny_set

from harness.body.camera import normalize_screen, project
from harness.body.skeleton import H36M_16, H36M_17
from harness.lifting.augmentation import mirrored_inputs, mirrored_points, mirrored_some
from harness.lifting.contract import Batch
from harness.lifting.windows import TrainingWindows, WindowReader


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    prepared = write_tiny_set(tmp_path_factory.mktemp("mirror") / "tiny")
    lifter = LinearLifter(LinearSettings(uses_root_depth=True), H36M_16, layout=H36M_17)
    reader = WindowReader(prepared, prepared.clips, "gt", lifter)
    return reader.batch(TrainingWindows(prepared.clips, lifter.frames, "all")[:])


def test_mirroring_twice_changes_nothing(batch: Batch) -> None:
    twice = mirrored_inputs(mirrored_inputs(batch.inputs, H36M_17), H36M_17)
    assert torch.equal(twice.keypoints, batch.inputs.keypoints)
    assert torch.equal(twice.intrinsics, batch.inputs.intrinsics)
    points = batch.target
    assert torch.equal(mirrored_points(mirrored_points(points, H36M_16), H36M_16), points)
    assert not torch.equal(mirrored_points(points, H36M_16), points)


def test_only_the_chosen_windows_are_mirrored(batch: Batch) -> None:
    chosen = torch.arange(len(batch.target)) % 3 == 0
    some = mirrored_some(batch, chosen, H36M_17, H36M_16)
    image = mirrored_inputs(batch.inputs, H36M_17)
    assert torch.equal(some.inputs.keypoints[chosen], image.keypoints[chosen])
    assert torch.equal(some.inputs.intrinsics[chosen], image.intrinsics[chosen])
    assert torch.equal(some.target[chosen], mirrored_points(batch.target, H36M_16)[chosen])
    assert torch.equal(some.root[chosen], batch.root[chosen] * torch.tensor([-1.0, 1.0, 1.0]))
    for one, other in (
        (some.inputs.keypoints, batch.inputs.keypoints),
        (some.inputs.intrinsics, batch.inputs.intrinsics),
        (some.target, batch.target),
        (some.root, batch.root),
    ):
        assert torch.equal(one[~chosen], other[~chosen])
    assert some.inputs.root_depth is batch.inputs.root_depth


def test_mirrored_2d_is_the_mirrored_person_seen_by_the_mirrored_camera(batch: Batch) -> None:
    camera = CAMERAS[0]
    positions = np.random.default_rng(1).normal([0.2, 0.1, 4.0], 0.4, size=(5, 17, 3))
    pixels = project(positions, camera)
    screen = torch.from_numpy(normalize_screen(pixels, camera.width, camera.height))
    p1, p2 = camera.tangential_distortion
    image = camera.model_copy(
        update={
            "center": (camera.width - camera.center[0], camera.center[1]),
            "tangential_distortion": (-p1, p2),
        }
    )
    swapped = positions[:, list(H36M_17.mirror)] * [-1, 1, 1]
    expected = normalize_screen(project(swapped, image), image.width, image.height)
    np.testing.assert_allclose(mirrored_points(screen, H36M_17), expected, atol=1e-12)
    intrinsics = torch.from_numpy(camera.normalized_intrinsics())[None]
    inputs = type(batch.inputs)(screen[None, :, :, :], intrinsics)
    np.testing.assert_allclose(
        mirrored_inputs(inputs, H36M_17).intrinsics[0], image.normalized_intrinsics(), atol=1e-6
    )
