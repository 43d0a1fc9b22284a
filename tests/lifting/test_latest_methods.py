"""MixSTE, MotionAGFormer, MotionBERT, PoseFormerV2 and D3DP under the lifter contract."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_lifter import write_tiny_set

from baselines.pose_losses import mean_distance, mixste_loss, motionbert_loss
from harness.body.skeleton import H36M_17, HUMANEVA_15
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.lifting.augmentation import mirrored_inputs, mirrored_some
from harness.lifting.build import build_lifter
from harness.lifting.catalogue import predicting_parameter_count
from harness.lifting.contract import Batch, Lifter, LifterInput
from harness.lifting.lift import lift, mpjpe_mm
from harness.lifting.made_input import made_input
from harness.lifting.methods.joint_tokens import image_pose
from harness.lifting.registry import method_called
from harness.lifting.windows import TrainingWindows, WindowReader
from harness.prediction.corruption import corrupted_keypoints

SMALL: dict[str, dict[str, Any]] = {
    "mixste": {"frames": 4, "channels": 16, "depth": 1},
    "motionagformer": {"frames": 4, "channels": 16, "depth": 1},
    "motionbert": {"frames": 4, "channels": 16, "depth": 1},
    "poseformerv2": {
        "frames": 5,
        "kept_frames": 1,
        "kept_coefficients": 3,
        "joint_channels": 8,
        "depth": 1,
    },
    "d3dp": {"frames": 4, "channels": 16, "depth": 1, "hypotheses": 3, "steps": 2},
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    return write_tiny_set(tmp_path_factory.mktemp("latest") / "set", confident=True)


def built(model: str, skeleton: Any = H36M_17, **changes: Any) -> Lifter:
    return build_lifter(method_called(model), SMALL[model] | changes, skeleton, skeleton, seed=0)


def batch_of(prepared: PreparedSet, lifter: Lifter, source: str = "noisy") -> Batch:
    reader = WindowReader(prepared, prepared.clips, source, lifter)
    windows = TrainingWindows(reader.clips, lifter.frames, lifter.predicts)
    return reader.batch(windows[:])


@pytest.mark.parametrize("skeleton", [H36M_17, HUMANEVA_15], ids=lambda item: item.name)
@pytest.mark.parametrize("model", SMALL)
def test_every_parameter_is_used(model: str, skeleton: Any) -> None:
    lifter = built(model, skeleton)
    parameters = sum(value.numel() for value in lifter.parameters())
    assert predicting_parameter_count(lifter, lifter(made_input(lifter, 2))) == parameters


@pytest.mark.parametrize("model", SMALL)
def test_learns_a_batch(model: str, prepared: PreparedSet) -> None:
    lifter = built(model).train()
    batch = batch_of(prepared, lifter)
    optimizer = torch.optim.AdamW(lifter.parameters(), 3e-3)
    losses = []
    for step in range(40):
        torch.manual_seed(step)
        optimizer.zero_grad()
        loss = lifter.loss(batch)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


def test_losses_are_the_published_ones(prepared: PreparedSet) -> None:
    for model in ("mixste", "motionagformer", "motionbert", "poseformerv2"):
        lifter = built(model).eval()
        batch = batch_of(prepared, lifter)
        given = batch.inputs.keypoints
        if lifter.uses_confidence:
            assert batch.inputs.confidence is not None
            given = torch.cat([given, batch.inputs.confidence[..., None]], dim=-1)
        raw = lifter.network(given)
        published = {
            "mixste": lambda p, g: mixste_loss(p, g) ** 2 / 2,
            "poseformerv2": mean_distance,
        }.get(model, motionbert_loss)
        torch.testing.assert_close(lifter.loss(batch), published(raw, batch.target))


def test_the_image_as_target_is_what_the_camera_sees(prepared: PreparedSet) -> None:
    lifter = built("motionbert", space="image25d").eval()
    batch = batch_of(prepared, lifter)
    pose = image_pose(batch, root=0)
    window, frame, joint = 1, 2, 5
    focal = batch.inputs.intrinsics[window, :2]
    place = batch.target[window, frame, joint] + batch.root[window, frame]
    root = batch.root[window, frame]
    seen = focal * (place[:2] / place[2] - root[:2] / root[2])
    torch.testing.assert_close(pose[window, frame, joint, :2], seen)
    depth = (place[2] - root[2]) * focal.mean() / root[2]
    torch.testing.assert_close(pose[window, frame, joint, 2], depth)
    raw = lifter.network(torch.cat([*_seen(batch.inputs)], dim=-1))
    torch.testing.assert_close(lifter.loss(batch), motionbert_loss(raw, pose))


def _seen(inputs: LifterInput) -> tuple[torch.Tensor, torch.Tensor]:
    assert inputs.confidence is not None
    return inputs.keypoints, inputs.confidence[..., None]


def test_predictions_in_the_image_are_validated_in_metres(prepared: PreparedSet) -> None:
    """A prediction of nothing is off by the truth itself, whatever its units."""
    errors = []
    for space in ("camera", "image25d"):
        lifter = built("motionbert", space=space)
        torch.nn.init.zeros_(lifter.network.head[3].weight)
        torch.nn.init.zeros_(lifter.network.head[3].bias)
        errors.append(mpjpe_mm(lifter, WindowReader(prepared, prepared.clips, "gt", lifter)))
    assert errors[0] == pytest.approx(errors[1])
    constant = built("motionbert", space="image25d")
    torch.nn.init.zeros_(constant.network.head[3].weight)
    torch.nn.init.constant_(constant.network.head[3].bias, 0.1)
    reader = WindowReader(prepared, prepared.clips, "gt", constant)
    total = 0.0
    for clip in range(len(prepared.clips)):
        focal = reader.clip_inputs(clip).intrinsics[0, :2].mean().item()
        first = prepared.clips["first_row"][clip]
        for frame, truth in enumerate(reader.clip_target(clip)):
            depth = prepared.positions_3d[first + frame, 0, 2]
            guess = np.full((17, 3), 0.1 * depth / focal)
            guess[0] = 0
            total += np.linalg.norm(guess - truth, axis=-1).sum()
    assert mpjpe_mm(constant, reader) == pytest.approx(1000 * total / prepared.rows / 17, rel=1e-5)


def test_hypotheses_are_an_axis_that_no_batch_changes(prepared: PreparedSet) -> None:
    lifter = built("d3dp")
    reader = WindowReader(prepared, prepared.clips, "noisy", lifter)
    for flip in (False, True):
        poses = lift(lifter, reader, flip_test=flip)
        assert poses.shape == (prepared.rows, 3, 17, 3)
        assert np.abs(poses[:, :, 0]).max() == 0
        assert np.abs(poses[:, 0] - poses[:, 1]).max() > 1e-3
        alone = lift(lifter, reader, flip_test=flip, batch_size=1)
        np.testing.assert_allclose(alone, poses, atol=1e-5)


def test_more_hypotheses_leave_the_first_as_they_are(prepared: PreparedSet) -> None:
    inputs = batch_of(prepared, built("d3dp")).inputs
    with torch.no_grad():
        three, two = (built("d3dp", hypotheses=n).eval()(inputs) for n in (3, 2))
        torch.testing.assert_close(three[:, :2], two)
        one_step = built("d3dp", hypotheses=1, steps=1).eval()
        torch.testing.assert_close(built("d3dp").eval().validated(inputs), one_step(inputs))


def test_d3dp_mirrored_is_its_own_mirror_image_but_for_the_noise(prepared: PreparedSet) -> None:
    lifter = built("d3dp").eval()
    inputs = batch_of(prepared, lifter).inputs
    lifter.noise.zero_()
    with torch.no_grad():
        poses = lifter.forward_mirrored(inputs)
        image = lifter.forward_mirrored(mirrored_inputs(inputs, H36M_17))
    expected = image[..., list(H36M_17.mirror), :] * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(poses, expected, atol=1e-5, rtol=1e-5)


def test_confidence_is_read_with_the_joints_it_is_of(prepared: PreparedSet) -> None:
    lifter = built("motionbert")
    reader = WindowReader(prepared, prepared.clips, "noisy", lifter)
    stored = prepared.confidence("noisy")
    assert stored is not None
    windows = TrainingWindows(reader.clips, 4, "all")
    found = reader.inputs(windows[:]).confidence
    for number in range(len(windows)):
        first = prepared.clips["first_row"][windows[:].clip[number]]
        last = first + prepared.clips["frames"][windows[:].clip[number]] - 1
        rows = np.clip(windows[:].start[number] + np.arange(4), first, last)
        np.testing.assert_array_equal(found[number], stored[rows])
    whole = reader.clip_inputs(1).confidence
    np.testing.assert_array_equal(whole[0], stored[9:14])


def test_confidence_is_one_where_the_source_has_none(prepared: PreparedSet) -> None:
    assert torch.equal(
        batch_of(prepared, built("motionbert"), "gt").inputs.confidence,
        torch.ones(len(batch_of(prepared, built("motionbert"), "gt").target), 4, 17),
    )
    assert batch_of(prepared, built("mixste")).inputs.confidence is None


def test_confidence_is_mirrored_with_its_joints(prepared: PreparedSet) -> None:
    batch = batch_of(prepared, built("motionbert"))
    chosen = torch.arange(len(batch.target)) % 2 == 0
    some = mirrored_some(batch, chosen, H36M_17, H36M_17).inputs.confidence
    sure = batch.inputs.confidence
    assert torch.equal(some[~chosen], sure[~chosen])
    assert torch.equal(some[chosen], sure[chosen][..., list(H36M_17.mirror)])


@pytest.mark.parametrize("kind", ["dropout", "swaps", "gaussian"])
def test_confidence_is_corrupted_with_its_joints(kind: str, prepared: PreparedSet) -> None:
    spec = {"kind": kind, **({"sigma_px": 5.0} if kind == "gaussian" else {"probability": 0.4})}
    pixels, sure = corrupted_keypoints(prepared, prepared.clips, "noisy", spec)
    exact, stored = prepared.keypoints_2d("noisy"), prepared.confidence("noisy")
    changed = (pixels != exact).any(axis=-1)
    if kind == "gaussian":
        np.testing.assert_array_equal(sure, stored)
    elif kind == "dropout":
        np.testing.assert_array_equal(sure, np.where(changed, 0, stored))
    else:
        swapped = changed.any(axis=1)
        mirror = list(H36M_17.mirror)
        np.testing.assert_array_equal(sure, np.where(swapped[:, None], stored[:, mirror], stored))
    assert changed.any()


@pytest.mark.parametrize(
    ("model", "settings", "message"),
    [
        ("mixste", {"channels": 12}, "channels"),
        ("mixste", {"frames": 0}, "frames"),
        ("motionbert", {"frames": 300}, "frames 300 are more than the longest, 243"),
        ("poseformerv2", {"frames": 8}, "frames 8 is even"),
        ("poseformerv2", {"kept_frames": 7}, "kept_frames 7 is more than frames, 5"),
        ("d3dp", {"hypotheses": 0}, "hypotheses"),
        ("d3dp", {"steps": 1001}, "steps"),
    ],
)
def test_what_no_network_can_be_is_refused(
    model: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(HarnessError, match=message) as caught:
        built(model, **settings)
    assert f"models.{model}.network" in str(caught.value)


def test_settings_of_the_published_sizes_are_the_defaults() -> None:
    defaults = {name: method_called(name).settings().model_dump() for name in SMALL}
    assert defaults["mixste"]["channels"] == defaults["d3dp"]["channels"] == 512
    assert defaults["motionagformer"]["depth"] == 16
    assert {settings["frames"] for settings in defaults.values()} == {243}
    for name in SMALL:
        assert method_called(name).recipe.optimizer == "adamw"
        assert method_called(name).recipe.weight_decay > 0


def test_centred_windows_hold_every_frame_and_reach_equally_far(tmp_path: Path) -> None:
    clips = write_tiny_set(tmp_path / "set", (10, 3, 8, 7)).clips
    windows = TrainingWindows(clips, 4, "all", 4, centred=True)[:]
    starts = [
        (int(clip), int(start - clips["first_row"][clip]))
        for clip, start in zip(windows.clip, windows.start, strict=True)
    ]
    # Three windows of 4 for 10 frames reach one frame beyond either end, and so on.
    assert starts == [(0, -1), (0, 3), (0, 7), (1, 0), (2, 0), (2, 4), (3, 0), (3, 4)]
    inside = TrainingWindows(clips, 4, "all", 4)[:]
    assert dataclasses.astuple(inside)[0].tolist() == [0, 0, 1, 2, 2, 3]
