"""VideoPose3D under the lifter contract."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tiny_lifter import write_tiny_set

from harness.body.skeleton import COCO_17, H36M_17, HUMANEVA_15
from harness.lifting.contract import Batch, LifterInput
from harness.lifting.lift import lift
from harness.lifting.methods.videopose3d import METHOD, VideoPose3DLifter
from harness.lifting.windows import TrainingWindows, WindowReader


def built(**network: Any) -> VideoPose3DLifter:
    torch.manual_seed(0)
    settings = METHOD.settings.model_validate({"channels": 32, "frames": 9} | network)
    lifter = METHOD.build(settings, H36M_17, H36M_17)
    assert isinstance(lifter, VideoPose3DLifter)
    return lifter


@pytest.mark.parametrize("causal", [False, True])
def test_a_clip_at_once_equals_window_by_window(tmp_path: Path, causal: bool) -> None:
    prepared = write_tiny_set(tmp_path / "tiny", lengths=(9, 5, 2, 7))
    lifter = built(causal=causal)
    for norm in lifter.modules():
        if isinstance(norm, torch.nn.BatchNorm1d):
            torch.nn.init.normal_(norm.weight)
            torch.nn.init.normal_(norm.running_mean)
    reader = WindowReader(prepared, prepared.clips, "noisy", lifter)
    at_once = lift(lifter, reader, flip_test=True)
    lifter.lifts_clips = False
    np.testing.assert_allclose(at_once, lift(lifter, reader, flip_test=True), atol=1e-5)


def test_loss_is_the_mean_distance_of_the_predicted_frame() -> None:
    lifter = built().eval()
    batch = Batch(
        LifterInput(torch.randn(4, 9, 17, 2), torch.zeros(4, 9)),
        torch.randn(4, 1, 17, 3),
        torch.zeros(4, 1, 3),
    )
    predicted = lifter(batch.inputs)
    distances = [
        (predicted[b, 0, j] - batch.target[b, 0, j]).square().sum().sqrt()
        for b in range(4)
        for j in range(17)
    ]
    torch.testing.assert_close(lifter.loss(batch), torch.stack(distances).mean())


def test_norm_momentum_falls_from_a_tenth_towards_a_thousandth() -> None:
    lifter = built()
    momenta = []
    for epoch in range(1, 81):
        lifter.on_epoch_start(epoch, 80)
        momenta.append(lifter.network.expand_norm.momentum)
    assert momenta[0] == pytest.approx(0.1)
    assert momenta[40] == pytest.approx(0.01)
    assert momenta[-1] == pytest.approx(0.001, rel=0.07)


def test_takes_coco_keypoints_and_predicts_humaneva_joints() -> None:
    settings = METHOD.settings.model_validate({"frames": 27})
    with torch.device("meta"):
        lifter = METHOD.build(settings, HUMANEVA_15, COCO_17)
    assert (lifter.skeleton, lifter.layout, lifter.frames) == (HUMANEVA_15, COCO_17, 27)
    assert sum(parameter.numel() for parameter in lifter.parameters()) == 8_549_421


@pytest.mark.parametrize("wrong", [{"frames": 27, "dense": True}, {"frames": 28}, {"channels": 0}])
def test_settings_refuse_what_they_do_not_know(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        METHOD.settings.model_validate(wrong)


def test_overfits_64_windows_to_under_10_mm(tmp_path: Path) -> None:
    prepared = write_tiny_set(tmp_path / "tiny", lengths=(40, 40, 2, 2))
    lifter = built(channels=128, dropout=0.0)
    reader = WindowReader(prepared, prepared.clips, "noisy", lifter)
    windows = TrainingWindows(reader.clips, lifter.frames, "middle")[:64]
    batch = reader.batch(windows)
    optimiser = torch.optim.Adam(lifter.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, 0.98)
    for _ in range(250):
        optimiser.zero_grad()
        lifter.loss(batch).backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        assert lifter.loss(batch) < 0.010
