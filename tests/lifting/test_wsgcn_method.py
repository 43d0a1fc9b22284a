"""WS-GCN learns from labelled and unlabelled subjects, and from no label of the latter."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_lifter import CAMERAS, write_tiny_set
from torch import Tensor

from baselines.weak_supervision import bone_length_loss, project, reprojection_loss
from harness.body.skeleton import H36M_16, H36M_17
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.foundation.settings import ModelSettings
from harness.lifting.build import build_lifter
from harness.lifting.checkpoint import load_checkpoint, parameter_count
from harness.lifting.contract import Batch, Lifter, LifterInput
from harness.lifting.methods.wsgcn import METHOD, WeaklySupervisedLifter
from harness.lifting.windows import WindowReader
from harness.training.loop import TrainingFailed
from harness.training.plan import TrainingPlan
from harness.training.train_run import train_run
from harness.training.window_order import TrainingOrder

LENGTHS = (12, 5, 21, 13, 6, 7)
SUBJECTS = ("S1", "S1", "S5", "S6", "S8", "S9")
SPLITS = ("train", "train", "train", "train", "validation", "test")
SMALL = {"channels": 8, "modules": 1, "warm_up_epochs": 1}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    folder = tmp_path_factory.mktemp("weak") / "tiny"
    return write_tiny_set(folder, LENGTHS, SPLITS, subjects=SUBJECTS)


def built(**network: Any) -> WeaklySupervisedLifter:
    lifter = build_lifter(METHOD, SMALL | network, H36M_17, H36M_17, seed=0)
    assert isinstance(lifter, WeaklySupervisedLifter)
    return lifter


def ordered(prepared: PreparedSet, lifter: Lifter, **training: Any) -> TrainingOrder:
    world = {name: training.pop(name) for name in ("rank", "world_size") if name in training}
    recipe = METHOD.recipe.model_copy(update={"batch_size": 8} | training)
    reader = WindowReader(prepared, prepared.select("train"), "gt", lifter)
    return TrainingOrder(reader, lifter, recipe, seed=0, **world)


def first_batch(prepared: PreparedSet, lifter: Lifter, **training: Any) -> Batch:
    return next(iter(ordered(prepared, lifter, **training).batches(1)))


def test_has_the_published_number_of_parameters() -> None:
    lifter = build_lifter(METHOD, {"joints": 16}, H36M_17, H36M_17, seed=0)
    assert (lifter.skeleton, lifter.layout, lifter.frames) == (H36M_16, H36M_16, 1)
    assert parameter_count(lifter) == 434_703


def test_each_batch_is_half_labelled_and_an_epoch_is_a_pass_over_the_others(
    prepared: PreparedSet,
) -> None:
    order = ordered(prepared, built())
    assert order.steps == (21 + 13) // 4
    labelled, others = [], []
    for batch in order.batches(1):
        assert batch.labelled is not None
        assert batch.labelled.tolist() == [True] * 4 + [False] * 4
        labelled += [tuple(place) for place in batch.root[batch.labelled, 0].tolist()]
        others += [tuple(place) for place in batch.root[~batch.labelled, 0].tolist()]
    assert len(set(others)) == len(others) == 32
    times = [labelled.count(place) for place in set(labelled)]
    assert len(times) == 12 + 5, "every labelled window comes around"
    assert max(times) - min(times) <= 1


def test_devices_share_both_halves(prepared: PreparedSet) -> None:
    lifter = built()
    whole = first_batch(prepared, lifter)
    shares = [first_batch(prepared, lifter, rank=rank, world_size=2) for rank in (0, 1)]
    for rank, share in enumerate(shares):
        assert share.labelled is not None
        assert share.labelled.tolist() == [True, True, False, False]
        assert torch.equal(share.root, whole.root[rank::2])


def test_poses_without_label_are_not_numbers_and_their_roots_are_known(
    prepared: PreparedSet,
) -> None:
    for mirrored in (False, True):
        batch = first_batch(prepared, built(), flip_augmentation=mirrored)
        assert batch.labelled is not None
        assert batch.target[~batch.labelled].isnan().all()
        assert batch.target[batch.labelled].isfinite().all()
        assert batch.root.isfinite().all()
        moved = batch.to(torch.device("cpu"), torch.float64)
        assert torch.equal(moved.labelled, batch.labelled)


def test_full_supervision_is_semgcn(prepared: PreparedSet) -> None:
    lifter = built(labelled_subjects=None).eval()
    batch = first_batch(prepared, lifter)
    assert batch.labelled is None
    expected = (lifter(batch.inputs) - batch.target).square().mean()
    torch.testing.assert_close(lifter.loss(batch), expected)


def terms(lifter: WeaklySupervisedLifter, batch: Batch) -> dict[str, Tensor]:
    """Return the terms of the loss, each from the batch's halves."""
    assert batch.labelled is not None
    others, cameras = ~batch.labelled, batch.inputs.intrinsics
    seen = batch.inputs.keypoints[:, 0]
    poses, guesses = (lifter.network(seen[half]) for half in (batch.labelled, others))
    return {
        "labelled": (poses - batch.target[batch.labelled, 0]).square().mean(),
        "reprojection": reprojection_loss(
            guesses, batch.root[others, 0], seen[others], cameras[others]
        ),
        "bone_lengths": bone_length_loss(poses, guesses, lifter.skeleton.edges),
    }


