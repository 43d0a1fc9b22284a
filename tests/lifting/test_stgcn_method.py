"""ST-GCN under the lifter contract."""

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from tiny_lifter import write_tiny_set

from baselines.stgcn import pose_on_rays
from harness.body.skeleton import COCO_17, H36M_17, HUMANEVA_15, MPI_INF_3DHP_17
from harness.foundation.errors import HarnessError
from harness.lifting.augmentation import mirrored_inputs, mirrored_points
from harness.lifting.contract import Batch, LifterInput
from harness.lifting.methods.stgcn import METHOD, STGCNLifter, asymmetry, body_parts
from harness.lifting.windows import TrainingWindows, WindowReader

SMALL = {"joint_channels": [32, 32, 64], "part_channels": 64}


def built(**network: Any) -> STGCNLifter:
    torch.manual_seed(0)
    settings = METHOD.settings.model_validate(SMALL | network)
    lifter = METHOD.build(settings, H36M_17, H36M_17)
    assert isinstance(lifter, STGCNLifter)
    return lifter


def tiny_batch(folder: Path, lifter: STGCNLifter) -> Batch:
    prepared = write_tiny_set(folder / "tiny", lengths=(40, 40, 2, 2))
    reader = WindowReader(prepared, prepared.clips, "noisy", lifter)
    return reader.batch(TrainingWindows(reader.clips, lifter.frames, "middle")[:64])


@pytest.mark.parametrize("refinement", [False, True])
@pytest.mark.parametrize("frames", [1, 3])
def test_predicts_the_middle_frame_and_learns_from_all(
    tmp_path: Path, frames: int, refinement: bool
) -> None:
    lifter = built(frames=frames, refinement=refinement).eval()
    batch = tiny_batch(tmp_path, lifter)
    assert batch.target.shape == (64, frames, 17, 3)
    predicted = lifter(batch.inputs)
    everything = lifter.network(batch.inputs.keypoints)
    expected = (everything - batch.target).norm(dim=-1).mean()
    if refinement:
        middle = batch.target[:, frames // 2]
        expected = expected + (predicted[:, 0] - middle).norm(dim=-1).mean()
        expected = expected + 0.01 * asymmetry(predicted[:, 0], H36M_17)
        assert torch.equal(predicted[:, 0, :, 2], everything[:, frames // 2, :, 2])
    else:
        assert torch.equal(predicted[:, 0], everything[:, frames // 2])
    torch.testing.assert_close(lifter.loss(batch), expected)


def test_mirrored_predictions_are_refined_once_with_the_2d_as_it_is(tmp_path: Path) -> None:
    lifter = built(frames=3, refinement=True).double().eval()
    inputs = tiny_batch(tmp_path, lifter).to(torch.device("cpu"), torch.float64).inputs
    order = list(H36M_17.mirror)
    sign = torch.tensor([-1.0, 1.0, 1.0], dtype=torch.float64)
    image = lifter.network(inputs.keypoints[:, :, order] * sign[:2])[:, 1][:, order] * sign
    mean = (lifter.network(inputs.keypoints)[:, 1] + image) / 2
    assert inputs.root_depth is not None
    assert lifter.refinement is not None
    depth = inputs.root_depth[:, 1]
    on_rays = pose_on_rays(mean, inputs.keypoints[:, 1], inputs.intrinsics, depth, 0)
    torch.testing.assert_close(
        lifter.forward_mirrored(inputs)[:, 0], lifter.refinement(mean, on_rays)
    )


def test_mirrored_predictions_without_refinement_are_the_mean_of_two(tmp_path: Path) -> None:
    lifter = built(frames=3).eval()
    inputs = tiny_batch(tmp_path, lifter).inputs
    image = mirrored_points(lifter(mirrored_inputs(inputs, H36M_17)), H36M_17)
    torch.testing.assert_close(lifter.forward_mirrored(inputs), (lifter(inputs) + image) / 2)


def test_asymmetry_sums_differences_of_mirrored_bones() -> None:
    pose = torch.randn(2, 17, 3, generator=torch.Generator().manual_seed(0))
    left = ((0, 4), (4, 5), (5, 6), (8, 11), (11, 12), (12, 13))
    right = ((0, 1), (1, 2), (2, 3), (8, 14), (14, 15), (15, 16))
    expected = 0.0
    for (a, b), (c, d) in zip(left, right, strict=True):
        for sample in pose:
            difference = (sample[a] - sample[b]).norm() - (sample[c] - sample[d]).norm()
            expected += abs(float(difference)) / 2
    assert float(asymmetry(pose, H36M_17)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("frames", "refinement"), [(1, False), pytest.param(3, True, marks=pytest.mark.slow)]
)
def test_overfits_64_windows_to_under_10_mm(tmp_path: Path, frames: int, refinement: bool) -> None:
    still = {"dropout": 0.0, "body_dropout": 0.0, "head_dropout": 0.0}
    lifter = built(frames=frames, refinement=refinement, **still)
    batch = tiny_batch(tmp_path, lifter)
    optimiser = torch.optim.Adam(lifter.parameters(), 1e-2)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, 0.98)
    for _ in range(130):
        optimiser.zero_grad()
        lifter.loss(batch).backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        middle = batch.target[:, frames // 2]
        assert (lifter(batch.inputs)[:, 0] - middle).norm(dim=-1).mean() < 0.010


def test_full_size_counts_and_declares_privileged_input() -> None:
    settings = METHOD.settings.model_validate({"refinement": True})
    lifter = METHOD.build(settings, H36M_17, H36M_17)
    assert lifter.uses_root_depth
    assert sum(weight.numel() for weight in lifter.parameters()) == 5_040_455 + 140_322
    assert not built().uses_root_depth
    with pytest.raises(ValueError, match="depth of the root"):
        lifter(LifterInput(torch.zeros(1, 3, 17, 2), torch.ones(1, 9)))


def test_parts_of_human36m_are_the_published_ones() -> None:
    parts = {frozenset(part) for part in body_parts(H36M_17).parts()}
    assert parts == {
        frozenset(part)
        for part in ((11, 12, 13), (14, 15, 16), (4, 5, 6), (1, 2, 3), (0, 7, 8, 9, 10))
    }


@pytest.mark.parametrize("skeleton", [HUMANEVA_15, MPI_INF_3DHP_17], ids=lambda item: item.name)
def test_other_skeletons_fall_into_five_parts(skeleton: Any) -> None:
    assert len(body_parts(skeleton).parts()) == 5


def test_refuses_a_layout_without_its_joints_and_unknown_settings() -> None:
    with pytest.raises(HarnessError, match="lacks"):
        METHOD.build(METHOD.settings(), H36M_17, COCO_17)
    for wrong in ({"frames": 4}, {"refine": True}):
        with pytest.raises(ValidationError):
            METHOD.settings.model_validate(wrong)