@pytest.mark.parametrize("reprojection", [False, True])
@pytest.mark.parametrize("bone_lengths", [False, True])
def test_switches_and_warm_up_decide_the_terms(
    prepared: PreparedSet, reprojection: bool, bone_lengths: bool
) -> None:
    lifter = built(reprojection=reprojection, bone_lengths=bone_lengths, warm_up_epochs=2).eval()
    batch = first_batch(prepared, lifter)
    made_of = terms(lifter, batch)
    on = {"labelled": True, "reprojection": reprojection, "bone_lengths": bone_lengths}
    expected = torch.stack([value for name, value in made_of.items() if on[name]]).sum()
    for epoch in (1, 2, 3, 4):
        lifter.on_epoch_start(epoch, 4)
        now = made_of["labelled"] if epoch <= 2 else expected
        torch.testing.assert_close(lifter.loss(batch), now)


def test_a_warm_up_that_never_ends_is_refused() -> None:
    with pytest.raises(HarnessError, match="warm_up_epochs 3 leaves none of 3 epochs"):
        built(warm_up_epochs=3).on_epoch_start(1, 3)
    built(warm_up_epochs=3, labelled_subjects=None).on_epoch_start(1, 3)
    built(warm_up_epochs=3, reprojection=False, bone_lengths=False).on_epoch_start(1, 3)


@pytest.mark.parametrize(
    ("labelled", "expected"),
    [
        (["S2"], "labelled training subject 'S2'.*known: S1, S5, S6"),
        (["S8"], "labelled training subject 'S8'"),  # there, but of the validation split
        (["S1", "S5", "S6"], "not all; null is full supervision"),
        ([], r"\(none\) must be some"),
    ],
)
def test_labelled_subjects_that_make_no_sense_are_refused(
    prepared: PreparedSet, labelled: list[str], expected: str
) -> None:
    with pytest.raises(HarnessError, match=expected):
        ordered(prepared, built(labelled_subjects=labelled))


def test_a_batch_that_cannot_be_halved_is_refused(prepared: PreparedSet) -> None:
    with pytest.raises(HarnessError, match="batches of 1 of 68 training windows"):
        ordered(prepared, built(), batch_size=1)


def test_true_poses_have_no_loss_through_the_lens_of_each_camera(prepared: PreparedSet) -> None:
    """The intrinsics and roots of a batch are those that its keypoints were made with."""
    lifter = built(labelled_subjects=None)
    batch = first_batch(prepared, lifter, batch_size=51, flip_augmentation=True)
    cameras = batch.inputs.intrinsics
    assert len(set(map(tuple, cameras.tolist()))) == 4, "two cameras, and each mirrored"
    straight = torch.cat([cameras[:, :4], torch.zeros(len(cameras), 5)], dim=1)
    seen, root = batch.inputs.keypoints[:, 0], batch.root[:, 0]
    exact, ideal = (
        float(reprojection_loss(batch.target[:, 0], root, seen, intrinsics))
        for intrinsics in (cameras, straight)
    )
    assert exact < 1e-12
    assert ideal > 1e-8


def bending_batch(size: int) -> Batch:
    """Poses that bend in two ways, four metres before a camera; the first half is labelled."""
    generator = torch.Generator().manual_seed(0)
    bends = torch.randn(2, 17, 3, generator=generator) * 0.15
    rest = torch.randn(17, 3, generator=generator) * 0.3
    poses = rest + torch.einsum("bk,kjc->bjc", torch.randn(size, 2, generator=generator), bends)
    poses = poses - poses[:, [H36M_17.root]]
    root = torch.tensor([0.0, 0.0, 4.0]).expand(size, 3)
    cameras = torch.from_numpy(CAMERAS[0].normalized_intrinsics()).expand(size, 9)
    seen = project(poses + root.unsqueeze(1), cameras)
    labelled = torch.arange(size) < size // 2
    shown = torch.where(labelled.view(-1, 1, 1), poses, torch.nan)
    inputs = LifterInput(seen.unsqueeze(1), cameras)
    return Batch(inputs, shown.unsqueeze(1), root.unsqueeze(1), labelled)


def test_overfits_labelled_poses_and_the_others_keypoints() -> None:
    """Without the bone term, whose kinks stop a line search."""
    lifter, batch = built(channels=32, bone_lengths=False), bending_batch(32)
    optimiser = torch.optim.LBFGS(
        lifter.parameters(), max_iter=200, history_size=20, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = lifter.loss(batch)
        loss.backward()
        return loss

    optimiser.step(closure)
    with torch.no_grad():
        reached = terms(lifter, batch)
    assert reached["labelled"].sqrt() < 0.010
    assert reached["reprojection"].sqrt() < 0.010


def test_training_lowers_every_term_of_the_loss() -> None:
    lifter, batch = built(channels=32), bending_batch(32)
    optimiser = torch.optim.Adam(lifter.parameters(), lr=0.003)
    with torch.no_grad():
        before = terms(lifter, batch)
    for _ in range(150):
        optimiser.zero_grad()
        lifter.loss(batch).backward()
        optimiser.step()
    with torch.no_grad():
        after = terms(lifter, batch)
    for name, value in after.items():
        assert value < before[name] / 5, name


def plan(prepared: Path, folder: Path, **network: Any) -> TrainingPlan:
    return TrainingPlan(
        experiment="tiny",
        model="wsgcn",
        seed=0,
        settings=ModelSettings(network=SMALL | network, training={"epochs": 2, "batch_size": 8}),
        input_2d="noisy",
        prepared=prepared,
        folder=folder,
    )


def poisoned(prepared: PreparedSet, folder: Path, subjects: set[str], *, root: bool) -> Path:
    """Copy a set and make the 3D of `subjects` NaN: the root alone, or all but the root."""
    shutil.copytree(prepared.path, folder)
    positions = np.load(folder / "positions_3d.npy", mmap_mode="r+")
    joints = [joint for joint in range(17) if (joint == H36M_17.root) == root]
    for clip in prepared.clips.itertuples():
        if clip.subject in subjects:
            rows = np.arange(clip.first_row, clip.first_row + clip.frames)
            positions[np.ix_(rows, joints)] = np.nan
    positions.flush()
    return folder


def test_no_label_of_an_unlabelled_subject_reaches_the_weights(
    prepared: PreparedSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    clean = tmp_path / "clean"
    train_run(plan(prepared.path, clean), accelerator="cpu")
    others = poisoned(prepared, tmp_path / "others", {"S5", "S6"}, root=False)
    blind = tmp_path / "blind"
    train_run(plan(others, blind), accelerator="cpu")
    assert (blind / "history.csv").read_bytes() == (clean / "history.csv").read_bytes()
    weights, expected = (load_checkpoint(run / "model.safetensors")[0] for run in (blind, clean))
    for name, weight in weights.state_dict().items():
        assert torch.equal(weight, expected.state_dict()[name]), name
    # What training does look at stops it: the labelled poses, and everybody's root.
    labelled = poisoned(prepared, tmp_path / "labelled", {"S1"}, root=False)
    with pytest.raises(TrainingFailed, match="loss is nan"):
        train_run(plan(labelled, tmp_path / "a"), accelerator="cpu")
    lost = poisoned(prepared, tmp_path / "lost", {"S5", "S6"}, root=True)
    with pytest.raises(TrainingFailed, match="epoch 2"):
        train_run(plan(lost, tmp_path / "b"), accelerator="cpu")
